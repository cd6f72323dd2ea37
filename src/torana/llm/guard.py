"""Guardrails: what may not go to a model, and what may not come from it.

What is found is blocked, or masked by its kind's name. A stream is held back by a few words, so
that what comes in pieces is found whole.
"""

from collections.abc import Callable

from msgspec import Struct, structs

from torana.llm import chat as c
from torana.llm.detectors import Detector, Span
from torana.llm.dialect import Writer
from torana.llm.judges import JudgeRule, Side, blocked
from torana.llm.output import Check

_HELD = 96
"""Characters of a stream that wait for what may still belong to them."""
_CONTEXT = 32
"""Characters before those: what has gone out, and tells where a word begins."""


class Rule(Struct, frozen=True):
    """One detector, and what becomes of what it finds."""

    guardrail: str
    finds: str
    detect: Detector
    blocks: bool
    sides: frozenset[Side]
    message: str = ""


class SchemaRule(Struct, frozen=True):
    """What every answer must be: JSON of a schema."""

    guardrail: str
    check: Check
    format: c.Format
    repairs: int
    message: str = ""


class Guard(Struct, frozen=True):
    """The rules of a model."""

    rules: tuple[Rule, ...] = ()
    judges: tuple[JudgeRule, ...] = ()
    schema: SchemaRule | None = None

    @property
    def whole(self) -> bool:
        """Whether answers are judged as a whole, so that none may go out in pieces."""
        return self.schema is not None or any("output" in each.sides for each in self.judges)

    def spans(self, text: str, side: Side) -> list[Span]:
        """What is to be masked, from left to right and apart. Raises `LlmError` for what is
        blocked."""
        found: list[Span] = []
        for rule in self.rules:
            if side not in rule.sides:
                continue
            for span in rule.detect(text):
                if rule.blocks:
                    raise blocked(rule.guardrail, rule.finds, side, rule.message)
                found.append(span)
        found.sort(key=lambda span: (span.start, -span.end))
        apart: list[Span] = []
        for span in found:
            if not apart or span.start >= apart[-1].end:
                apart.append(span)
        return apart

    def mask(self, text: str, side: Side) -> str:
        """A text without what may not be in it. Raises `LlmError`."""
        return _masked(text, self.spans(text, side), 0, len(text))

    def ask(self, chat: c.Chat) -> c.Chat:
        """A question as it may go to a model. Raises `LlmError`."""
        messages = tuple(
            structs.replace(each, parts=tuple(self._part(part, "input") for part in each.parts))
            for each in chat.messages
        )
        chat = structs.replace(chat, system=self.mask(chat.system, "input"), messages=messages)
        if self.schema is not None and chat.format is None and not chat.tools:
            chat = structs.replace(chat, format=self.schema.format)
        return chat

    def answer(self, answer: c.Answer) -> c.Answer:
        """An answer as it may go to the client. Raises `LlmError`."""
        parts = tuple(self._part(part, "output") for part in answer.parts)
        return structs.replace(answer, parts=parts)

    def _part(self, part: c.Part, side: Side) -> c.Part:
        match part:
            case c.Text():
                return c.Text(self.mask(part.text, side))
            case c.Thinking():
                return structs.replace(part, text=self.mask(part.text, side))
            case c.ToolUse():
                return structs.replace(part, arguments=self.mask(part.arguments, side))
            case c.ToolResult():
                shown = tuple(
                    c.Text(self.mask(each.text, side)) if isinstance(each, c.Text) else each
                    for each in part.parts
                )
                return structs.replace(part, parts=shown)
            case _:
                return part


def _masked(text: str, spans: list[Span], start: int, end: int) -> str:
    """What stands between two places, the spans as their names."""
    out: list[str] = []
    at = start
    for span in spans:
        if span.end <= start or span.start >= end:
            continue
        out.append(text[at : max(at, span.start)])
        out.append(f"[{span.kind}]")
        at = min(span.end, end)
    out.append(text[at:end])
    return "".join(out)


class _Held:
    """A text that comes in pieces."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._before, self._text = "", ""

    def feed(self, piece: str, *, last: bool = False) -> str:
        """What may go out now. Raises `LlmError`."""
        self._text += piece
        whole, begin = self._before + self._text, len(self._before)
        spans = self._guard.spans(whole, "output")
        cut = len(whole) if last else len(whole) - _HELD
        for span in spans:
            if span.start < cut < span.end or (span.end == cut and not last):
                cut = span.start
        if cut <= begin:
            return ""
        out = _masked(whole, spans, begin, cut)
        ended = max((span.end for span in spans if span.end <= cut), default=0)
        self._before, self._text = whole[max(ended, cut - _CONTEXT) : cut], whole[cut:]
        return out


_Channel = tuple[str, int]


class GuardedWriter:
    """A writer whose texts pass a guard first."""

    def __init__(self, writer: Writer, guard: Guard) -> None:
        self._writer, self._guard = writer, guard
        self._held: _Held | None = None
        self._channel: _Channel = ("", 0)

    def write(self, event: c.Event) -> bytes:
        """See `Writer`. Raises `LlmError`."""
        channel, text = _told(event)
        if channel is None:
            return self._flush() + self._writer.write(event)
        out = b""
        if self._held is None or channel != self._channel:
            out = self._flush()
            self._held, self._channel = _Held(self._guard), channel
        safe = self._held.feed(text)
        return out + (self._writer.write(_EVENTS[channel[0]](channel[1], safe)) if safe else b"")

    def end(self) -> bytes:
        """See `Writer`."""
        return self._flush() + self._writer.end()

    def _flush(self) -> bytes:
        held, self._held = self._held, None
        rest = held.feed("", last=True) if held is not None else ""
        if not rest:
            return b""
        kind, index = self._channel
        return self._writer.write(_EVENTS[kind](index, rest))


_EVENTS: dict[str, Callable[[int, str], c.Event]] = {
    "text": lambda index, text: c.TextDelta(text),
    "thinking": lambda index, text: c.ThinkingDelta(text),
    "tool": lambda index, text: c.ToolDelta(index, text),
}


def _told(event: c.Event) -> tuple[_Channel | None, str]:
    """Where an event's words belong, and the words."""
    match event:
        case c.TextDelta():
            return ("text", 0), event.text
        case c.ThinkingDelta() if event.text and not event.signature:
            return ("thinking", 0), event.text
        case c.ToolDelta():
            return ("tool", event.index), event.arguments
        case _:
            return None, ""
