"""What the two REST protocols share: routes, bindings and raw payloads."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from torana.message import Headers, Reply, Request
from torana.wire.bindings import Bindings, ReadBinding, WriteBinding, query_of, split
from torana.wire.faults import UnknownOperation
from torana.wire.model import Operation, Ref, Service
from torana.wire.protocols.protocol import Labels, whole
from torana.wire.routes import Routes, literals

ReadBody = Callable[[bytes], dict[str, Any]]
"""The body's members of a non-empty body."""
WriteBody = Callable[[dict[str, Any]], bytes]


class Input(Struct, frozen=True):
    """A compiled input."""

    bindings: list[ReadBinding]
    members: ReadBody | None
    payload: str
    """The member that is the body, if one is."""
    read_payload: Callable[[bytes], Any] | None
    """None: the body is the value, streamed or not."""


class Output(Struct, frozen=True):
    """A compiled output."""

    headers: dict[str, WriteBinding]
    status_member: str
    members: WriteBody | None
    payload: str
    write_payload: Callable[[Any], bytes] | None
    content_type: str


class Rest:
    """The part of a REST service that is the same in JSON and XML.

    `body_reader` and `body_writer` compile a structure's body members; `payload_reader` and
    `payload_writer` compile a member that is the whole body and has a structure.
    """

    def __init__(
        self,
        service: Service,
        *,
        content_type: str,
        body_reader: Callable[[dict[str, Ref]], ReadBody],
        body_writer: Callable[[Operation, dict[str, Ref]], WriteBody],
        payload_reader: Callable[[Ref], Callable[[bytes], Any]],
        payload_writer: Callable[[str, Ref], Callable[[Any], bytes]],
    ) -> None:
        self._service = service
        self._content_type = content_type
        self._body_reader = body_reader
        self._body_writer = body_writer
        self._payload_reader = payload_reader
        self._payload_writer = payload_writer
        self._routes = Routes(service.operations, service.shapes)
        self._bindings = Bindings(service.shapes)
        self._inputs: dict[str, Input] = {}
        self._outputs: dict[str, Output] = {}

    def find(self, request: Request) -> tuple[str, Labels]:
        """The operation and the labels. Raises `UnknownOperation`."""
        path = request.target.partition("?")[0]
        found = self._routes.find(request.method, path, query_of(request), request.headers)
        if found is None:
            raise UnknownOperation(f"{request.method} {path}")
        return found[0].operation, found[1]

    def read(self, operation: Operation, labels: Labels, request: Request) -> dict[str, Any]:
        """The params. Raises `Malformed`."""
        if operation.input is None:
            return {}
        compiled = self._inputs.get(operation.name)
        if compiled is None:
            compiled = self._inputs[operation.name] = self._compile_input(
                operation.input.shape, operation.http.request_uri
            )
        params: dict[str, Any] = {}
        if compiled.members is not None:
            body = whole(request)
            if body.strip():
                params = compiled.members(body)
        elif compiled.payload and compiled.read_payload is None:
            params[compiled.payload] = request.body
        elif compiled.read_payload is not None:
            body = whole(request)
            if body:
                params[compiled.payload] = compiled.read_payload(body)
        query = query_of(request)
        for binding in compiled.bindings:
            binding(labels, query, request.headers, params)
        return params

    def _compile_input(self, shape_name: str, uri: str) -> Input:
        parts = split(self._service.shapes[shape_name])
        taken = frozenset(name for name, _ in literals(uri.partition("?")[2]))
        bindings = self._bindings.readers(parts.outside, taken)
        if not parts.payload:
            members = self._body_reader(parts.body) if parts.body else None
            return Input(bindings, members, "", None)
        ref = self._service.shapes[shape_name].members[parts.payload]
        kind = self._service.shapes[ref.shape].type
        if kind == "blob":
            return Input(bindings, None, parts.payload, None)
        if kind == "string":
            return Input(bindings, None, parts.payload, _text)
        return Input(bindings, None, parts.payload, self._payload_reader(ref))

    def output(self, operation: Operation) -> Output:
        """The compiled output of an operation."""
        compiled = self._outputs.get(operation.name)
        if compiled is None:
            compiled = self._outputs[operation.name] = self._compile_output(operation)
        return compiled

    def _compile_output(self, operation: Operation) -> Output:
        if operation.output is None:
            return Output({}, "", None, "", None, "")
        shape = self._service.shapes[operation.output.shape]
        parts = split(shape)
        headers = self._bindings.writers(parts.outside)
        status = next((n for n, r in parts.outside.items() if r.location == "statusCode"), "")
        if not parts.payload:
            members = self._body_writer(operation, parts.body)
            return Output(headers, status, members, "", None, self._content_type)
        ref = shape.members[parts.payload]
        kind = self._service.shapes[ref.shape].type
        if kind == "blob":
            return Output(headers, status, None, parts.payload, None, "application/octet-stream")
        if kind == "string":
            return Output(headers, status, None, parts.payload, str.encode, "text/plain")
        write = self._payload_writer(parts.payload, ref)
        return Output(headers, status, None, parts.payload, write, self._content_type)

    def write(
        self, operation: Operation, output: dict[str, Any], identity: list[tuple[str, str]]
    ) -> Reply:
        """The reply to a request that went well; `identity` are its first headers."""
        compiled = self.output(operation)
        answer = Reply(operation.http.response_code, Headers(identity))
        for name, bind in compiled.headers.items():
            value = output.get(name)
            if value is not None:
                bind(value, answer.headers)
        if compiled.status_member and output.get(compiled.status_member):
            answer.status = int(output[compiled.status_member])
        content_type = compiled.content_type
        if compiled.members is not None:
            answer.body = compiled.members(output)
        elif compiled.payload:
            value = output.get(compiled.payload)
            if value is not None:
                write = compiled.write_payload
                answer.body = value if write is None else write(value)
        if content_type and answer.body != b"" and "content-type" not in answer.headers:
            answer.headers.add("Content-Type", content_type)
        return answer


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
