"""The Lambda Runtime API, as one instance sees it.

Source: Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes", and
"Response streaming" of "Building a custom runtime".
"""

import asyncio
import base64
import re
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from torana.functions.errors import RESPONSE_LIMIT, runtime_error, too_large
from torana.message import Body, BodyTooLarge, Headers, Reply, Request, Stream, read
from torana.model.function import Event
from torana.net.tasks import spawn

_PREFIX = "/2018-06-01/runtime/"
_POSTED = re.compile(r"/2018-06-01/runtime/invocation/([^/]{1,64})/(response|error)")
_STREAMED_LIMIT = 200 * 1024 * 1024
"""Bytes. Source: Lambda quotas, "Invocation payload", streamed."""
_ERROR_LIMIT = 256 * 1024


class Answer(Struct):
    """What a function gave. `failed`: it is an error document."""

    body: Body
    content_type: str = "application/json"
    failed: bool = False
    streamed: bool = False


class Lost(Exception):
    """The instance ended. `status` as of `Boxed.wait`."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class RuntimeApi:
    """Serves one instance: hands it one event at a time and takes what it gives back."""

    def __init__(self, idle: Callable[[], None], trusted: Callable[[Request], bool]) -> None:
        """`idle` is called when the runtime asks for an event and there is none."""
        loop = asyncio.get_running_loop()
        self._idle, self._trusted = idle, trusted
        self.ready: asyncio.Future[bytes | None] = loop.create_future()
        """Set when the runtime first asks for an event (None), or to its init error."""
        self._next: asyncio.Future[Event | None] | None = None
        """The event that the runtime asked for; None: it has asked anew since."""
        self._event: Event | None = None
        self._answer: asyncio.Future[Answer] | None = None

    @property
    def waits(self) -> bool:
        """Whether the runtime waits for an event."""
        return self._next is not None and not self._next.done()

    async def invoke(self, event: Event) -> Answer:
        """One event through the runtime, which must be idle. Raises `Lost`.

        A streamed answer's body must be read to its end, or closed.
        """
        waiting = self._next
        if waiting is None or waiting.done():
            raise Lost(-9)
        answer = asyncio.get_running_loop().create_future()
        self._event, self._answer = event, answer
        self._next = None
        waiting.set_result(event)
        try:
            return await answer
        finally:
            self._answer = self._event = None

    def lose(self, status: int) -> None:
        """The process is gone."""
        lost = Lost(status)
        for future in (self.ready, self._answer):
            if future is not None and not future.done():
                future.set_exception(lost)
                # Nobody may be waiting, which is no fault.
                future.exception()
        if self._next is not None:
            self._next.cancel()
            self._next = None

    async def handle(self, request: Request) -> Reply:
        """Answer the runtime."""
        if not self._trusted(request):
            return _json(403, runtime_error("Forbidden", "not this instance's"))
        path = request.target.partition("?")[0]
        if request.method == "GET" and path == f"{_PREFIX}invocation/next":
            return await self._give()
        if request.method == "POST" and path == f"{_PREFIX}init/error":
            return await self._init_error(request)
        posted = _POSTED.fullmatch(path)
        if request.method == "POST" and posted is not None:
            return await self._take(posted[1], posted[2] == "error", request)
        return _json(404, runtime_error("NotFound", "no such resource"))

    async def _give(self) -> Reply:
        if self._answer is not None and not self._answer.done():
            return _json(403, runtime_error("InvalidStateTransition", "an event is not answered"))
        before = self._next
        waiting = self._next = asyncio.get_running_loop().create_future()
        if before is not None and not before.done():
            before.set_result(None)
        if not self.ready.done():
            self.ready.set_result(None)
        self._idle()
        event: Event | None = await waiting
        if event is None:
            return _json(403, runtime_error("InvalidStateTransition", "the event is asked anew"))
        return Reply(200, _fields(event), event.payload)

    async def _init_error(self, request: Request) -> Reply:
        try:
            body = await read(request.body, _ERROR_LIMIT)
        except BodyTooLarge:
            body = b"{}"
        if not self.ready.done():
            self.ready.set_result(body or b"{}")
        return _json(202, {"status": "OK"})

    async def _take(self, request_id: str, failed: bool, request: Request) -> Reply:
        event, answer = self._event, self._answer
        if event is None or answer is None or event.request_id != request_id or answer.done():
            return _invalid_id()
        kind = request.headers.get("content-type") or "application/json"
        if request.headers.get("lambda-runtime-function-response-mode") == "streaming":
            body = _Metered(request.body)
            answer.set_result(Answer(body, kind, streamed=True))
            await body.over.wait()
            return _json(202, {"status": "OK"})
        try:
            given = Answer(await read(request.body, RESPONSE_LIMIT), kind, failed)
            reply = _json(202, {"status": "OK"})
        except BodyTooLarge:
            size = int(request.headers.get("content-length") or RESPONSE_LIMIT + 1)
            given = Answer(too_large(size).payload(), failed=True)
            limit = f"Exceeded maximum allowed payload size ({RESPONSE_LIMIT} bytes)."
            reply = _json(413, runtime_error("RequestEntityTooLarge", limit))
        if answer.done():
            # Another answer was whole before, or it came too late.
            return _invalid_id()
        answer.set_result(given)
        return reply


class StreamFailed(Exception):
    """The function broke off its stream. `payload` is its error document."""

    def __init__(self, payload: bytes) -> None:
        super().__init__("the function broke off its stream")
        self.payload = payload


class _Metered:
    """A streamed response: counted, and its end made known to the runtime's request."""

    def __init__(self, source: Body) -> None:
        self.trailers = Headers()
        self.over = asyncio.Event()
        self._whole = source if isinstance(source, bytes) else b""
        self._source: Stream | None = None if isinstance(source, bytes) else source
        self._size = 0

    def __aiter__(self) -> "_Metered":
        return self

    async def __anext__(self) -> bytes:
        try:
            piece = await self._piece()
        except BaseException:
            self.over.set()
            raise
        self._size += len(piece)
        if self._size > _STREAMED_LIMIT:
            if self._source is not None:
                await self._source.aclose()
            self.over.set()
            raise ConnectionError("the streamed response is over the limit")
        return piece

    async def _piece(self) -> bytes:
        if self._source is not None:
            try:
                return await anext(self._source)
            except StopAsyncIteration:
                self._end(self._source.trailers)
                raise
        piece, self._whole = self._whole, b""
        if not piece:
            raise StopAsyncIteration
        return piece

    def _end(self, trailers: Headers) -> None:
        if "lambda-runtime-function-error-type" in trailers:
            encoded = trailers.get("lambda-runtime-function-error-body") or ""
            try:
                payload = base64.b64decode(encoded + "==")
            except ValueError:
                payload = b"{}"
            raise StreamFailed(payload)

    async def aclose(self) -> None:
        """Nobody wants the rest; the function may still say it, as on the service."""
        if not self.over.is_set():
            spawn(self._swallow(), "the rest of a stream")

    async def _swallow(self) -> None:
        try:
            async for _ in self:
                pass
        except (TimeoutError, ConnectionError, StreamFailed):
            pass


def _fields(event: Event) -> Headers:
    fields = [
        ("Content-Type", "application/json"),
        ("Lambda-Runtime-Aws-Request-Id", event.request_id),
        ("Lambda-Runtime-Deadline-Ms", str(event.deadline_ms)),
        ("Lambda-Runtime-Invoked-Function-Arn", event.arn),
    ]
    if event.trace_id:
        fields.append(("Lambda-Runtime-Trace-Id", event.trace_id))
    if event.client_context:
        fields.append(("Lambda-Runtime-Client-Context", event.client_context))
    return Headers(fields)


def _invalid_id() -> Reply:
    return _json(400, runtime_error("InvalidRequestID", "Invalid request ID"))


def _json(status: int, value: dict[str, Any]) -> Reply:
    headers = Headers([("Content-Type", "application/json")])
    return Reply(status, headers, msgspec.json.encode(value))
