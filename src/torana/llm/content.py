"""What was asked and answered, for those who opted in to keep it: collected as it passes, read and
masked later. Nothing here is done where nobody opted in.

Messages are in the form of OpenTelemetry's semantic conventions for generative AI
(`gen_ai.input.messages`, `gen_ai.output.messages`).
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import msgspec

from torana.llm import chat as c
from torana.llm.call import Asked
from torana.llm.dialect import Dialect
from torana.llm.dialects import DIALECTS
from torana.llm.errors import LlmError
from torana.llm.spend import Spent
from torana.llm.sse import EVENT_STREAM, data_of
from torana.message import Headers, Reply, Stream

MOST = 1024 * 1024
"""Bytes of a request, and of its answer, that are held to be read."""
_CONTEXT = 1000
"""Characters beyond what is kept of a text that masks still see."""
Json = dict[str, Any]
Mask = Callable[[str], str]


class Record:
    """A request that is to be kept. `done` is told of it once, when all is known."""

    def __init__(self, asked: Asked, headers: Headers, done: Callable[["Record"], None]) -> None:
        self.asked, self.headers, self._done = asked, headers, done
        self.body = b""
        self.streamed = self.cut = False
        self.spent: Spent | None = None
        self.error: LlmError | None = None

    def telling(self, tell: Callable[[Spent], None] | None) -> Callable[[Spent], None]:
        """Hears what it cost, with whoever hears it already."""

        def note(spent: Spent) -> None:
            self.spent = spent
            if tell is not None:
                tell(spent)

        return note

    def failed(self, error: LlmError) -> None:
        """There is no answer."""
        self.error = error
        self._done(self)

    def heard(self, reply: Reply) -> Reply:
        """The answer, on its way to the client."""
        if isinstance(reply.body, bytes):
            kind = reply.headers.get("content-type") or ""
            self.streamed = kind.startswith((EVENT_STREAM, "application/vnd.amazon.eventstream"))
            self.add(reply.body)
            self.over()
        else:
            self.streamed = True
            reply.body = _Tapped(reply.body, self)
        return reply

    def add(self, piece: bytes) -> None:
        """More of the answer."""
        left = MOST - len(self.body)
        self.cut |= len(piece) > left
        self.body += piece[:left]

    def over(self) -> None:
        """All of it came, or the client left."""
        self._done(self)

    def size(self) -> int:
        """Bytes that are held."""
        return len(self.body) + len(self.asked.body)


class _Tapped:
    """Implements `Stream`: passes pieces on, and hands them to a record."""

    def __init__(self, body: Stream, record: Record) -> None:
        self.trailers = body.trailers
        self._body, self._record, self._pieces = body, record, list[bytes]()
        self._size, self._over = 0, False

    def __aiter__(self) -> "_Tapped":
        return self

    async def __anext__(self) -> bytes:
        """See `Stream`."""
        try:
            piece = await anext(self._body)
        except BaseException:
            self._end()
            raise
        if self._size <= MOST:
            self._pieces.append(piece)
            self._size += len(piece)
        return piece

    async def aclose(self) -> None:
        """See `Stream`."""
        await self._body.aclose()
        self._end()

    def _end(self) -> None:
        if not self._over:
            self._over = True
            self._record.add(b"".join(self._pieces))
            self._record.over()


def rendered(record: Record, mask: Mask, longest: int) -> Json:
    """A record as it is kept: masked, every text cut to `longest` characters."""
    shown = _Shown(mask, longest)
    asked, spent = record.asked, record.spent
    told: Json = {"operation": asked.front.operation, "model": asked.peek.model}
    if spent is not None:
        told |= _told(spent)
    told |= _asked(asked, shown)
    if record.error is not None:
        told["error"] = shown(record.error.message)
    elif record.body:
        told |= _answered(record, shown)
    if shown.cut or record.cut:
        told["truncated"] = True
    return told


def _told(spent: Spent) -> Json:
    """Of the ledger's line, what is not empty."""
    named = {name: getattr(spent, name) for name in _LEDGER}
    return {name: value for name, value in named.items() if value not in ("", (), None, False)}


_LEDGER = (
    *("at", "status", "organization", "team", "user", "key", "end_user", "tags", "provider"),
    *("target", "input", "output", "cached", "usd", "seconds", "stream", "hit"),
)


