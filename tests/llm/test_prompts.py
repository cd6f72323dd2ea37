"""Prompts: templates, answers of a schema, and their repair."""

from typing import Any

import msgspec
import pytest

from tests.llm import double as d
from torana.app.llm_prompts import prompt_mistakes
from torana.llm.errors import LlmError
from torana.llm.prompted import answer, run
from torana.llm.prompts import Prompt, asked, compiled
from torana.llm_settings import Llm, LlmModel, LlmPrompt, LlmPromptVersion, LlmTarget, LlmTurn
from torana.message import Headers, Reply, Request, read

SETTINGS = """
[providers.up]
type = "custom"
base_url = "{up}"
[models.fast]
targets = [{ provider = "up", model = "up" }]
retries = 0
[keys.poor]
secret = "sk-poor"
requests_per_minute = 1
"""
MOOD: dict[str, Any] = {
    "type": "object",
    "properties": {"mood": {"enum": ["good", "bad"]}},
    "required": ["mood"],
    "additionalProperties": False,
}


def prompt(key: str = "", **more: Any) -> Prompt:
    given: dict[str, Any] = {
        "model": "fast",
        "system": "Be brief.",
        "text": "Mood of {{ text }}?",
        **more,
    }
    return compiled("mood", "1", LlmPromptVersion(**given), key)


def saying(*texts: str) -> d.Script:
    left = iter(texts)

    def script(request: Request, body: dict[str, Any]) -> Reply:
        message = {"role": "assistant", "content": next(left)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return d.answer({**d.OPENAI, "choices": [choice]})

    return script


def test_variables_are_filled_in_and_never_looked_into() -> None:
    made = compiled(
        "p",
        "1",
        LlmPromptVersion(
            "fast",
            system="You are {{who}}.",
            turns=(
                LlmTurn("Hi"),
                LlmTurn("Hello {{who}}", "assistant"),
                LlmTurn("{{q}} {{ q }} {q}"),
            ),
        ),
    )
    chat = asked(made, {"who": "{{q}}", "q": {"a": [1]}})
    assert chat.system == "You are {{q}}."
    said = [(each.role, getattr(each.parts[0], "text", "")) for each in chat.messages]
    assert said == [
        ("user", "Hi"),
        ("assistant", "Hello {{q}}"),
        ("user", '{"a":[1]} {"a":[1]} {q}'),
    ]


@pytest.mark.parametrize(
    ("variables", "why"),
    [({}, "missing variables: text"), ({"text": "", "size": 1}, "unknown variables: size")],
)
def test_variables_must_be_those_of_the_prompt(variables: dict[str, Any], why: str) -> None:
    with pytest.raises(LlmError, match=why):
        asked(prompt(), variables)


async def test_without_a_schema_the_answer_is_text() -> None:
    async with d.gateway(saying("Good."), SETTINGS) as running:
        reply = await answer(running.api, prompt(), {"text": "sun"}, Headers())
    assert (reply.status, reply.body) == (200, b'{"output":"Good."}')
    assert reply.headers.get("x-torana-prompt") == "mood/1"
    assert reply.headers.get("x-torana-model") == "up"
    assert running.double.asked[0][2]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Mood of sun?"},
    ]
    assert [(each.key, each.input) for each in running.spent] == [("prompt/mood", 20)]


@pytest.mark.parametrize(
    "text",
    ['{"mood": "good"}', '```json\n{"mood": "good",}\n```', 'Sure: {"mood": "good"'],
)
async def test_what_is_almost_json_is_mended(text: str) -> None:
    async with d.gateway(saying(text), SETTINGS) as running:
        ran = await run(running.api, prompt(output=MOOD), {"text": "sun"}, Headers())
    assert (ran.value, ran.wrong, ran.repairs) == ({"mood": "good"}, "", 0)
    asked_for = running.double.asked[0][2]["response_format"]
    assert asked_for == {"type": "json_schema", "json_schema": {"name": "mood", "schema": MOOD}}


async def test_a_model_is_told_what_is_wrong_and_asked_again() -> None:
    async with d.gateway(saying('{"mood": "so so"}', '{"mood": "bad"}'), SETTINGS) as running:
        reply = await answer(running.api, prompt(output=MOOD), {"text": "rain"}, Headers())
    assert (reply.status, reply.body) == (200, b'{"mood":"bad"}')
    last = running.double.asked[1][2]["messages"][-2:]
    assert last[0] == {"role": "assistant", "content": '{"mood": "so so"}'}
    assert "$.mood: 'so so' is not one of ['good', 'bad']" in last[1]["content"]
    assert len(running.spent) == 2


