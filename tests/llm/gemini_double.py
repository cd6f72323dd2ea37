"""What a provider of Gemini's API answers."""

import json
from typing import Any

from tests.llm import double as d
from torana.message import Reply, Request

USED = {
    "promptTokenCount": 20,
    "candidatesTokenCount": 8,
    "thoughtsTokenCount": 2,
    "cachedContentTokenCount": 5,
    "totalTokenCount": 30,
}
CALL = {"functionCall": {"name": "weather", "args": {"city": "Paris"}}}


def said(*parts: dict[str, Any], finish: str | None = "STOP", **more: Any) -> dict[str, Any]:
    """A response, whole or a piece."""
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {
        "candidates": [candidate],
        "modelVersion": "gemini-up",
        "responseId": "resp_1",
        "usageMetadata": USED,
        **more,
    }


def event(value: dict[str, Any]) -> bytes:
    """One of a stream."""
    return b"data: " + json.dumps(value).encode() + b"\r\n\r\n"


def provider(request: Request, body: dict[str, Any]) -> Reply:
    """Calls a tool when it is given one, else greets."""
    if ":countTokens" in request.target:
        return d.answer({"totalTokens": 7})
    parts = [CALL] if body.get("tools") else [{"text": "Hello"}, {"text": " there."}]
    if ":streamGenerateContent" in request.target:
        pieces = [event(said(part, finish=None)) for part in parts]
        return d.stream(*pieces, event(said({"text": ""})))
    return d.answer(said(*parts))
