"""Smithy RPC v2 with CBOR: POST /service/{service}/operation/{operation}.

Source: the Smithy 2.0 specification of `smithy.protocols#rpcv2Cbor`.
"""

from typing import Any

from torana.message import Reply, Request
from torana.wire import cbor
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
from torana.wire.tree import CBOR_IN, CBOR_OUT, Trees

_TYPE = "application/cbor"


def address(path: str) -> tuple[str, str] | None:
    """The service and the operation that a path names, after any prefix; or None."""
    parts = path.rsplit("/", 4)
    if len(parts) == 5 and parts[1] == "service" and parts[3] == "operation":
        return parts[2], parts[4]
    return None


class CborRpc:
    """A service in RPC v2 CBOR."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._errors = modelled_errors(service)
        self._compatible = service.metadata.aws_query_compatible is not None
        self._in = Trees(service.shapes, CBOR_IN, reading=True, named=False, timed=False)
        self._out = Trees(service.shapes, CBOR_OUT, reading=False, named=False, timed=False)

    def find(self, request: Request) -> tuple[str, Labels]:
        """See `Wire`."""
        named = address(request.target.partition("?")[0])
        operation = named[1] if named is not None else ""
        if operation not in self._service.operations or request.method != "POST":
            raise UnknownOperation(operation)
        return operation, {}

    def read(self, operation: Operation, labels: Labels, request: Request) -> dict[str, Any]:
        """See `Wire`."""
        body = whole(request)
        if operation.input is None:
            return {}
        kind = (request.headers.get("content-type") or _TYPE).partition(";")[0].strip()
        if kind != _TYPE:
            raise Malformed(f"The content type must be {_TYPE}")
        return self._in.of(operation.input)(cbor.decode(body) if body else {})

    def write(self, operation: Operation, output: dict[str, Any], request_id: str) -> Reply:
        """See `Wire`."""
        body = b""
        if operation.output is not None:
            body = cbor.encode(self._out.of(operation.output)(output))
        return self._reply(200, body, request_id)

    def fail(self, error: ServiceError, request_id: str) -> Reply:
        """See `Wire`."""
        entry = describe(error, self._errors)
        members = error_members(error, entry)
        if entry.shape is not None:
            members = self._out.of(Ref(entry.name))(members)
        body = cbor.encode({"__type": entry.name, **members})
        answer = self._reply(entry.status, body, request_id)
        if self._compatible:
            kind = "Sender" if entry.sender else "Receiver"
            answer.headers.add("x-amzn-query-error", f"{entry.code};{kind}")
        return answer

    def _reply(self, status: int, body: bytes, request_id: str) -> Reply:
        answer = reply(status, _TYPE, body, request_id)
        answer.headers.add("smithy-protocol", "rpc-v2-cbor")
        return answer
