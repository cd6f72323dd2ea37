"""Providers that misbehave: before the first token others answer, after it the client is told."""

import asyncio
import json
from typing import Any

import pytest
from anthropic import AsyncAnthropic
from openai import APIError, APIStatusError, AsyncOpenAI

from tests.llm import double as d
from torana.message import Headers, Reply, Request

SETTINGS = """
[providers.up]
type = "custom"
base_url = "{up}"
first_timeout = 0.3
idle_timeout = 0.3
[models.bad]
targets = [{ provider = "up", model = "bad" }]
fallbacks = ["good"]
retries = 0
[models.alone]
targets = [{ provider = "up", model = "bad" }]
retries = 0
[models.stubborn]
targets = [{ provider = "up", model = "bad" }]
retries = 1
[models.good]
targets = [{ provider = "up", model = "good" }]
[prices.bad]
input = 1000000
output = 1000000
[prices.good]
input = 1000000
output = 1000000
[keys.dev]
secret = "sk-dev"
[keys.poor]
secret = "sk-poor"
budget = { usd = 2000, period = "day" }
[keys.few]
secret = "sk-few"
tokens_per_minute = 1200
"""
HELLO: Any = [{"role": "user", "content": "Say hello"}]
ERROR = b'data: {"error": {"message": "boom", "type": "server_error", "code": null}}\n\n'


def but(bad: Reply | None) -> d.Script:
    """The model `bad` answers as given, or never; every other one well."""

    def script(request: Request, body: dict[str, Any]) -> Reply:
        if body["model"] == "bad":
            return bad if bad is not None else d.stream(9.0)
        return d.stream(*d.OPENAI_STREAM) if body.get("stream") else d.answer(d.OPENAI)

    return script


def client(running: d.Running, key: str = "sk-dev") -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{running.url}/v1", api_key=key, max_retries=0)


FAULTS: dict[str, Any] = {
    "a 500": lambda: d.answer({"error": {"message": "boom"}}, 500),
    "a 429": lambda: d.answer({"error": {"message": "slow"}}, 429, ("Retry-After", "7")),
    "a 400": lambda: d.answer({"error": {"message": "bad"}}, 400),
    "a 401": lambda: d.answer({"error": {"message": "who?"}}, 401),
    "malformed JSON in an error": lambda: d.answer(b"<html>", 503),
    "an error event in a stream of status 200": lambda: d.stream(ERROR),
    "an error event after the role": lambda: d.stream(d.OPENAI_STREAM[0], ERROR),
    "malformed JSON in a stream": lambda: d.stream(b'data: {"choices": [\n\n'),
    "an empty stream": lambda: d.stream(),
    "a stream that only says the role": lambda: d.stream(d.OPENAI_STREAM[0], 9.0),
    "a stream that never begins": lambda: d.stream(9.0),
    "a broken connection": lambda: d.stream(ConnectionResetError()),
}


@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_a_fault_before_the_first_token_falls_back(fault: str) -> None:
    async with d.gateway(but(FAULTS[fault]()), SETTINGS) as running, client(running) as openai:
        stream = await openai.chat.completions.create(model="bad", messages=HELLO, stream=True)
        said = [each.choices[0].delta.content or "" async for each in stream]
        assert "".join(said) == "Hello there."
        assert running.spent[0].attempts == 2
        assert running.spent[0].target == "good"


@pytest.mark.parametrize("body", [b'{"id": "x", "cho', b"<html>", {"error": {"message": "boom"}}])
async def test_a_broken_answer_of_status_200_falls_back(body: Any) -> None:
    async with d.gateway(but(d.answer(body)), SETTINGS) as running, client(running) as openai:
        done = await openai.chat.completions.create(model="bad", messages=HELLO)
        assert done.choices[0].message.content == "Hello there."
        assert (running.spent[0].attempts, running.spent[0].target) == (2, "good")
        with pytest.raises(APIStatusError) as caught:
            await openai.chat.completions.create(model="alone", messages=HELLO)
        assert caught.value.status_code == 502


async def test_the_last_fault_is_the_clients_answer() -> None:
    bad = d.answer({"error": {"message": "too many", "code": "x"}}, 429, ("Retry-After", "7"))
    async with d.gateway(but(bad), SETTINGS) as running, client(running) as openai:
        with pytest.raises(APIStatusError) as caught:
            await openai.chat.completions.create(model="alone", messages=HELLO)
        assert caught.value.status_code == 429
        assert (caught.value.message, caught.value.code) == ("Error code: 429 - too many", "x")
        assert caught.value.response.headers["retry-after"] == "7"


async def test_a_provider_that_refuses_our_key_is_no_fault_of_the_clients_key() -> None:
    bad = d.answer({"error": {"message": "who?"}}, 401)
    async with d.gateway(but(bad), SETTINGS) as running, client(running) as openai:
        with pytest.raises(APIStatusError) as caught:
            await openai.chat.completions.create(model="alone", messages=HELLO)
        assert caught.value.status_code == 502


