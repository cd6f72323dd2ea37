"""Calling a prompt: the chat that it is, its limits and its cost, an answer of its schema."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from torana.llm import chat as c
from torana.llm.call import Asked
from torana.llm.dialect import Peek, Writer
from torana.llm.errors import LlmError
from torana.llm.keys import Key, usable
from torana.llm.prompts import Prompt, asked, repaired, understood
from torana.llm.serve import Llm
from torana.llm.spend import Spent
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
        raise NotImplementedError

    def fail(self, error: LlmError) -> bytes:
        raise NotImplementedError

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
        body = _encode(chat)
        peek = Peek(chat.model, False, chat.max_tokens)
        what = Asked(_FRONT, peek, body, chat)
        reply = await api.ask(key, what, headers, f"/prompts/{prompt.name}", tell)
        assert isinstance(reply.body, bytes)
        text = reply.body.decode("utf-8", "replace")
        value, wrong = understood(prompt, text)
        if not wrong or turn == prompt.given.repairs:
            return Ran(value, wrong, reply.headers, turn)
        chat = repaired(chat, text, wrong)
    raise AssertionError("unreachable")


def _key(api: Llm, prompt: Prompt) -> Key:
    if not prompt.key:
        return Key(f"prompt/{prompt.name}", frozenset())
    key = api.key_named(prompt.key)
    if key is None:
        raise LlmError("permission", f"{prompt.name}: there is no key {prompt.key!r}")
    return usable(key)


async def answer(api: Llm, prompt: Prompt, variables: Mapping[str, Any], headers: Headers) -> Reply:
    """As an API's backend answers; never raises `LlmError`."""
    fields = [("Content-Type", "application/json")]
    fields.append(("x-torana-prompt", f"{prompt.name}/{prompt.version}"))
    try:
        ran = await run(api, prompt, variables, headers)
    except LlmError as error:
        if error.retry_after is not None:
            fields.append(("Retry-After", str(max(1, round(error.retry_after)))))
        return Reply(error.status, Headers(fields), _encode({"message": error.message}))
    fields += [item for item in ran.headers.items if item[0].startswith("x-torana-")]
    if ran.wrong:
        said = f"The model's answer does not match the output schema: {ran.wrong}"
        return Reply(502, Headers(fields), _encode({"message": said}))
    return Reply(200, Headers(fields), _encode(ran.value))
