"""Sounds and forms through the official OpenAI client: what passes, and what it counts as."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from openai import AsyncOpenAI, BadRequestError

from tests.builders import serving
from tests.llm import double as d
from torana.llm.dialect import Peek
from torana.llm.errors import LlmError
from torana.llm.forms import fields, file_of, retarget, values
from torana.message import Headers, Reply, Request, read

SETTINGS = """
[providers.up]
type = "custom"
base_url = "{url}/v1"
[models.ear]
targets = [{{ provider = "up", model = "whisper-up-2026" }}]
retries = 0
[models.mouth]
targets = [{{ provider = "up", model = "tts-up" }}]
[keys.dev]
secret = "sk-dev"
tokens_per_minute = 1000
"""
SOUND = b"RIFF\r\n--not a boundary\r\n\x00\xff" * 2000


class Provider:
    def __init__(self) -> None:
        self.bodies: list[tuple[str, Headers, bytes]] = []

    async def __call__(self, request: Request) -> Reply:
        body = await read(request.body, 10**7)
        self.bodies.append((request.target, request.headers, body))
        if request.target == "/v1/audio/speech":
            kind = [("Content-Type", "audio/mpeg")]
            return Reply(200, Headers(kind), d.Pieces([b"ID3", b"\x00" * 70000, b"end"]))
        if "stream" in values(body):
            pieces = [
                b'data: {"type":"transcript.text.delta","delta":"He"}\n\n',
                b'data: {"type":"transcript.text.done","text":"Hello",'
                b'"usage":{"type":"tokens","input_tokens":14,"output_tokens":2}}\n\n',
            ]
            return d.stream(*pieces)
        return d.answer({"text": "Hello", "usage": {"type": "duration", "seconds": 2}})


@asynccontextmanager
async def asking() -> AsyncGenerator[tuple[AsyncOpenAI, Provider, d.Running]]:
    provider = Provider()
    async with serving(provider) as up:
        settings = SETTINGS.format(url=f"http://127.0.0.1:{up.port}")
        async with (
            d.gateway(lambda request, body: d.answer({}), settings) as running,
            AsyncOpenAI(base_url=f"{running.url}/v1", api_key="sk-dev", max_retries=0) as openai,
        ):
            yield openai, provider, running


async def test_a_recording_passes_byte_for_byte_to_the_targets_model() -> None:
    async with asking() as (openai, provider, running):
        for _ in range(3):
            done = await openai.audio.transcriptions.create(model="ear", file=("a.wav", SOUND))
            assert done.text == "Hello"
        await openai.post(
            "/audio/translations",
            cast_to=object,
            files={"file": ("a.wav", SOUND)},
            body={"model": "ear"},
            options={"headers": {"Content-Type": "multipart/form-data"}},
        )
    path, headers, body = provider.bodies[0]
    assert path == "/v1/audio/transcriptions"
    assert (headers.get("content-type") or "").startswith("multipart/form-data; boundary=")
    assert values(body)["model"] == "whisper-up-2026"
    assert file_of(body, "file") == ("a.wav", SOUND)
    assert provider.bodies[3][0] == "/v1/audio/translations"
    assert [(each.input, each.output) for each in running.spent] == [(0, 0)] * 4


async def test_a_transcription_streams_and_tells_its_tokens() -> None:
    async with asking() as (openai, _, running):
        stream: Any = await openai.audio.transcriptions.create(
            model="ear", file=("a.wav", SOUND), stream=True
        )
        assert [event.type async for event in stream] == [
            "transcript.text.delta",
            "transcript.text.done",
        ]
    assert [(each.input, each.output) for each in running.spent] == [(14, 2)]


async def test_speech_comes_while_it_is_made_and_is_no_tokens() -> None:
    async with asking() as (openai, _, running):
        said = await openai.audio.speech.create(model="mouth", voice="alloy", input="Hello")
        assert said.content == b"ID3" + b"\x00" * 70000 + b"end"
        assert said.response.headers["content-type"] == "audio/mpeg"
        assert said.response.headers["x-torana-model"] == "tts-up"
    assert [(each.input, each.output) for each in running.spent] == [(0, 0)]


async def test_a_form_without_a_model_is_refused() -> None:
    async with asking() as (openai, provider, _):
        with pytest.raises(BadRequestError, match="you must provide a model"):
            await openai.post("/audio/transcriptions", files={"file": b"x"}, cast_to=object)
        assert provider.bodies == []


def form(*parts: bytes) -> bytes:
    return b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + b"--b--\r\n"


def test_fields_are_read_and_replaced_wherever_they_stand() -> None:
    model = b'Content-Disposition: form-data; name="model"\r\n\r\nold'
    file = (
        b'content-disposition: form-data; filename="x.bin"; name="file"\r\n'
        b"Content-Type: audio/wav\r\n\r\n\r\n--bb\r\n"
    )
    empty = b'Content-Disposition: form-data; name="prompt"\r\n\r\n'
    body = form(file, model, empty)
    assert [(each.name, each.filename, each.type) for each in fields(body)] == [
        ("file", "x.bin", "audio/wav"),
        ("model", None, ""),
        ("prompt", None, ""),
    ]
    changed = retarget(body, Peek("old"), "a-longer-name")
    assert values(changed) == {"model": "a-longer-name", "prompt": ""}
    assert file_of(changed, "file") == file_of(body, "file")


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"--b", b"--b\r\n", form(b"x")[:-8], form(b"Content-Type: a\r\n\r\nx")],
)
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(LlmError, match="The form cannot be read"):
        values(body)
