"""Calling a prompt: the chat that it is, its limits and its cost, an answer of its schema."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct, structs

from torana.llm import chat as c
from torana.llm.call import Asked
from torana.llm.dialect import Peek, Writer
from torana.llm.errors import LlmError
from torana.llm.keys import Key, usable
from torana.llm.prompt_stream import DeltaWriter, PromptStream, mismatched, refused, wanted
from torana.llm.prompts import Prompt, asked, repaired, understood
from torana.llm.serve import Llm
from torana.llm.spend import Spent
from torana.llm.sse import EVENT_STREAM
from torana.message import Headers, Reply

_encode = msgspec.json.Encoder().encode
Tell = Callable[[Spent], None]


class Ran(Struct, frozen=True):
    """What became of a call."""

    value: Any
    wrong: str
    """Why the value is not of the schema, after all repairs."""
    headers: Headers
    repairs: int


class _PromptFront:
    """Implements `Front`, for questions that come from no client but from a prompt."""

    dialect, operation = "prompt", "chat"

    def peek(self, body: bytes, path: str) -> Peek:
        raise NotImplementedError

    def read(self, body: bytes, peek: Peek) -> c.Chat:
        raise NotImplementedError

    def write(self, answer: c.Answer, chat: c.Chat, seconds: float) -> bytes:
        """See `Front`: the words alone."""
        return "".join(p.text for p in answer.parts if isinstance(p, c.Text)).encode()

    def writer(self, chat: c.Chat) -> Writer:
        """See `Front`."""
        return DeltaWriter()

    def fail(self, error: LlmError) -> bytes:
        """See `Front`."""
        return refused(error)

    def refuse(self, error: LlmError) -> Reply:
        raise NotImplementedError


_FRONT = _PromptFront()


async def run(
    api: Llm,
    prompt: Prompt,
    variables: Mapping[str, Any],
    headers: Headers,
    tell: Tell | None = None,
) -> Ran:
    """Raises `LlmError`. `tell` hears what it cost, call by call."""
    chat = asked(prompt, variables)
    key = _key(api, prompt)
    for turn in range(prompt.given.repairs + 1):
        reply = await _ask(api, key, prompt, chat, headers, tell)
        assert isinstance(reply.body, bytes)
        text = reply.body.decode("utf-8", "replace")
        value, wrong = understood(prompt, text)
        if not wrong or turn == prompt.given.repairs:
            return Ran(value, wrong, reply.headers, turn)
        chat = repaired(chat, text, wrong)
    raise AssertionError("unreachable")


async def _ask(
    api: Llm, key: Key, prompt: Prompt, chat: c.Chat, headers: Headers, tell: Tell | None
) -> Reply:
    peek = Peek(chat.model, chat.stream, chat.max_tokens)
    what = Asked(_FRONT, peek, _encode(chat), chat)
    return await api.ask(key, what, headers, f"/prompts/{prompt.name}", tell)


async def _stream(
    api: Llm, prompt: Prompt, variables: Mapping[str, Any], headers: Headers
) -> tuple[Headers, PromptStream]:
    """Raises `LlmError` as long as nothing has begun."""
    chat = structs.replace(asked(prompt, variables), stream=True)
    key = _key(api, prompt)

    async def ask(chat: c.Chat) -> Reply:
        return await _ask(api, key, prompt, chat, headers, None)

    first = await ask(chat)
    return first.headers, PromptStream(prompt, chat, first, ask)


def _key(api: Llm, prompt: Prompt) -> Key:
    if not prompt.key:
        return Key(f"prompt/{prompt.name}", frozenset())
    key = api.key_named(prompt.key)
    if key is None:
        raise LlmError("permission", f"{prompt.name}: there is no key {prompt.key!r}")
    return usable(key)


async def answer(api: Llm, prompt: Prompt, variables: Mapping[str, Any], headers: Headers) -> Reply:
    """As an API's backend answers, with events to those who want them; never raises `LlmError`."""
    fields = [("x-torana-prompt", f"{prompt.name}/{prompt.version}")]
    try:
        if wanted(headers):
            told, events = await _stream(api, prompt, variables, headers)
            fields += [("Content-Type", EVENT_STREAM), ("Cache-Control", "no-cache")]
            return Reply(200, Headers([*fields, *_own(told)]), events)
        fields.append(("Content-Type", "application/json"))
        ran = await run(api, prompt, variables, headers)
        if not ran.wrong:
            return Reply(200, Headers([*fields, *_own(ran.headers)]), _encode(ran.value))
        fields += _own(ran.headers)
        error = mismatched(ran.wrong)
    except LlmError as refusal:
        error = refusal
    if error.retry_after is not None:
        fields.append(("Retry-After", str(max(1, round(error.retry_after)))))
    headers = Headers(fields)
    headers.set("Content-Type", "application/json")
    return Reply(error.status, headers, _encode({"message": error.message}))


def _own(headers: Headers) -> list[tuple[str, str]]:
    return [item for item in headers.items if item[0].startswith("x-torana-")]