class _Shown:
    """Texts as they may be kept."""

    def __init__(self, mask: Mask, longest: int) -> None:
        self._mask, self._longest = mask, longest
        self.cut = False

    def __call__(self, text: str) -> str:
        masked = self._mask(text[: self._longest + _CONTEXT])
        self.cut |= len(masked) > self._longest or len(text) > self._longest + _CONTEXT
        return masked[: self._longest]

    def json(self, value: Any) -> Any:
        """The same of every text in a value."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, list):
            return [self.json(each) for each in cast("list[Any]", value)[:1000]]
        if isinstance(value, dict):
            return {name: self.json(each) for name, each in cast(Json, value).items()}
        return value


def _asked(asked: Asked, shown: _Shown) -> Json:
    if asked.kind:
        return {"request": {"form": asked.kind.partition(";")[0], "bytes": len(asked.body)}}
    if len(asked.body) > MOST and asked.read is None:
        return {"request": {"bytes": len(asked.body)}}
    try:
        chat = asked.chat()
    except (LlmError, NotImplementedError):
        return {"request": _value(asked.body, shown)}
    messages = [{"role": m.role, "parts": _parts(m.parts, shown)} for m in chat.messages]
    system = {"system_instructions": [_text(chat.system, shown)]} if chat.system else {}
    tools = {"tools": [each.name for each in chat.tools]} if chat.tools else {}
    return {**system, **tools, "input_messages": messages}


def _answered(record: Record, shown: _Shown) -> Json:
    front = record.asked.front
    dialect = DIALECTS.get(front.dialect) if front.operation == "chat" else None
    try:
        if record.streamed:
            answer = _of_stream(record.body, dialect, front.operation)
        else:
            answer = _whole(record.body, dialect)
    except (LlmError, ValueError):
        answer = None
    if isinstance(answer, c.Answer):
        said = {"role": "assistant", "parts": _parts(answer.parts, shown)}
        return {"output_messages": [{**said, "finish_reason": answer.stop}]}
    if answer is not None:
        return {"response": shown.json(answer)}
    return {"response": {"bytes": len(record.body)}}


def _whole(body: bytes, dialect: Dialect | None) -> Any:
    if dialect is not None:
        return dialect.read(body)
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body.decode()


def _of_stream(body: bytes, dialect: Dialect | None, operation: str) -> Any:
    if dialect is not None:
        return _gathered(_events(body, dialect))
    values = [msgspec.json.decode(data) for data in data_of(body) if data != b"[DONE]"]
    if operation == "responses":
        return next((each["response"] for each in reversed(values) if "response" in each), None)
    texts = [each["text"] for each in values if isinstance(each.get("text"), str)]
    return "".join(texts) or None


def _events(body: bytes, dialect: Dialect) -> Iterator[c.Event]:
    cut, reader = dialect.cutter(), dialect.reader()
    for data in (*cut.feed(body), *cut.flush()):
        yield from reader.feed(data)


def _gathered(events: Iterable[c.Event]) -> c.Answer:
    """The answer that a stream is, as far as it came."""
    words, thoughts = "", ""
    calls: dict[int, c.ToolUse] = {}
    stop: c.Stop = "end"
    try:
        for event in events:
            match event:
                case c.TextDelta():
                    words += event.text
                case c.ThinkingDelta():
                    thoughts += event.text
                case c.ToolStarted():
                    calls[event.index] = c.ToolUse(event.id, event.name, "")
                case c.ToolDelta() if event.index in calls:
                    call = calls[event.index]
                    more = call.arguments + event.arguments
                    calls[event.index] = c.ToolUse(call.id, call.name, more)
                case c.Stopped():
                    stop = event.stop
                case _:
                    continue
    except LlmError:
        pass  # The stream says that it broke off; what came before is what there is.
    parts: list[c.Part] = [c.Thinking(thoughts)] if thoughts else []
    return c.Answer("", "", (*parts, *([c.Text(words)] if words else []), *calls.values()), stop)


def _text(text: str, shown: _Shown) -> Json:
    return {"type": "text", "content": shown(text)}


def _parts(parts: Iterable[c.Part], shown: _Shown) -> list[Json]:
    return [_part(each, shown) for each in parts]


def _part(part: c.Part, shown: _Shown) -> Json:
    """Pictures and files by their size, never themselves."""
    match part:
        case c.Text():
            return _text(part.text, shown)
        case c.Thinking():
            return {"type": "reasoning", "content": shown(part.text)}
        case c.ToolUse():
            arguments = shown(part.arguments)
            return {"type": "tool_call", "id": part.id, "name": part.name, "arguments": arguments}
        case c.ToolResult():
            found = _parts(part.parts, shown)
            return {"type": "tool_call_response", "id": part.id, "response": found}
        case c.Image() | c.File():
            return {"type": "blob", "mime_type": part.media_type, "bytes": len(part.data) * 3 // 4}


def _value(body: bytes, shown: _Shown) -> Any:
    try:
        return shown.json(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {"bytes": len(body)}
