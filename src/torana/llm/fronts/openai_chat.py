"""`POST /v1/chat/completions`. Source: OpenAI API reference, "Create chat completion"."""

import time
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from torana.llm import chat as c
from torana.llm.dialect import Peek, Writer
from torana.llm.dialects.openai_wire import Asked, Called, ResponseFormat, Said, StreamOptions
from torana.llm.errors import LlmError
from torana.llm.fronts.openai_chunks import Chunks, usage
from torana.llm.fronts.openai_errors import refuse, told
from torana.llm.sse import event
from torana.message import Reply

_FINISH: dict[c.Stop, str] = {
    "end": "stop",
    "sequence": "stop",
    "length": "length",
    "tool": "tool_calls",
    "refusal": "content_filter",
}


class _Head(Struct):
    model: str
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    n: int | None = None


_head = msgspec.json.Decoder(_Head)
_asked = msgspec.json.Decoder(Asked)
_known = frozenset(Asked.__struct_fields__) | {"metadata", "store", "service_tier"}
_encode = msgspec.json.Encoder().encode
T = TypeVar("T")


class OpenAiChat:
    """Implements `Front`."""

    dialect, operation = "openai", "chat"

    def peek(self, body: bytes, path: str) -> Peek:
        """See `Front`."""
        head = _decoded(_head, body)
        stream = bool(head.stream)
        most = head.max_completion_tokens or head.max_tokens
        if most is not None and head.n:
            most *= head.n
        usage = not stream or _wants_usage(head.stream_options)
        return Peek(head.model, stream, most, usage)

    def read(self, body: bytes, peek: Peek) -> c.Chat:
        """See `Front`."""
        asked = _decoded(_asked, body)
        given = msgspec.json.decode(body, type=dict[str, Any])
        only = {name for name, value in given.items() if name not in _known and value is not None}
        if given.get("n") == 1:
            only.discard("n")
        if given.get("logprobs") is False:
            only.discard("logprobs")
        system, messages = _messages(asked.messages)
        stop = asked.stop or ()
        return c.Chat(
            model=asked.model,
            system=system,
            messages=messages,
            tools=tuple(_tool(tool.type, tool.function) for tool in asked.tools or ()),
            tool_choice=_tool_choice(asked.tool_choice, asked.parallel_tool_calls),
            max_tokens=asked.max_completion_tokens or asked.max_tokens,
            temperature=asked.temperature,
            top_p=asked.top_p,
            stop=(stop,) if isinstance(stop, str) else tuple(stop),
            seed=asked.seed,
            frequency_penalty=asked.frequency_penalty,
            presence_penalty=asked.presence_penalty,
            format=_format(asked.response_format),
            effort=asked.reasoning_effort,
            user=asked.user or "",
            stream=bool(asked.stream),
            with_usage=_wants_usage(asked.stream_options),
            only=tuple(sorted(only)),
        )

    def write(self, answer: c.Answer, chat: c.Chat, seconds: float) -> bytes:
        """See `Front`."""
        calls = [
            _call(place, part)
            for place, part in enumerate(p for p in answer.parts if isinstance(p, c.ToolUse))
        ]
        text = "".join(part.text for part in answer.parts if isinstance(part, c.Text))
        message: dict[str, Any] = {
            "role": "assistant",
            "content": text if text or not calls else None,
            "refusal": None,
        }
        thought = "".join(part.text for part in answer.parts if isinstance(part, c.Thinking))
        if thought:
            message["reasoning_content"] = thought
        if calls:
            message["tool_calls"] = calls
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": _FINISH[answer.stop],
        }
        return _encode(
            {
                "id": answer.id,
                "object": "chat.completion",
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
        self._out = Chunks("chat.completion.chunk", with_usage)

    def write(self, event: c.Event) -> bytes:
        match event:
            case c.Started():
                self._out.begin(event)
                return self._delta({"role": "assistant", "content": ""})
            case c.TextDelta():
                return self._delta({"content": event.text})
            case c.ThinkingDelta():
                return self._delta({"reasoning_content": event.text}) if event.text else b""
            case c.ToolStarted():
                use = c.ToolUse(event.id, event.name, "")
                return self._delta({"tool_calls": [_call(event.index, use, streamed=True)]})
            case c.ToolDelta():
                piece = {"index": event.index, "function": {"arguments": event.arguments}}
                return self._delta({"tool_calls": [piece]})
            case c.Stopped():
                return self._delta({}, _FINISH[event.stop])
            case c.Metered():
                self._out.meter(event)
                return b""

    def end(self) -> bytes:
        return self._out.end()

    def _delta(self, delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return self._out.chunk([choice])


def _call(index: int, use: c.ToolUse, streamed: bool = False) -> dict[str, Any]:
    function = {"name": use.name, "arguments": use.arguments}
    call: dict[str, Any] = {"id": use.id, "type": "function", "function": function}
    return {"index": index, **call} if streamed else call


def _decoded(decoder: "msgspec.json.Decoder[T]", body: bytes) -> T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise LlmError("invalid_request", f"Invalid request: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LlmError(
            "invalid_request", f"We could not parse the JSON body of your request: {error}"
        ) from error


def _messages(said: list[Said]) -> tuple[str, tuple[c.Message, ...]]:
    """System and developer turns become the system text, tool turns the user's; neighbours of one
    role join, as APIs with strictly alternating turns want them."""
    system: list[str] = []
    turns: list[tuple[c.Role, list[c.Part]]] = []
    for place, message in enumerate(said):
        if message.role in ("system", "developer"):
            system.extend(_texts(message, place))
            continue
        role: c.Role = "assistant" if message.role == "assistant" else "user"
        parts = _parts(message, place)
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(parts)
        else:
            turns.append((role, parts))
    return "\n\n".join(system), tuple(c.Message(role, tuple(parts)) for role, parts in turns)


def _texts(message: Said, place: int) -> list[str]:
    return [part.text for part in _content(message, place) if isinstance(part, c.Text)]


def _parts(message: Said, place: int) -> list[c.Part]:
    if message.role == "tool":
        if not message.tool_call_id:
            raise _bad(f"messages[{place}].tool_call_id", "is required for role 'tool'")
        shown = tuple(
            part for part in _content(message, place) if isinstance(part, (c.Text, c.Image))
        )
        return [c.ToolResult(message.tool_call_id, shown)]
    if message.role not in ("user", "assistant"):
        raise _bad(f"messages[{place}].role", f"{message.role!r} is not a role")
    parts = _content(message, place)
    parts.extend(_use(call) for call in message.tool_calls or ())
    return parts


def _use(call: Called) -> c.ToolUse:
    return c.ToolUse(call.id or "", call.function.name or "", call.function.arguments or "{}")


def _content(message: Said, place: int) -> list[c.Part]:
    content = message.content
    if content is None:
        return [c.Text(message.refusal)] if message.refusal else []
    if isinstance(content, str):
        return [c.Text(content)] if content else []
    return [_part(part, f"messages[{place}].content[{at}]") for at, part in enumerate(content)]


def _part(part: dict[str, Any], where: str) -> c.Part:
    kind = part.get("type")
    try:
        if kind == "text":
            return c.Text(str(part["text"]))
        if kind == "refusal":
            return c.Text(str(part["refusal"]))
        if kind == "image_url":
            return image(str(part["image_url"]["url"]))
        if kind == "input_audio":
            audio = part["input_audio"]
            return c.File(f"audio/{audio['format']}", str(audio["data"]))
        if kind == "file" and "file_data" in part["file"]:
            shown = image(str(part["file"]["file_data"]))
            return c.File(shown.media_type, shown.data, str(part["file"].get("filename") or ""))
    except (KeyError, TypeError) as error:
        raise _bad(where, f"lacks {error}") from error
    raise _bad(where, f"type {kind!r} cannot be passed on to another API")


def image(url: str) -> c.Image:
    """A picture by its URL, which may hold the bytes themselves."""
    if not url.startswith("data:"):
        return c.Image(url=url)
    kind, _, data = url[len("data:") :].partition(",")
    return c.Image(kind.removesuffix(";base64"), data)


def _tool(kind: str, function: Any) -> c.Tool:
    if kind != "function":
        raise _bad("tools", f"type {kind!r} cannot be passed on to another API")
    return c.Tool(
        function.name, function.description or "", function.parameters or {}, function.strict
    )


def _tool_choice(choice: str | dict[str, Any] | None, parallel: bool | None) -> c.ToolChoice | None:
    if choice is None:
        return None if parallel is None else c.ToolChoice(parallel=parallel)
    if isinstance(choice, dict):
        name = choice.get("function", {}).get("name")
        if not isinstance(name, str):
            raise _bad("tool_choice", "names no function")
        return c.ToolChoice("tool", name, parallel)
    if choice not in ("auto", "none", "required"):
        raise _bad("tool_choice", f"{choice!r} is none of auto, none, required")
    return c.ToolChoice(choice, parallel=parallel)  # pyright: ignore[reportArgumentType]


def _format(given: ResponseFormat | None) -> c.Format | None:
    if given is None or given.type == "text":
        return None
    if given.type == "json_object":
        return c.Format()
    if given.type == "json_schema" and given.json_schema is not None:
        inner = given.json_schema
        return c.Format(inner.name, inner.schema or {}, inner.strict)
    raise _bad("response_format", f"{given.type!r} is none of text, json_object, json_schema")


def _wants_usage(options: StreamOptions | None) -> bool:
    return options is not None and bool(options.include_usage)


def _bad(where: str, what: str) -> LlmError:
    return LlmError("invalid_request", f"Invalid '{where}': {what}.", param=where)