async def test_an_answer_that_stays_wrong_is_no_answer() -> None:
    async with d.gateway(saying("{}", "no"), SETTINGS) as running:
        reply = await answer(running.api, prompt(output=MOOD), {"text": "rain"}, Headers())
    assert reply.status == 502
    assert b"does not match the output schema" in d.whole(reply)


async def test_a_prompt_spends_from_its_key() -> None:
    async with d.gateway(saying("a", "b"), SETTINGS) as running:
        replies = [
            await answer(running.api, prompt("poor"), {"text": "x"}, Headers()) for _ in range(2)
        ]
    assert [each.status for each in replies] == [200, 429]
    assert replies[1].headers.get("retry-after") == "1"
    assert running.spent[0].key == "poor"


def test_settings_that_do_not_fit_are_named() -> None:
    def version(**more: Any) -> LlmPromptVersion:
        given: dict[str, Any] = {"model": "fast", "text": "x", **more}
        return LlmPromptVersion(**given)

    settings = Llm(
        models={"fast": LlmModel((LlmTarget("up", "m"),))},
        prompts={
            "none": LlmPrompt({}),
            "p": LlmPrompt(
                {
                    "model": version(model="slow"),
                    "schema": version(output={"type": "thing"}),
                    "both": version(turns=(LlmTurn("x"),)),
                    "last": version(text="", turns=(LlmTurn("x", "assistant"),)),
                    "empty": version(text=""),
                },
                key="nobody",
            ),
        },
    )
    told = "\n".join(prompt_mistakes(settings))
    for words in (
        "prompts.none: needs a version",
        "p.key: no key 'nobody'",
        "versions.model.model: no model 'slow'",
        "versions.schema: no JSON Schema",
        "versions.both: text is a short form",
        "versions.last: needs a text",
        "versions.empty: needs a text",
    ):
        assert words in told


def spoken(*texts: str) -> d.Script:
    """Streams one answer after the other, a character an event; an empty one breaks off."""
    left = iter(texts)

    def script(request: Request, body: dict[str, Any]) -> Reply:
        assert body["stream"] is True
        text = next(left)
        pieces = [d.chunk({"role": "assistant", "content": ""})]
        pieces += [d.chunk({"content": character}) for character in text or "x"]
        end = [d.chunk({}, "stop"), d.chunk({}, None, usage=d.USED), b"data: [DONE]\n\n"]
        return d.stream(*pieces, *(end if text else [ConnectionError()]))

    return script


async def events(running: d.Running, made: Prompt) -> list[tuple[str, Any]]:
    accepts = Headers([("Accept", "text/event-stream")])
    reply = await answer(running.api, made, {"text": "sun"}, accepts)
    assert (reply.status, reply.headers.get("content-type")) == (200, "text/event-stream")
    whole = (await read(reply.body, 10**6)).decode()
    told: list[tuple[str, Any]] = []
    for each in whole.strip().split("\n\n"):
        name, _, data = each.partition("\ndata: ")
        told.append((name.removeprefix("event: "), msgspec.json.decode(data)))
    return told


async def test_an_answer_is_streamed_and_ends_with_what_it_is() -> None:
    async with d.gateway(spoken("Hi"), SETTINGS) as running:
        assert await events(running, prompt()) == [
            ("delta", {"text": "H"}),
            ("delta", {"text": "i"}),
            ("done", {"output": "Hi"}),
        ]
        assert [(each.stream, each.output) for each in running.spent] == [(True, 10)]


async def test_a_streamed_answer_that_violates_the_schema_is_asked_for_again() -> None:
    async with d.gateway(spoken("[]", '{"mood": "good",}'), SETTINGS) as running:
        told = await events(running, prompt(output=MOOD))
        assert [name for name, _ in told if name != "delta"] == ["repair", "done"]
        assert told[-1] == ("done", {"mood": "good"})
        assert "corrected JSON" in running.double.asked[1][2]["messages"][-1]["content"]
    async with d.gateway(spoken("[]"), SETTINGS) as running:
        told = await events(running, prompt(output=MOOD, repairs=0))
        assert told[-1][0] == "error"


async def test_a_stream_that_breaks_off_ends_with_an_error_and_nothing_done() -> None:
    async with d.gateway(spoken(""), SETTINGS) as running:
        assert [name for name, _ in await events(running, prompt())] == ["delta", "error"]


async def test_what_cannot_begin_is_no_stream() -> None:
    async with d.gateway(spoken("Hi"), SETTINGS) as running:
        accepts = Headers([("Accept", "text/event-stream")])
        for status in (200, 429):
            reply = await answer(running.api, prompt("poor"), {"text": "sun"}, accepts)
            assert reply.status == status
        assert reply.headers.get("content-type") == "application/json"
