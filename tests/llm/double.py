"""A provider on a real socket that answers as it is told, and misbehaves as providers do.

What it does is named by the model that is asked for, so that a test reads as its own script.
"""

import asyncio
import json
import tomllib
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from msgspec import Struct

from torana.app.llm import build
from torana.app.llm_endpoints import Invoke
from torana.llm.serve import Llm as Api
from torana.llm.spend import Spent
from torana.llm_settings import Llm
from torana.message import Headers, Reply, Request, read
from torana.net.client import HttpClient
from torana.net.server import Listener, listen
from torana.services.ports import Engines
from torana.state import open_counters, open_store

OPENAI = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1760000000,
    "model": "up-2026",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello there.", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {
        "prompt_tokens": 20,
        "completion_tokens": 10,
        "total_tokens": 30,
        "prompt_tokens_details": {"cached_tokens": 5},
    },
}
OPENAI_TOOL = {
    **OPENAI,
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "weather", "arguments": '{"city": "Paris"}'},
                    }
                ],
            },
            "finish_reason": "tool_calls",
        }
    ],
}
ANTHROPIC = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-up",
    "content": [{"type": "text", "text": "Hello there."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 15, "cache_read_input_tokens": 5, "output_tokens": 10},
}


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    """One event of an OpenAI stream."""
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    value = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "up-2026"}
    return b"data: " + json.dumps({**value, "choices": choices, **more}).encode() + b"\n\n"


USED = {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}
OPENAI_STREAM = [
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": "Hello"}),
    chunk({"content": " there."}),
    chunk({}, "stop"),
    chunk({}, None, usage=USED).replace(
        b'"choices": [{"index": 0, "delta": {}, "finish_reason": null}]', b'"choices": []'
    ),
    b"data: [DONE]\n\n",
]
OPENAI_TOOL_STREAM = [
    chunk(
        {
            "role": "assistant",
            "tool_calls": [
                {
                    "index": 0,
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "weather", "arguments": ""},
                }
            ],
        }
    ),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"ci'}}]}),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": 'ty": "Paris"}'}}]}),
    chunk({}, "tool_calls"),
    b"data: [DONE]\n\n",
]


def happening(value: dict[str, Any]) -> bytes:
    """One event of an Anthropic stream."""
    return f"event: {value['type']}\ndata: {json.dumps(value)}\n\n".encode()


def _block(index: int, block: dict[str, Any], *deltas: dict[str, Any]) -> list[bytes]:
    return [
        happening({"type": "content_block_start", "index": index, "content_block": block}),
        *(
            happening({"type": "content_block_delta", "index": index, "delta": delta})
            for delta in deltas
        ),
        happening({"type": "content_block_stop", "index": index}),
    ]


ANTHROPIC_STREAM = [
    happening(
        {
            "type": "message_start",
            "message": {**ANTHROPIC, "content": [], "stop_reason": None},
        }
    ),
    *_block(
        0,
        {"type": "text", "text": ""},
        {"type": "text_delta", "text": "Hello"},
        {"type": "text_delta", "text": " there."},
    ),
    *_block(
        1,
        {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}},
        {"type": "input_json_delta", "partial_json": '{"city":'},
        {"type": "input_json_delta", "partial_json": ' "Paris"}'},
    ),
    happening(
        {
            "type": "message_delta",
            "delta": {"stop_reason": "tool_use", "stop_sequence": None},
            "usage": {"output_tokens": 12},
        }
    ),
    happening({"type": "message_stop"}),
]


class Pieces:
    """A body that is sent piece by piece; an exception among them breaks the connection."""

    def __init__(self, pieces: list[bytes | float | Exception]) -> None:
        self.trailers = Headers()
        self._pieces = iter(pieces)
        self.closed = asyncio.Event()

    def __aiter__(self) -> "Pieces":
        return self

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            if isinstance(piece, Exception):
                raise piece
            if isinstance(piece, bytes):
                await asyncio.sleep(0)
                return piece
            await asyncio.sleep(piece)
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self.closed.set()


def answer(value: Any, status: int = 200, *fields: tuple[str, str]) -> Reply:
    """A whole reply in JSON."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Reply(status, Headers([("Content-Type", "application/json"), *fields]), body)


async def beside(ask: Callable[..., Any], **params: Any) -> Any:
    """What a blocking client is answered."""
    return await asyncio.to_thread(ask, **params)


def whole(reply: Reply) -> bytes:
    """The body of a reply that is no stream."""
    assert isinstance(reply.body, bytes)
    return reply.body


def stream(*pieces: bytes | float | Exception) -> Reply:
    """A reply of server-sent events."""
    return Reply(200, Headers([("Content-Type", "text/event-stream")]), Pieces(list(pieces)))


Script = Callable[[Request, dict[str, Any]], Reply]


class Double:
    """The provider. `asked` holds what came: path, headers, body."""

    def __init__(self, script: Script) -> None:
        self.asked: list[tuple[str, Headers, dict[str, Any]]] = []
        self.replies: list[Reply] = []
        self._script = script

    async def __call__(self, request: Request) -> Reply:
        body = json.loads(await read(request.body, 10**8))
        self.asked.append((request.target, request.headers, body))
        reply = self._script(request, body)
        self.replies.append(reply)
        return reply


class Running(Struct):
    """A gateway before a provider's double."""

    url: str
    double: Double
    spent: list[Spent]
    provider: Listener
    api: Api


@asynccontextmanager
async def gateway(
    script: Script,
    settings: str,
    environment: Mapping[str, str] | None = None,
    engines: Engines | None = None,
    endpoints: Invoke | None = None,
) -> AsyncGenerator[Running]:
    """The LLM API on a real socket. `{up}` in the settings is the double's address, `{origin}`
    that without a path."""
    double = Double(script)
    provider = await listen(double, host="127.0.0.1", port=0)
    origin = f"http://127.0.0.1:{provider.port}"
    text = settings.replace("{up}", f"{origin}/v1").replace("{origin}", origin)
    client, store = HttpClient(), await open_store("memory:")
    counters = await open_counters("local:", store)
    spent: list[Spent] = []
    given = msgspec.convert(tomllib.loads(text), Llm)
    plan = build(given, environment or {}, client, counters, engines, endpoints)
    api = Api(plan, spent.append)
    front = await listen(api, host="127.0.0.1", port=0)
    try:
        yield Running(f"http://127.0.0.1:{front.port}", double, spent, provider, api)
    finally:
        await front.close()
        await client.aclose()
        await provider.close()
        await counters.close()
        await store.close()
