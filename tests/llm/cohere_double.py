"""What a provider of Cohere's API answers."""

import json
from typing import Any

from tests.llm import double as d
from torana.message import Reply, Request

USED = {
    "billed_units": {"input_tokens": 20, "output_tokens": 10},
    "tokens": {"input_tokens": 520, "output_tokens": 12},
    "cached_tokens": 5,
}
CITED = [{"start": 0, "end": 5, "text": "Hello", "sources": [{"type": "document", "id": "d1"}]}]
HELLO = {
    "id": "c1",
    "finish_reason": "COMPLETE",
    "message": {
        "role": "assistant",
        "content": [{"type": "text", "text": "Hello there."}],
        "citations": CITED,
    },
    "usage": USED,
}
CALL = {"id": "t1", "type": "function", "function": {"name": "weather", "arguments": ""}}
CALLED = {
    "id": "c1",
    "finish_reason": "TOOL_CALL",
    "message": {
        "role": "assistant",
        "tool_plan": "I will look.",
        "tool_calls": [
            {**CALL, "function": {"name": "weather", "arguments": '{"city": "Paris"}'}},
        ],
    },
    "usage": USED,
}
RANKED = {
    "id": "r",
    "results": [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}],
    "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}},
}


def event(kind: str, message: Any = None, index: int | None = None, **delta: Any) -> bytes:
    """One of a stream."""
    value: dict[str, Any] = {"type": kind}
    if index is not None:
        value["index"] = index
    if message is not None or delta:
        value["delta"] = {**({"message": message} if message is not None else {}), **delta}
    if kind == "message-start":
        value["id"] = "c1"
    return f"event: {kind}\ndata: {json.dumps(value)}\n\n".encode()


BEGUN = event("message-start", {"role": "assistant", "content": [], "tool_calls": []})
HELLO_STREAM = [
    BEGUN,
    event("content-start", {"content": {"type": "text", "text": ""}}, 0),
    event("content-delta", {"content": {"text": "Hello"}}, 0),
    event("content-delta", {"content": {"text": " there."}}, 0),
    event("citation-start", {"citations": CITED[0]}, 0),
    event("citation-end", None, 0),
    event("content-end", None, 0),
    event("message-end", finish_reason="COMPLETE", usage=USED),
    b"data: [DONE]\n\n",
]
CALLED_STREAM = [
    BEGUN,
    event("tool-plan-delta", {"tool_plan": "I will look."}),
    event("tool-call-start", {"tool_calls": CALL}, 0),
    event("tool-call-delta", {"tool_calls": {"function": {"arguments": '{"ci'}}}, 0),
    event("tool-call-delta", {"tool_calls": {"function": {"arguments": 'ty": "Paris"}'}}}, 0),
    event("tool-call-end", None, 0),
    event("message-end", finish_reason="TOOL_CALL", usage=USED),
    b"data: [DONE]\n\n",
]


def provider(request: Request, body: dict[str, Any]) -> Reply:
    """Calls a tool when it is given one, else greets; embeds, and ranks."""
    if request.target.endswith("/rerank"):
        return d.answer(RANKED)
    if request.target.endswith("/embed"):
        rows = [[0.5, float(at)] for at, _ in enumerate(body["texts"])]
        meta = {"billed_units": {"input_tokens": 4}}
        return d.answer({"id": "e", "embeddings": {"float": rows}, "meta": meta})
    if body["model"] == "away":
        return d.answer({"id": "x", "message": "all busy"}, 429, ("Retry-After", "3"))
    if body["model"] == "failing":
        return d.stream(BEGUN, event("message-end", finish_reason="ERROR", error="no luck"))
    tools = bool(body.get("tools")) and body["messages"][-1]["role"] != "tool"
    if body.get("stream"):
        return d.stream(*(CALLED_STREAM if tools else HELLO_STREAM))
    return d.answer(CALLED if tools else HELLO)
