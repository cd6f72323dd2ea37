"""Guardrails: what does not reach a model, and what does not come back."""

import json
from typing import Any

import pytest
from anthropic import AsyncAnthropic
from hypothesis import given
from hypothesis import strategies as st
from openai import APIError, AsyncOpenAI, BadRequestError

from tests.llm import double as d
from torana.app.llm import mistakes
from torana.llm.chat import Event, Stopped, TextDelta
from torana.llm.detectors import PERSONAL, SECRETS, by_form, by_pattern, by_words
from torana.llm.errors import LlmError
from torana.llm.guard import Guard, GuardedWriter, Rule
from torana.llm_settings import Llm, LlmGuardrail, LlmModel, LlmRule
from torana.message import Reply, Request

SETTINGS = """
[providers.up]
type = "custom"
base_url = "{up}"
[guardrails.private]
rules = [
  { finds = "pii" },
  { finds = "secrets", action = "block", message = "Keep your keys to yourself." },
  { finds = "words", words = ["project x"], name = "PROJECT", on = ["output"] },
  { finds = "pattern", pattern = "(?i)launch code \\\\d+", action = "block", on = ["output"] },
]
[models.fast]
targets = [{ provider = "up", model = "up" }]
guardrails = ["private"]
retries = 0
[models.open]
targets = [{ provider = "up", model = "up" }]
[keys.ann]
secret = "sk-ann"
"""
KEY = "AKIAIOSFODNN7EXAMPLE"


def says(*pieces: str) -> Any:
    """A provider that answers with these words, in these pieces where it streams."""

    def provider(request: Request, body: dict[str, Any]) -> Reply:
        if not body.get("stream"):
            message = {"role": "assistant", "content": "".join(pieces)}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            return d.answer({**d.OPENAI, "choices": [choice]})
        chunks = [d.chunk({"content": piece}) for piece in pieces]
        return d.stream(d.OPENAI_STREAM[0], *chunks, *d.OPENAI_STREAM[3:])

    return provider


def client(running: d.Running) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{running.url}/v1", api_key="sk-ann", max_retries=0)


async def ask(openai: AsyncOpenAI, text: str, **more: Any) -> str:
    chat: Any = openai.chat.completions
    asked = [
        {"role": "system", "content": "I am eve@example.com"},
        {"role": "user", "content": text},
    ]
    done = await chat.create(model="fast", messages=asked, **more)
    return done.choices[0].message.content


async def streamed(openai: AsyncOpenAI) -> list[str]:
    chat: Any = openai.chat.completions
    asked = [{"role": "user", "content": "hi"}]
    stream = await chat.create(model="fast", messages=asked, stream=True)
    return [each.choices[0].delta.content or "" async for each in stream if each.choices]


async def test_personal_data_is_masked_before_it_reaches_the_provider() -> None:
    async with d.gateway(says("fine"), SETTINGS) as running, client(running) as openai:
        assert await ask(openai, "Write to bob@example.com, card 4111 1111 1111 1111") == "fine"
        sent = json.dumps(running.double.asked[0][2])
        assert "Write to [EMAIL], card [CREDIT_DEBIT_NUMBER]" in sent
        assert "I am [EMAIL]" in sent
        assert "example.com" not in sent


async def test_a_secret_in_a_question_is_refused_and_nobody_is_asked() -> None:
    async with d.gateway(says("fine"), SETTINGS) as running, client(running) as openai:
        with pytest.raises(BadRequestError, match="Keep your keys to yourself") as failure:
            await ask(openai, f"my key is {KEY}")
        assert failure.value.code == "content_filter"
        assert running.double.asked == []


async def test_an_answer_is_masked() -> None:
    said = says("Ask al@b.io about Project X.")
    async with d.gateway(said, SETTINGS) as running, client(running) as openai:
        assert await ask(openai, "who?") == "Ask [EMAIL] about [PROJECT]."


async def test_an_answer_that_may_not_be_is_an_error_and_paid_for() -> None:
    async with d.gateway(says("The launch code 1234"), SETTINGS) as running:
        async with client(running) as openai:
            with pytest.raises(BadRequestError, match="guardrail 'private'"):
                await ask(openai, "tell me")
        assert [spent.output for spent in running.spent] == [10]


async def test_what_a_stream_brings_in_pieces_is_found_whole() -> None:
    pieces = ["Ask ", "al@", "b.", "io", " about pro", "ject x", " now."]
    async with d.gateway(says(*pieces), SETTINGS) as running, client(running) as openai:
        assert "".join(await streamed(openai)) == "Ask [EMAIL] about [PROJECT] now."


async def test_a_stream_goes_on_while_it_is_looked_at() -> None:
    pieces = [f"word {n} " for n in range(60)]
    async with d.gateway(says(*pieces), SETTINGS) as running, client(running) as openai:
        came = await streamed(openai)
        assert "".join(came) == "".join(pieces)
        assert len([piece for piece in came if piece]) > 30