async def test_a_passing_fault_is_tried_again() -> None:
    replies = iter([d.answer(b"", 503), d.answer(d.OPENAI)])
    script: d.Script = lambda request, body: next(replies)  # noqa: E731
    async with d.gateway(script, SETTINGS) as running, client(running) as openai:
        done = await openai.chat.completions.create(model="stubborn", messages=HELLO)
        assert done.choices[0].message.content == "Hello there."
        assert running.spent[0].attempts == 2


async def test_a_bad_request_is_not_tried_again() -> None:
    bad = d.answer({"error": {"message": "bad"}}, 400)
    async with d.gateway(but(bad), SETTINGS) as running, client(running) as openai:
        with pytest.raises(APIStatusError):
            await openai.chat.completions.create(model="stubborn", messages=HELLO)
        assert len(running.double.asked) == 1


async def test_half_a_stream_ends_with_an_error_that_the_client_sees() -> None:
    half = d.stream(*d.OPENAI_STREAM[:2], ConnectionResetError())
    async with d.gateway(but(half), SETTINGS) as running, client(running) as openai:
        stream = await openai.chat.completions.create(model="bad", messages=HELLO, stream=True)
        said: list[str] = []
        with pytest.raises(APIError, match="broke off"):
            async for each in stream:
                said.append(each.choices[0].delta.content or "")
        assert "".join(said) == "Hello"


async def test_a_stream_that_ends_in_peace_without_its_end_is_an_error_too() -> None:
    half = d.stream(*d.OPENAI_STREAM[:3])
    async with d.gateway(but(half), SETTINGS) as running, client(running) as openai:
        stream = await openai.chat.completions.create(model="bad", messages=HELLO, stream=True)
        with pytest.raises(APIError, match="broke off"):
            async for _ in stream:
                pass


async def test_usage_nobody_asked_for_stays_away_however_lines_end() -> None:
    crlf = [piece.replace(b"\n", b"\r\n") for piece in d.OPENAI_STREAM]
    async with d.gateway(but(d.stream(*crlf)), SETTINGS) as running, client(running) as openai:
        stream = await openai.chat.completions.create(model="bad", messages=HELLO, stream=True)
        assert all([each.choices and each.usage is None async for each in stream])
        assert (running.spent[0].input, running.spent[0].output) == (20, 10)


async def test_a_stream_counts_as_busy_to_its_end() -> None:
    slow = d.stream(*d.OPENAI_STREAM[:2], 0.1, *d.OPENAI_STREAM[2:])
    async with d.gateway(but(slow), SETTINGS) as running, client(running) as openai:
        target = running.api.plan.models["bad"].targets[0]
        stream = await openai.chat.completions.create(model="bad", messages=HELLO, stream=True)
        assert target.busy == 1
        async for _ in stream:
            pass
        assert target.busy == 0


async def test_a_stream_that_stalls_ends_with_an_error() -> None:
    stalled = d.stream(*d.OPENAI_STREAM[:2], 9.0)
    async with d.gateway(but(stalled), SETTINGS) as running, client(running) as openai:
        stream = await openai.chat.completions.create(model="bad", messages=HELLO, stream=True)
        with pytest.raises(APIError, match="stopped"):
            async for _ in stream:
                pass


async def test_events_may_be_cut_anywhere() -> None:
    whole = b"".join(d.OPENAI_TOOL_STREAM)
    cut = [whole[at : at + 7] for at in range(0, len(whole), 7)]
    async with d.gateway(but(d.stream(*cut)), SETTINGS) as running, client(running) as openai:
        stream = await openai.chat.completions.create(model="bad", messages=HELLO, stream=True)
        arguments = ""
        async for each in stream:
            for call in each.choices[0].delta.tool_calls or ():
                assert call.function is not None
                arguments += call.function.arguments or ""
        assert json.loads(arguments) == {"city": "Paris"}


async def test_a_client_that_leaves_takes_the_provider_along() -> None:
    endless = d.stream(*d.OPENAI_STREAM[:2], *[d.OPENAI_STREAM[1], 0.05] * 200)
    async with d.gateway(but(endless), SETTINGS) as running:
        async with client(running) as openai:
            stream = await openai.chat.completions.create(model="bad", messages=HELLO, stream=True)
            async for each in stream:
                if each.choices[0].delta.content:
                    break
            await stream.close()
        body = running.double.replies[0].body
        assert isinstance(body, d.Pieces)
        await asyncio.wait_for(body.closed.wait(), 5)
        assert running.spent[0].estimated


async def test_a_budget_is_spent_to_the_last_reservation_and_no_further() -> None:
    async with d.gateway(but(None), SETTINGS) as running, client(running, "sk-poor") as openai:
        codes: list[int] = []

        async def one() -> None:
            try:
                await openai.chat.completions.create(model="good", messages=HELLO, max_tokens=70)
            except APIStatusError as error:
                codes.append(error.status_code)
                assert error.code == "insufficient_quota"

        # Each costs 30 dollars, and reserves what its 70 tokens and its own length may cost.
        for _ in range(70):
            await one()
        cost = sum(each.usd or 0 for each in running.spent)
        assert 2000 - 130 < cost <= 2000
        assert set(codes) == {429}


