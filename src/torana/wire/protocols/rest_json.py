"""REST with JSON bodies."""

from collections.abc import Callable
from typing import Any

import msgspec

from torana.message import Headers, Reply, Request
from torana.wire.bindings import Bindings, split
from torana.wire.faults import ServiceError
from torana.wire.model import Operation, Ref, Service
from torana.wire.protocols.json_rpc import decode
from torana.wire.protocols.protocol import Labels, describe, error_members, modelled_errors
from torana.wire.protocols.rest import ReadBody, Rest, WriteBody
from torana.wire.tree import JSON_IN, JSON_OUT, Trees

_TYPE = "application/json"


class RestJson:
    """A service in REST JSON."""

    def __init__(self, service: Service) -> None:
        self._errors = modelled_errors(service)
        self._bindings = Bindings(service.shapes)
        self._in = Trees(service.shapes, JSON_IN, reading=True)
        self._out = Trees(service.shapes, JSON_OUT, reading=False)
        self._rest = Rest(
            service,
            content_type=_TYPE,
            body_reader=self._body_reader,
            body_writer=self._body_writer,
            payload_reader=self._payload_reader,
            payload_writer=self._payload_writer,
        )

    def _body_reader(self, members: dict[str, Ref]) -> ReadBody:
        read = self._in.structure(members)
        return lambda body: read(decode(body))

    def _body_writer(self, operation: Operation, members: dict[str, Ref]) -> WriteBody:
        del operation
        write = self._out.structure(members)
        names = tuple(members)

        def body(output: dict[str, Any]) -> bytes:
            return msgspec.json.encode(write({n: output[n] for n in names if n in output}))

        return body

    def _payload_reader(self, ref: Ref) -> Callable[[bytes], Any]:
        read = self._in.of(ref)
        return lambda body: read(decode(body))

    def _payload_writer(self, name: str, ref: Ref) -> Callable[[Any], bytes]:
        del name
        write = self._out.of(ref)
        return lambda value: msgspec.json.encode(write(value))

    def find(self, request: Request) -> tuple[str, Labels]:
        """See `Wire`."""
        return self._rest.find(request)

    def read(self, operation: Operation, labels: Labels, request: Request) -> dict[str, Any]:
        """See `Wire`."""
        return self._rest.read(operation, labels, request)

    def write(self, operation: Operation, output: dict[str, Any], request_id: str) -> Reply:
        """See `Wire`."""
        return self._rest.write(operation, output, [("x-amzn-RequestId", request_id)])

    def fail(self, error: ServiceError, request_id: str) -> Reply:
        """See `Wire`."""
        entry = describe(error, self._errors)
        members = error_members(error, entry)
        headers = Headers(
            [
                ("x-amzn-RequestId", request_id),
                ("x-amzn-ErrorType", entry.name),
                ("Content-Type", _TYPE),
            ]
        )
        if entry.shape is not None:
            parts = split(entry.shape)
            for name, bind in self._bindings.writers(parts.outside).items():
                if members.get(name) is not None:
                    bind(members[name], headers)
            body = {n: v for n, v in members.items() if n in parts.body}
            members = self._out.structure(parts.body)(body)
        return Reply(entry.status, headers, msgspec.json.encode(members))
