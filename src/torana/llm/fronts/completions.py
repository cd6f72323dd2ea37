"""`POST /v1/completions`: a text that goes on. Providers of other APIs are asked for it as a chat
whose only turn is the prompt. Source: OpenAI API reference, "Completions".
"""

import time
from typing import Any

import msgspec
from msgspec import Struct

from torana.llm import chat as c
from torana.llm.dialect import Peek, Writer
from torana.llm.dialects.openai_wire import StreamOptions
from torana.llm.errors import LlmError
from torana.llm.fronts.openai_chunks import Chunks, usage
from torana.llm.fronts.openai_errors import refuse, told
from torana.llm.sse import event
from torana.message import Reply

_FINISH: dict[c.Stop, str] = {
    "end": "stop",
    "sequence": "stop",
    "length": "length",
    "tool": "stop",
    "refusal": "content_filter",
}
_KIND = "text_completion"
_MOST = 16
"""Tokens of an answer that names no bound, as OpenAI has it."""


class _Asked(Struct):
    model: str
    prompt: str | list[str | int | list[int]] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    user: str | None = None
    n: int | None = None
    best_of: int | None = None


_asked = msgspec.json.Decoder(_Asked)
_given = msgspec.json.Decoder(dict[str, Any])
_known = frozenset(_Asked.__struct_fields__)
_encode = msgspec.json.Encoder().encode


class Completions:
    """Implements `Front`."""

    dialect, operation = "openai", "completions"

    def peek(self, body: bytes, path: str) -> Peek:
        """See `Front`. Each prompt of several may be answered several times."""
        asked = _decoded(body)
        prompts = asked.prompt if isinstance(asked.prompt, list) else []
        times = max(1, sum(not isinstance(each, int) for each in prompts))
        times *= max(asked.n or 1, asked.best_of or 1)
        most = (_MOST if asked.max_tokens is None else asked.max_tokens) * times
        with_usage = not asked.stream or _wants_usage(asked)
        return Peek(asked.model, bool(asked.stream), most, with_usage)

    def read(self, body: bytes, peek: Peek) -> c.Chat:
        """See `Front`."""
        asked, given = _decoded(body), _given.decode(body)
        only = {
            name
            for name, value in given.items()
            if name not in _known and value is not None and value is not False and value != ""
        }
        only |= {name for name in ("n", "best_of") if (given.get(name) or 1) > 1}
        stop = asked.stop or ()
        return c.Chat(
            model=asked.model,
            messages=(c.Message("user", (c.Text(_text(asked.prompt)),)),),
            max_tokens=_MOST if asked.max_tokens is None else asked.max_tokens,
            temperature=asked.temperature,
            top_p=asked.top_p,
            stop=(stop,) if isinstance(stop, str) else tuple(stop),
            seed=asked.seed,
            frequency_penalty=asked.frequency_penalty,
            presence_penalty=asked.presence_penalty,
            user=asked.user or "",
            stream=bool(asked.stream),
            with_usage=_wants_usage(asked),
            only=tuple(sorted(only)),
        )

    def write(self, answer: c.Answer, chat: c.Chat, seconds: float) -> bytes:
        """See `Front`. Reasoning has no place in this API."""
        text = "".join(part.text for part in answer.parts if isinstance(part, c.Text))
        choice = _choice(text, _FINISH[answer.stop])
        return _encode(
            {
                "id": answer.id,
                "object": _KIND,
                "created": int(time.time()),
                "model": answer.model,
                "choices": [choice],
                "usage": usage(answer.usage),
            }
        )

    def writer(self, chat: c.Chat) -> Writer:
        """See `Front`."""
        return _Writer(chat.with_usage)

    def fail(self, error: LlmError) -> bytes:
        """See `Front`."""
        return event(_encode(told(error)))

    def refuse(self, error: LlmError) -> Reply:
        """See `Front`."""
        return refuse(error)


class _Writer:
    def __init__(self, with_usage: bool) -> None:
        self._out = Chunks(_KIND, with_usage)

    def write(self, event: c.Event) -> bytes:
        match event:
            case c.Started():
                self._out.begin(event)
                return b""
            case c.TextDelta():
                return self._out.chunk([_choice(event.text, None)])
            case c.Stopped():
                return self._out.chunk([_choice("", _FINISH[event.stop])])
            case c.Metered():
                self._out.meter(event)
                return b""
            case _:
                return b""

    def end(self) -> bytes:
        return self._out.end()


def _choice(text: str, finish: str | None) -> dict[str, Any]:
    return {"text": text, "index": 0, "logprobs": None, "finish_reason": finish}


def _decoded(body: bytes) -> _Asked:
    try:
        return _asked.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LlmError("invalid_request", f"Invalid request: {error}") from error


def _text(prompt: str | list[str | int | list[int]] | None) -> str:
    """Raises `LlmError` for several prompts and for tokens: a chat is one text."""
    if isinstance(prompt, list):
        first = prompt[0] if len(prompt) == 1 else None
        prompt = first if isinstance(first, str) else None
    if not prompt:
        raise LlmError(
            "invalid_request", "behind a chat API, prompt must be one text", param="prompt"
        )
    return prompt


def _wants_usage(asked: _Asked) -> bool:
    return asked.stream_options is not None and bool(asked.stream_options.include_usage)
