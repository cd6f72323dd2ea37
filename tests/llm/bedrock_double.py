"""What Bedrock answers."""

import json
from typing import Any

from tests.llm import double as d
from torana.message import Headers, Reply, Request
from torana.wire.event_stream import MEDIA_TYPE, encode

USED = {
    "inputTokens": 15,
    "outputTokens": 10,
    "totalTokens": 30,
    "cacheReadInputTokens": 5,
    "cacheWriteInputTokens": 0,
}
CALL = {"toolUse": {"toolUseId": "tooluse_1", "name": "weather", "input": {"city": "Paris"}}}


def frame(kind: str, value: dict[str, Any], message: str = "event") -> bytes:
    """An event of a stream, or an exception."""
    headers = {f":{message}-type": kind, ":content-type": "application/json"}
    return encode({**headers, ":message-type": message}, json.dumps(value).encode())


def answer(tool: bool) -> Reply:
    """A whole one."""
    content = [CALL] if tool else [{"text": "Hello there."}]
    value = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "tool_use" if tool else "end_turn",
        "usage": USED,
        "metrics": {"latencyMs": 3},
    }
    return d.answer(value)


def frames(tool: bool) -> list[bytes]:
    """A stream's."""
    if tool:
        start = {"toolUse": {"toolUseId": "tooluse_1", "name": "weather"}}
        inside = [
            frame("contentBlockStart", {"contentBlockIndex": 0, "start": start}),
            *(
                frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": delta})
                for delta in (
                    {"toolUse": {"input": '{"ci'}},
                    {"toolUse": {"input": 'ty":"Paris"}'}},
                )
            ),
        ]
    else:
        inside = [
            frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": text}})
            for text in ("Hello", " there.")
        ]
    return [
        frame("messageStart", {"role": "assistant"}),
        *inside,
        frame("contentBlockStop", {"contentBlockIndex": 0}),
        frame("messageStop", {"stopReason": "tool_use" if tool else "end_turn"}),
        frame("metadata", {"usage": USED, "metrics": {"latencyMs": 3}}),
    ]


def streamed(*pieces: bytes | float | Exception) -> Reply:
    """A reply of frames."""
    return Reply(200, Headers([("Content-Type", MEDIA_TYPE)]), d.Pieces(list(pieces)))


def provider(request: Request, body: dict[str, Any]) -> Reply:
    """Calls a tool when it is given one, else greets."""
    tool = bool(body.get("toolConfig"))
    if request.target.endswith("/converse-stream"):
        return streamed(*frames(tool))
    return answer(tool)
