"""JSON 1.0 and 1.1: POST / with `X-Amz-Target: Prefix.Operation`."""

from collections.abc import Callable
from typing import Any

import msgspec

from torana.message import Reply, Request
from torana.wire.faults import Malformed, ServiceError, UnknownOperation
from torana.wire.model import Operation, Ref, Service
from torana.wire.protocols.protocol import (
    Labels,
    describe,
    error_members,
    modelled_errors,
    reply,
    whole,
)
from torana.wire.tree import JSON_IN, JSON_OUT, Convert, Trees

_encode = msgspec.json.Encoder().encode


def decode(data: bytes) -> Any:
    """JSON. Raises `Malformed`."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Malformed("The request body is not valid JSON") from None


class JsonRpc:
    """A service in JSON 1.0 or 1.1."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._prefix = service.metadata.target_prefix + "."
        self._version = service.metadata.json_version
        self._errors = modelled_errors(service)
        self._compatible = service.metadata.aws_query_compatible is not None
        self._in = Trees(service.shapes, JSON_IN, reading=True)
        self._out = Trees(service.shapes, JSON_OUT, reading=False)
        self._writers: dict[str, Convert] = {}
        self._type = f"application/x-amz-json-{self._version}"

    def find(self, request: Request) -> tuple[str, Labels]:
        """See `Wire`."""
        target = request.headers.get("x-amz-target") or ""
        prefix, _, name = target.rpartition(".")
        if name not in self._service.operations or prefix + "." != self._prefix:
            raise UnknownOperation(name)
        return name, {}

    def read(self, operation: Operation, labels: Labels, request: Request) -> dict[str, Any]:
        """See `Wire`."""
        body = whole(request)
        tree: Any = decode(body) if body.strip() else {}
        if operation.input is None:
            if not isinstance(tree, dict):
                raise Malformed("The request body is not a JSON object")
            return {}
        return self._in.of(operation.input)(tree)

    def write(self, operation: Operation, output: dict[str, Any], request_id: str) -> Reply:
        """See `Wire`."""
        if operation.output is None:
            return reply(200, self._type, b"", request_id)
        convert = self._writers.get(operation.name)
        if convert is None:
            convert = self._writers[operation.name] = self._out.of(operation.output)
        return reply(200, self._type, _encode(convert(output)), request_id)

    def fail(self, error: ServiceError, request_id: str) -> Reply:
        """See `Wire`."""
        entry = describe(error, self._errors)
        members = error_members(error, entry)
        if entry.shape is not None:
            members = self._members(entry.name)(members)
        if error.message and not entry.message:
            # What the service sends, though its model does not say so.
            members["message"] = error.message
        name = entry.name
        if self._version == "1.0":
            name = f"com.amazonaws.{self._service.metadata.endpoint_prefix}#{name}"
        body = _encode({"__type": name, **members})
        answer = reply(entry.status, self._type, body, request_id)
        if self._compatible:
            kind = "Sender" if entry.sender else "Receiver"
            answer.headers.add("x-amzn-query-error", f"{entry.code};{kind}")
        return answer

    def _members(self, shape: str) -> Callable[[Any], Any]:
        return self._out.of(Ref(shape))