async def test_a_stream_ends_where_it_may_not_go_on() -> None:
    pieces = ["x" * 200, " launch ", "code ", "99", " and more"]
    async with d.gateway(says(*pieces), SETTINGS) as running, client(running) as openai:
        with pytest.raises(APIError, match="guardrail 'private'"):
            await streamed(openai)


async def test_clients_of_another_api_are_guarded_too() -> None:
    async with d.gateway(says("Ask al@b.io"), SETTINGS) as running:
        async with AsyncAnthropic(base_url=running.url, api_key="sk-ann", max_retries=0) as client:
            done: Any = await client.messages.create(
                model="fast", max_tokens=50, messages=[{"role": "user", "content": "b@c.de?"}]
            )
        assert done.content[0].text == "Ask [EMAIL]"
        assert "[EMAIL]?" in json.dumps(running.double.asked[0][2])


async def test_what_no_guardrail_looks_into_is_refused() -> None:
    async with d.gateway(says("fine"), SETTINGS) as running, client(running) as openai:
        with pytest.raises(BadRequestError, match="let only chats through"):
            await openai.embeddings.create(model="fast", input="x")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("a.b+c@mail.example.co.uk", "EMAIL"),
        ("4111-1111-1111-1111", "CREDIT_DEBIT_NUMBER"),
        ("DE89 3704 0044 0532 0130 00", "INTERNATIONAL_BANK_ACCOUNT_NUMBER"),
        ("192.0.2.1", "IP_ADDRESS"),
        ("+41 44 668 18 00", "PHONE"),
        ("+4915112345678", "PHONE"),
        ("01.49.79.84.47", "PHONE"),
        ("on my mobile: 944 12 109", "PHONE"),
        ("944 12 109", ""),
        ("01.02.2026", ""),
        ("(555) 123-4567", "PHONE"),
        ("+1 555-123-4567", "PHONE"),
        ("123-45-6789", "SSN"),
        ("4111 1111 1111 1112", ""),
        ("DE89 3704 0044 0532 0130 01", ""),
        ("version 1.2.3.4.5", ""),
        ("2026-11-24", ""),
        ("a@b", ""),
    ],
)
def test_personal_data_is_known_by_its_form_and_its_check_digits(text: str, kind: str) -> None:
    found = [span.kind for span in by_form(PERSONAL)(f"it is {text} .")]
    assert found == ([kind] if kind else [])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (KEY, "AWS_ACCESS_KEY"),
        ("ghp_" + "a1B2" * 9, "GITHUB_TOKEN"),
        ("sk-proj-" + "aB3_" * 8, "LLM_API_KEY"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl", "JSON_WEB_TOKEN"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----", "PRIVATE_KEY"),
    ],
)
def test_secrets_are_known_by_their_form(text: str, kind: str) -> None:
    assert [span.kind for span in by_form(SECRETS)(f"it is {text} .")] == [kind]


class Plain:
    """A writer of the words alone."""

    def write(self, event: Event) -> bytes:
        return event.text.encode() if isinstance(event, TextDelta) else b""

    def end(self) -> bytes:
        return b""


def guard(*, blocks: bool = False) -> Guard:
    sides: Any = frozenset({"input", "output"})
    detectors = [by_form(PERSONAL), by_words(["red fox"], "ANIMAL"), by_pattern("z+", "ZS")]
    return Guard(tuple(Rule("g", "x", each, blocks, sides) for each in detectors))


TEXTS = st.lists(
    st.sampled_from(["bob@example.com", "red ", "fox", " ", "zzz", "a", "1.2.3.4", "x" * 50])
)


@given(TEXTS, st.integers(1, 9))
def test_a_stream_is_masked_as_its_whole_text_is(words: list[str], size: int) -> None:
    text = " ".join(words)
    writer = GuardedWriter(Plain(), guard())
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    out = b"".join(writer.write(TextDelta(piece)) for piece in pieces)
    out += writer.write(Stopped("end")) + writer.end()
    assert out.decode() == guard().mask(text, "output")


def test_nothing_of_what_is_blocked_goes_out() -> None:
    writer = GuardedWriter(Plain(), guard(blocks=True))
    with pytest.raises(LlmError):
        for piece in ("mail ", "bob@", "example", ".com"):
            assert b"bob" not in writer.write(TextDelta(piece))


def test_settings_that_do_not_fit_are_named() -> None:
    rules = (
        LlmRule("pii", types=("EMAIL", "SHOE_SIZE")),
        LlmRule("words"),
        LlmRule("pattern", pattern="(?=x)"),
        LlmRule("secrets", on=()),
    )
    settings = Llm(
        models={"m": LlmModel((), guardrails=("no",))}, guardrails={"g": LlmGuardrail(rules)}
    )
    told = "\n".join(mistakes(settings))
    for words in (
        "SHOE_SIZE",
        "rules[1]: words",
        "rules[2]: pattern",
        "rules[3]: on",
        "no guardrail",
    ):
        assert words in told
