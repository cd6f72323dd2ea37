"""Files and batches through the official OpenAI client: done, refused, cancelled, and not lost."""
# The process' environment and its boto3 are dynamic.
# pyright: reportPrivateUsage=false

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI, BadRequestError, ConflictError, NotFoundError

from tests.builders import serving
from tests.llm import double as d
from tests.services.apigateway.making import gateway
from torana.llm_settings import Llm, LlmKey, LlmModel, LlmProvider, LlmTarget
from torana.message import Reply, Request

CHAT = "/v1/chat/completions"


class Provider:
    """Answers after `released`; counts questions by their words."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.came = asyncio.Event()
        self.released = asyncio.Event()
        self.released.set()

    async def __call__(self, request: Request) -> Reply:
        assert isinstance(request.body, bytes)
        words = json.loads(request.body)["messages"][0]["content"]
        self.asked[words] += 1
        self.came.set()
        if words.startswith("slow"):
            await self.released.wait()
        if words == "bad":
            return d.answer({"error": {"message": "no", "type": "invalid_request_error"}}, 400)
        if words == "busy" and self.asked[words] == 1:
            return d.answer({"error": {"message": "busy"}}, 503, ("Retry-After", "0.01"))
        if words == "in lines":
            return d.answer(json.dumps(d.OPENAI, indent=2).encode())
        return d.answer(d.OPENAI)


def llm(port: int) -> Llm:
    return Llm(
        providers={"up": LlmProvider("custom", f"http://127.0.0.1:{port}/v1")},
        models={"fast": LlmModel((LlmTarget("up", "m"),), retries=0)},
        keys={"ann": LlmKey(secret="sk-ann"), "ann/2": LlmKey(secret="sk-bob")},
    )


def question(id: str, words: str, **more: Any) -> dict[str, Any]:
    body = {"model": "fast", "messages": [{"role": "user", "content": words}]}
    return {"custom_id": id, "method": "POST", "url": CHAT, "body": body, **more}


def jsonl(*questions: Any) -> bytes:
    return b"\n".join(
        each if isinstance(each, bytes) else json.dumps(each).encode() for each in questions
    )


@asynccontextmanager
async def running(data: Path) -> AsyncGenerator[tuple[str, Provider]]:
    provider = Provider()
    async with serving(provider) as up, gateway(data, llm=llm(up.port)) as found:
        yield f"{found.door}/v1", provider


def client(url: str, key: str = "sk-ann") -> AsyncOpenAI:
    return AsyncOpenAI(base_url=url, api_key=key, max_retries=0)


async def started(openai: AsyncOpenAI, *questions: Any) -> str:
    file = await openai.files.create(file=("in.jsonl", jsonl(*questions)), purpose="batch")
    made = await openai.batches.create(
        input_file_id=file.id, endpoint=CHAT, completion_window="24h", metadata={"a": "b"}
    )
    assert made.status == "validating"
    return made.id


async def over(openai: AsyncOpenAI, id: str) -> Any:
    async with asyncio.timeout(30):
        while True:
            found = await openai.batches.retrieve(id)
            if found.status in ("completed", "failed", "cancelled", "expired"):
                return found
            await asyncio.sleep(0.02)


async def kept(openai: AsyncOpenAI, id: str, most: int) -> None:
    async with asyncio.timeout(30):
        while True:
            counts = (await openai.batches.retrieve(id)).request_counts
            if counts is not None and counts.completed == most:
                return
            await asyncio.sleep(0.02)


async def content(openai: AsyncOpenAI, file: str | None) -> dict[str, Any]:
    assert file is not None
    text = (await openai.files.content(file)).text
    return {each["custom_id"]: each["response"] for each in map(json.loads, text.splitlines())}


async def test_an_answer_in_many_lines_is_one_line_of_the_output(tmp_path: Path) -> None:
    async with running(tmp_path) as (url, _), client(url) as openai:
        batch = await over(openai, await started(openai, question("a", "in lines")))
        assert batch.status == "completed"
        found = await content(openai, batch.output_file_id)
    assert found["a"]["body"]["choices"]


async def test_a_batch_is_answered_line_by_line(tmp_path: Path) -> None:
    async with running(tmp_path) as (url, provider), client(url) as openai:
        id = await started(
            openai, question("1", "hello"), b"", question("2", "bad"), question("3", "busy")
        )
        done = await over(openai, id)
        assert (done.status, done.metadata) == ("completed", {"a": "b"})
        counts = done.request_counts
        assert (counts.total, counts.completed, counts.failed) == (3, 2, 1)
        good = await content(openai, done.output_file_id)
        assert good["1"]["body"]["choices"][0]["message"]["content"] == "Hello there."
        bad = await content(openai, done.error_file_id)
        assert bad["2"]["status_code"] == 400
        assert bad["2"]["body"]["error"]["message"] == "no"
        assert provider.asked == {"hello": 1, "bad": 1, "busy": 2}
        assert [each.id async for each in openai.batches.list()] == [id]


async def test_files_are_kept_listed_and_deleted(tmp_path: Path) -> None:
    async with running(tmp_path) as (url, _), client(url) as openai, client(url, "sk-bob") as bob:
        file = await openai.files.create(file=("in.jsonl", b"x\r\n--y"), purpose="batch")
        assert (file.bytes, file.filename, file.purpose) == (6, "in.jsonl", "batch")
        assert (await openai.files.content(file.id)).content == b"x\r\n--y"
        assert [each.id async for each in openai.files.list()] == [file.id]
        assert [each async for each in bob.files.list()] == []
        for asked in (bob.files.retrieve(file.id), bob.files.content(file.id)):
            with pytest.raises(NotFoundError):
                await asked
        with pytest.raises(NotFoundError):
            await bob.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h")
        assert (await openai.files.delete(file.id)).deleted
        with pytest.raises(NotFoundError):
            await openai.files.retrieve(file.id)
        with pytest.raises(BadRequestError, match="is not one of"):
            await openai.files.create(file=b"x", purpose="fun")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ((b"{",), "not a request"),
        ((question("1", "x"), question("1", "y")), "there twice"),
        ((question("1", "x", url="/v1/embeddings"),), "must be the batch's endpoint"),
        ((question("1", "x", method="GET"),), "must be POST"),
    ],
)
async def test_a_file_that_is_no_batch_fails_whole(
    tmp_path: Path, lines: tuple[Any, ...], why: str
) -> None:
    async with running(tmp_path) as (url, provider), client(url) as openai:
        done = await over(openai, await started(openai, *lines))
        assert done.status == "failed"
        assert why in done.errors.data[0].message
        assert done.errors.data[0].line == len(lines)
        assert provider.asked == {}


async def test_what_was_not_begun_is_cancelled(tmp_path: Path) -> None:
    async with running(tmp_path) as (url, provider), client(url) as openai:
        provider.released.clear()
        id = await started(openai, *(question(str(at), f"slow {at}") for at in range(30)))
        await provider.came.wait()
        assert (await openai.batches.cancel(id)).status == "cancelling"
        provider.released.set()
        done = await over(openai, id)
        assert done.status == "cancelled"
        assert len(await content(openai, done.output_file_id)) == len(provider.asked) < 30
        with pytest.raises(ConflictError, match="Cannot cancel"):
            await openai.batches.cancel(id)


async def test_an_accepted_batch_survives_kill_9(tmp_path: Path) -> None:
    provider = Provider()
    provider.released.clear()
    async with serving(provider) as up:
        settings = tmp_path / "torana.toml"
        settings.write_text(
            f'[llm.providers.up]\ntype = "custom"\nbase_url = "http://127.0.0.1:{up.port}/v1"\n'
            '[llm.models.fast]\ntargets = [{ provider = "up", model = "m" }]\n'
            '[llm.keys.ann]\nsecret = "sk-ann"\n'
        )
        process, url = await begun(tmp_path, settings)
        async with client(url) as openai:
            questions = [question(str(at), f"quick {at}") for at in range(5)]
            questions += [question(f"s{at}", f"slow {at}") for at in range(5)]
            id = await started(openai, *questions)
            await kept(openai, id, 5)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        provider.released.set()
        process, url = await begun(tmp_path, settings)
        async with client(url) as openai:
            done = await over(openai, id)
            assert done.status == "completed"
            assert len(await content(openai, done.output_file_id)) == 10
        assert [provider.asked[f"quick {at}"] for at in range(5)] == [1] * 5
        process.terminate()
        await process.wait()


async def begun(data: Path, settings: Path) -> tuple[asyncio.subprocess.Process, str]:
    run = data / "data/run.json"
    run.unlink(missing_ok=True)
    command = [sys.executable, "-m", "torana.cli", "serve", "--config", str(settings)]
    command += ["--data", str(data / "data"), "--port", "0", "--management-port", "0"]
    with (data / "log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=log, stderr=log, env=dict(os.environ)
        )
    async with asyncio.timeout(40):
        while not run.exists():
            assert process.returncode is None, (data / "log").read_text()
            await asyncio.sleep(0.05)
    return process, f"http://127.0.0.1:{json.loads(run.read_text())['port']}/v1"
