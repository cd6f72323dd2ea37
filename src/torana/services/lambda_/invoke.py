"""Invocations: wait for the answer, take its pieces, or leave it to the queue.

Source: AWS Lambda API Reference, Invoke and InvokeWithResponseStream.
"""

import base64
import binascii
from typing import Any

import msgspec

from torana.message import Headers, Reply, Stream
from torana.model.function import Event, FunctionVersion
from torana.services.lambda_ import event_stream
from torana.services.lambda_.book import Book
from torana.services.lambda_.ports import Outcome
from torana.services.lambda_.queue import Queue
from torana.services.payload import as_stream
from torana.services.ports import Busy, Call, Failed, Missing
from torana.wire.faults import ServiceError

Json = dict[str, Any]

_SYNC = 6 * 1024 * 1024
_ASYNC = 1024 * 1024
"""Bytes of a payload. Source: Lambda quotas."""
_WHOLE = 6 * 1024 * 1024 + 100


class Invocations:
    """Operations that run functions."""

    def __init__(self, book: Book, queue: Queue) -> None:
        self._book, self._queue = book, queue

    async def Invoke(self, call: Call, params: Json) -> Reply:
        """Run a function once, now or later."""
        kind = params.get("InvocationType") or "RequestResponse"
        payload = _payload(params, _ASYNC if kind == "Event" else _SYNC)
        version, arn = await self._book.resolve(params["FunctionName"], params.get("Qualifier"))
        if kind == "DryRun":
            return _reply(204, call, version, b"")
        event = Event(
            call.request_id,
            payload,
            arn,
            call.request.headers.get("x-amzn-trace-id") or "",
            _client_context(params.get("ClientContext")),
        )
        if kind == "Event":
            await self._queue.put(event)
            return _reply(202, call, version, b"")
        outcome = await self._run(version, event)
        body = await self._whole(outcome)
        reply = _reply(200, call, version, body)
        if outcome.failed:
            reply.headers.add("X-Amz-Function-Error", "Unhandled")
        if params.get("LogType") == "Tail":
            tail = base64.b64encode(outcome.tail).decode()
            reply.headers.add("X-Amz-Log-Result", tail)
        return reply

    async def InvokeAsync(self, call: Call, params: Json) -> Json:
        """The old form of an invocation of the type Event."""
        payload = _payload({"Payload": params.get("InvokeArgs")}, _ASYNC)
        _, arn = await self._book.resolve(params["FunctionName"], None)
        await self._queue.put(Event(call.request_id, payload, arn))
        return {"Status": 202}

    async def InvokeWithResponseStream(self, call: Call, params: Json) -> Reply:
        """Run a function and give its answer out as it comes."""
        payload = _payload(params, _SYNC)
        version, arn = await self._book.resolve(params["FunctionName"], params.get("Qualifier"))
        if params.get("InvocationType") == "DryRun":
            return _reply(204, call, version, b"")
        context = _client_context(params.get("ClientContext"))
        trace = call.request.headers.get("x-amzn-trace-id") or ""
        outcome = await self._run(version, Event(call.request_id, payload, arn, trace, context))
        reply = _reply(200, call, version, b"")
        reply.headers.set("Content-Type", "application/vnd.amazon.eventstream")
        reply.headers.add("X-Amzn-Remapped-Content-Type", outcome.content_type)
        reply.body = _Frames(outcome, self._book, params.get("LogType") == "Tail")
        return reply

    async def _run(self, version: FunctionVersion, event: Event) -> Outcome:
        try:
            return await self._book.runner.invoke(version, event)
        except Busy as busy:
            raise ServiceError(
                "TooManyRequestsException",
                "Rate Exceeded.",
                fields={"Reason": str(busy), "Type": "User"},
            ) from None
        except Missing as error:
            raise ServiceError("InvalidRuntimeException", str(error)) from None
        except Failed as error:
            raise ServiceError("ServiceException", str(error)) from None

    async def _whole(self, outcome: Outcome) -> bytes:
        """A streamed answer is gathered for a caller that wants it whole."""
        if isinstance(outcome.body, bytes):
            return outcome.body
        pieces: list[bytes] = []
        size = 0
        try:
            async for piece in outcome.body:
                size += len(piece)
                if size <= _WHOLE:
                    pieces.append(piece)
        except Exception as error:
            document = self._book.runner.broken_off(error)
            if document is None:
                raise
            return document
        return b"".join(pieces)


class _Frames:
    """A function's answer as events."""

    def __init__(self, outcome: Outcome, book: Book, tail: bool) -> None:
        self.trailers = Headers()
        self._outcome, self._book, self._tail = outcome, book, tail
        self._source: Stream = as_stream(outcome.body)
        self._over = False

    def __aiter__(self) -> "_Frames":
        return self

    async def __anext__(self) -> bytes:
        if self._over:
            raise StopAsyncIteration
        if self._outcome.failed and isinstance(self._outcome.body, bytes):
            return self._complete(self._outcome.body)
        try:
            piece = await anext(self._source)
        except StopAsyncIteration:
            return self._complete(None)
        except Exception as error:
            document = self._book.runner.broken_off(error)
            if document is None:
                raise
            return self._complete(document)
        return event_stream.event("PayloadChunk", "application/octet-stream", piece)

    def _complete(self, failure: bytes | None) -> bytes:
        self._over = True
        said: Json = {}
        if failure is not None:
            said["ErrorCode"] = _error_type(failure)
            said["ErrorDetails"] = failure.decode("utf-8", "replace")
        if self._tail:
            said["LogResult"] = base64.b64encode(self._outcome.tail).decode()
        return event_stream.event("InvokeComplete", "application/json", msgspec.json.encode(said))

    async def aclose(self) -> None:
        await self._source.aclose()


class _Failure(msgspec.Struct):
    type: str = msgspec.field(name="errorType", default="Unhandled")


def _error_type(document: bytes) -> str:
    try:
        return msgspec.json.decode(document, type=_Failure).type
    except msgspec.MsgspecError:
        return "Unhandled"


def _reply(status: int, call: Call, version: FunctionVersion, body: bytes) -> Reply:
    fields = [
        ("x-amzn-RequestId", call.request_id),
        ("X-Amz-Executed-Version", version.version),
    ]
    if body:
        fields.append(("Content-Type", "application/json"))
    return Reply(status, Headers(fields), body)


def _payload(params: Json, limit: int) -> bytes:
    given = params.get("Payload")
    payload = bytes(given) if given else b"{}"
    if len(payload) > limit:
        raise ServiceError(
            "RequestTooLargeException",
            f"Request must be smaller than {limit} bytes for the InvokeFunction operation",
            fields={"Type": "User"},
        )
    try:
        msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ServiceError(
            "InvalidRequestContentException",
            f"Could not parse request body into json: {error}",
            fields={"Type": "User"},
        ) from None
    return payload


def _client_context(given: str | None) -> str:
    if not given:
        return ""
    try:
        text = base64.b64decode(given, validate=True).decode()
        msgspec.json.decode(text)
    except (binascii.Error, UnicodeDecodeError, msgspec.DecodeError):
        raise ServiceError(
            "InvalidRequestContentException",
            "Client context must be a valid Base64-encoded JSON object.",
            fields={"Type": "User"},
        ) from None
    return text
