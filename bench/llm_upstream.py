"""A provider that answers at once: `python -m bench.llm_upstream PORT`. One process, no checks.

A chat is 1 KB of JSON, a stream 50 tokens and a usage, each event a chunk of its own, all at once.
"""

import asyncio
import json
import sys

import uvloop

HEAD = {"id": "chatcmpl-9f3b2c1d0e", "created": 1760000000, "model": "gpt-4o-mini"}
USAGE = {"prompt_tokens": 23, "completion_tokens": 50, "total_tokens": 73}
TEXT = "The quick brown fox jumps over the lazy dog. " * 13


def _event(data: str) -> bytes:
    event = f"data: {data}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(event), event)


def _chunk(delta: dict[str, str], finish: str | None, **more: object) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _event(
        json.dumps({**HEAD, "object": "chat.completion.chunk", "choices": [choice], **more})
    )


MESSAGE = {"role": "assistant", "content": TEXT, "refusal": None, "annotations": []}
CHOICE = {"index": 0, "message": MESSAGE, "logprobs": None, "finish_reason": "stop"}
CHAT = json.dumps({**HEAD, "object": "chat.completion", "choices": [CHOICE], "usage": USAGE})
WHOLE = (
    f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(CHAT)}\r\n\r\n"
    f"{CHAT}"
).encode()
BEGIN = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
STREAM = (
    BEGIN
    + _chunk({"role": "assistant", "content": " token"}, None)
    + _chunk({"content": " token"}, None) * 49
    + _chunk({}, "stop", usage=USAGE)
    + _event("[DONE]")
    + b"0\r\n\r\n"
)


class Provider(asyncio.Protocol):
    """Reads requests by their content-length."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            place = head.find(b"content-length:")
            length = int(head[place + 15 :].split(b"\r\n", 1)[0]) if place >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            body = self._buffer[end + 4 : end + 4 + length]
            self._buffer = self._buffer[end + 4 + length :]
            self._transport.write(STREAM if b'"stream":true' in body else WHOLE)  # type: ignore[attr-defined]


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Provider, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