async def test_tokens_a_minute_are_settled_with_what_was_really_used() -> None:
    async with d.gateway(but(None), SETTINGS) as running, client(running, "sk-few") as openai:
        for _ in range(10):
            await openai.chat.completions.create(model="good", messages=HELLO, max_tokens=800)
        assert len(running.spent) == 10
        with pytest.raises(APIStatusError) as caught:
            await openai.chat.completions.create(model="good", messages=HELLO, max_tokens=1100)
        assert caught.value.status_code == 429


async def test_a_tool_call_may_be_split_anywhere_and_lack_its_number() -> None:
    def piece(**call: Any) -> bytes:
        return d.chunk({"tool_calls": [call]})

    calls = d.stream(
        d.chunk({"role": "assistant", "content": None}),
        piece(id="a", type="function"),
        piece(function={"name": "weather"}),
        piece(function={"arguments": '{"ci'}),
        piece(function={"arguments": 'ty": "Paris"}'}),
        piece(id="b", function={"name": "time", "arguments": "{}"}),
        d.chunk({}, "tool_calls"),
        b"data: [DONE]\n\n",
    )
    async with d.gateway(but(calls), SETTINGS) as running:
        claude = AsyncAnthropic(base_url=running.url, api_key="sk-dev", max_retries=0)
        async with (
            claude,
            claude.messages.stream(model="bad", max_tokens=9, messages=HELLO) as stream,
        ):
            done = await stream.get_final_message()
        uses = [
            (part.id, part.name, part.input) for part in done.content if part.type == "tool_use"
        ]
        assert uses == [("a", "weather", {"city": "Paris"}), ("b", "time", {})]


@pytest.mark.parametrize("said", ["\u00b2", ".", "-1", "9" * 400], ids=["two", "dot", "minus", "9"])
async def test_a_retry_after_that_says_no_time_is_still_a_429(said: str) -> None:
    bad = d.answer({"error": {"message": "slow"}}, 429, ("Retry-After", said))
    async with d.gateway(but(bad), SETTINGS) as running, client(running) as openai:
        with pytest.raises(APIStatusError) as caught:
            await openai.chat.completions.create(model="alone", messages=HELLO)
        assert caught.value.status_code == 429


@pytest.mark.parametrize("status", [301, 304])
async def test_a_provider_that_leads_elsewhere_is_a_fault_upstream(status: int) -> None:
    bad = d.answer(b"", status, ("Location", "https://elsewhere.example/"))
    async with d.gateway(but(bad), SETTINGS) as running, client(running) as openai:
        with pytest.raises(APIStatusError) as caught:
            await openai.chat.completions.create(model="alone", messages=HELLO)
        assert caught.value.status_code == 502


@pytest.mark.parametrize("error", [["boom"], {"message": None}], ids=str)
async def test_an_error_of_no_known_form_falls_back_for_clients_of_another_api(error: Any) -> None:
    bad = d.answer({"error": error})
    async with d.gateway(but(bad), SETTINGS) as running:
        claude = AsyncAnthropic(base_url=running.url, api_key="sk-dev", max_retries=0)
        async with claude:
            done = await claude.messages.create(model="bad", max_tokens=9, messages=HELLO)
        assert [part.text for part in done.content if part.type == "text"] == ["Hello there."]


async def test_usage_that_cannot_be_read_passes_and_is_guessed() -> None:
    odd = b'data: {"choices": [], "usage": {"prompt_tokens": "many"}}\n\n'
    pieces = d.stream(*d.OPENAI_STREAM[:4], odd, d.OPENAI_STREAM[-1])
    async with d.gateway(but(pieces), SETTINGS) as running, client(running) as openai:
        stream = await openai.chat.completions.create(model="bad", messages=HELLO, stream=True)
        said = [each.choices[0].delta.content or "" async for each in stream if each.choices]
        assert "".join(said) == "Hello there."
        assert [each.estimated for each in running.spent] == [True]
        assert running.api.plan.models["bad"].targets[0].busy == 0


async def test_a_client_that_leaves_within_a_whole_answer_takes_the_provider_along() -> None:
    body = d.Pieces([b'{"id": "x",', *[b" ", 0.05] * 400])
    slow = Reply(200, Headers([("Content-Type", "application/json")]), body)
    begun = asyncio.Event()

    def script(request: Request, asked: dict[str, Any]) -> Reply:
        begun.set()
        return slow

    async with d.gateway(script, SETTINGS) as running, client(running) as openai:
        asking = asyncio.ensure_future(
            openai.chat.completions.create(model="alone", messages=HELLO)
        )
        await asyncio.wait_for(begun.wait(), 5)
        await asyncio.sleep(0.1)
        asking.cancel()
        await asyncio.wait_for(body.closed.wait(), 5)
        assert [each.status for each in running.spent] == [499]
