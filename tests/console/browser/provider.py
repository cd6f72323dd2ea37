"""A provider of models that repeats what it is asked, word by word."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class _Provider(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        words = f"{asked['model']} heard: {asked['messages'][-1]['content']}".split(" ")
        self.send_response(200)
        used = {"prompt_tokens": 12, "completion_tokens": len(words), "total_tokens": 12}
        if not asked.get("stream"):
            self._whole(" ".join(words), used)
            return
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for place, word in enumerate(words):
            said = word if place == 0 else f" {word}"
            self._event([{"index": 0, "delta": {"content": said}, "finish_reason": None}])
        self._event([{"index": 0, "delta": {}, "finish_reason": "stop"}])
        self._event([], usage=used)
        self.wfile.write(b"data: [DONE]\n\n")

    def _whole(self, text: str, used: dict[str, int]) -> None:
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        said = {"id": "c1", "object": "chat.completion", "created": 1, "model": "m"}
        body = json.dumps({**said, "choices": [choice], "usage": used}).encode()
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _event(self, choices: list[Any], **more: Any) -> None:
        said = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        data = json.dumps({**said, "choices": choices, **more})
        self.wfile.write(f"data: {data}\n\n".encode())

    def log_message(self, format: str, *args: Any) -> None: ...


@contextmanager
def provider() -> Generator[str]:
    """Its base address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Provider)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
