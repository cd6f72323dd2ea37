"""Guardrails that judge a text as a whole, and need to ask somebody for it: an engine, a service.

A judge gives its reason against a text, or nothing.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from torana.llm import chat as c
from torana.llm.errors import LlmError
from torana.message import BodyTooLarge, Headers, Request, read
from torana.net.client import Origin, Timeouts

Side = Literal["input", "output"]
Judge = Callable[[str, Side], Awaitable[str]]
"""Why a text may not pass; empty: it may. Raises `LlmError` when it cannot be told."""

Score = Callable[[str], Awaitable[float]]
"""How likely a text is what is looked for, 0 to 1. Raises `LlmError`."""
Scores = Callable[[str], Awaitable[Mapping[str, float]]]
"""How likely a text is each of several kinds. Raises `LlmError`."""

_WINDOW, _MOST_WINDOWS = 1200, 16
_ANSWER_LIMIT = 64 * 1024


class JudgeRule(Struct, frozen=True):
    """One judge, and what a client is told."""

    guardrail: str
    finds: str
    judge: Judge
    sides: frozenset[Side]
    message: str = ""


def windows(text: str) -> list[str]:
    """A text in pieces that a model reads whole, which overlap; of a very long one, both ends."""
    if len(text) <= _WINDOW:
        return [text]
    step = _WINDOW - 200
    found = [text[at : at + _WINDOW] for at in range(0, len(text) - 200, step)]
    if len(found) > _MOST_WINDOWS:
        half = _MOST_WINDOWS // 2
        found = [*found[:half], *found[-half:]]
    return found


def by_score(score: Score, least: float, what: str) -> Judge:
    """Against a text of which any part is likely enough what is looked for."""

    async def judge(text: str, side: Side) -> str:
        for piece in windows(text):
            if piece.strip() and await score(piece) >= least:
                return what
        return ""

    return judge


def by_kinds(score: Scores, least: Mapping[str, float]) -> Judge:
    """Against a text of which any part is likely enough one of the kinds; names those it is."""

    async def judge(text: str, side: Side) -> str:
        found: dict[str, None] = {}
        for piece in windows(text):
            if piece.strip():
                scores = await score(piece)
                found |= dict.fromkeys(kind for kind in least if scores[kind] >= least[kind])
        return ", ".join(found)

    return judge


def by_topics(score: Scores, least: float) -> Judge:
    """Against a text of which any part is likely enough of a topic; names the likeliest."""

    async def judge(text: str, side: Side) -> str:
        for piece in windows(text):
            if piece.strip():
                scores = await score(piece)
                name = max(scores, key=lambda each: scores[each])
                if scores[name] >= least:
                    return f"topic {name}"
        return ""

    return judge


class _Verdict(Struct):
    action: Literal["pass", "block"]
    reason: str = ""


def by_webhook(
    origin: Origin, path: str, headers: Headers, timeout: float, *, passes: bool
) -> Judge:
    """What a service says: it is sent `{"side": …, "text": …}` and answers `{"action": "pass"}`, or
    `{"action": "block", "reason": …}`. `passes`: what becomes of a text when it does not answer."""
    limits = Timeouts(timeout, timeout, timeout, timeout)

    async def judge(text: str, side: Side) -> str:
        body = msgspec.json.encode({"side": side, "text": text})
        try:
            reply = await origin.send(Request("POST", path, headers.copy(), body), limits)
            said = await read(reply.body, _ANSWER_LIMIT)
            if reply.status != 200:
                raise ConnectionError(f"it answered {reply.status}")
            verdict = msgspec.json.decode(said, type=_Verdict)
        except (
            TimeoutError,
            ConnectionError,
            BodyTooLarge,
            msgspec.DecodeError,
            UnicodeDecodeError,
        ) as error:
            if passes:
                return ""
            raise LlmError("overloaded", f"a guardrail cannot be asked: {error}") from error
        return "" if verdict.action == "pass" else verdict.reason or "blocked"

    return judge


async def judged(rules: Sequence[JudgeRule], texts: Sequence[str], side: Side) -> None:
    """Raises `LlmError` for a text that a judge is against."""
    for rule in rules:
        if side not in rule.sides:
            continue
        for text in texts:
            reason = await rule.judge(text, side)
            if reason:
                raise blocked(rule.guardrail, rule.finds, side, rule.message, reason)


def blocked(guardrail: str, finds: str, side: Side, message: str, reason: str = "") -> LlmError:
    """What a client is told of what may not pass."""
    what = "request" if side == "input" else "answer"
    said = message or f"The {what} was blocked by the guardrail {guardrail!r}."
    if reason and not message:
        said = f"{said[:-1]} ({reason})."
    return LlmError("invalid_request", said, code="content_filter", param=finds)


def asked_texts(chat: c.Chat) -> list[str]:
    """What came since the model last spoke: the user's words, and what tools brought."""
    found: list[str] = []
    for message in reversed(chat.messages):
        if message.role == "assistant":
            break
        for part in message.parts:
            if isinstance(part, c.Text):
                found.append(part.text)
            elif isinstance(part, c.ToolResult):
                found.extend(each.text for each in part.parts if isinstance(each, c.Text))
    return found[::-1]


def answered_texts(answer: c.Answer) -> list[str]:
    """A model's words and what it calls tools with."""
    texts = [part.text for part in answer.parts if isinstance(part, c.Text)]
    return texts + [part.arguments for part in answer.parts if isinstance(part, c.ToolUse)]


def events_of(answer: c.Answer) -> list[c.Event]:
    """A whole answer as a stream of its own, for clients that want one."""
    events: list[c.Event] = [c.Started(answer.id, answer.model)]
    calls = 0
    for part in answer.parts:
        match part:
            case c.Text():
                events.append(c.TextDelta(part.text))
            case c.Thinking():
                events.append(c.ThinkingDelta(part.text, part.signature))
            case c.ToolUse():
                events.append(c.ToolStarted(calls, part.id, part.name))
                events.append(c.ToolDelta(calls, part.arguments))
                calls += 1
            case _:
                continue
    return [*events, c.Stopped(answer.stop), c.Metered(answer.usage)]
