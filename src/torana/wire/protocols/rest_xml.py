"""REST with XML bodies, and S3's own manners."""

from collections.abc import Callable
from typing import Any

from torana.message import Headers, Reply, Request
from torana.wire.faults import ServiceError
from torana.wire.model import Operation, Ref, Service, XmlNamespace
from torana.wire.protocols.protocol import Labels, describe, error_members, modelled_errors
from torana.wire.protocols.rest import ReadBody, Rest, WriteBody
from torana.wire.xml import parse, write_attribute, write_text
from torana.wire.xml_tree import XmlReaders, XmlWriters

_TYPE = "application/xml"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_BARE = {"GetBucketLocation": "LocationConstraint"}
"""Operations that answer with one member and nothing around it (`s3UnwrappedXmlOutput`)."""


class RestXml:
    """A service in REST XML."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._is_s3 = service.metadata.endpoint_prefix == "s3"
        self._errors = modelled_errors(service)
        self._in = XmlReaders(service.shapes)
        self._out = XmlWriters(service.shapes)
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
        return lambda body: read(parse(body))

    def _body_writer(self, operation: Operation, members: dict[str, Ref]) -> WriteBody:
        if not members:
            return lambda output: b""
        if operation.name in _BARE:
            return self._bare(_BARE[operation.name])
        write = self._out.structure(members)
        root = self._root(operation)
        xmlns = self._xmlns(operation.output)

        def body(output: dict[str, Any]) -> bytes:
            out = [f"{_HEAD}<{root}{xmlns}>"]
            write(output, out)
            out.append(f"</{root}>")
            return "".join(out).encode()

        return body

    def _bare(self, member: str) -> WriteBody:
        """A body whose only element is that member."""
        xmlns = self._xmlns(None)

        def body(output: dict[str, Any]) -> bytes:
            value = write_text(output.get(member, ""))
            return f"{_HEAD}<{member}{xmlns}>{value}</{member}>".encode()

        return body

    def _root(self, operation: Operation) -> str:
        if operation.output is None:
            return operation.name + "Result"
        shape = self._service.shapes[operation.output.shape]
        named = operation.output.location_name or shape.location_name
        return named or operation.output.shape.removesuffix("Output") + (
            "Result" if operation.output.shape.endswith("Output") else ""
        )

    def _xmlns(self, ref: Ref | None) -> str:
        namespace = ref.xml_namespace if ref is not None else None
        uri = namespace.uri if namespace is not None else self._service.metadata.xml_namespace
        if self._is_s3 and not uri:
            uri = "http://s3.amazonaws.com/doc/2006-03-01/"
        return write_attribute("xmlns", uri) if uri else ""

    def _payload_reader(self, ref: Ref) -> Callable[[bytes], Any]:
        read = self._in.of(ref)
        return lambda body: read(parse(body))

    def _payload_writer(self, name: str, ref: Ref) -> Callable[[Any], bytes]:
        shape = self._service.shapes[ref.shape]
        root = ref.location_name or shape.location_name or ref.shape
        if ref.xml_namespace is None and self._is_s3:
            uri = XmlNamespace("http://s3.amazonaws.com/doc/2006-03-01/")
            ref = Ref(ref.shape, location_name=ref.location_name, xml_namespace=uri)
        write = self._out.of(ref)

        def body(value: Any) -> bytes:
            out = [_HEAD]
            write(value, root, out)
            return "".join(out).encode()

        return body

    def find(self, request: Request) -> tuple[str, Labels]:
        """See `Wire`."""
        return self._rest.find(request)

    def read(self, operation: Operation, labels: Labels, request: Request) -> dict[str, Any]:
        """See `Wire`."""
        return self._rest.read(operation, labels, request)

    def _identity(self, request_id: str) -> list[tuple[str, str]]:
        return [("x-amz-request-id" if self._is_s3 else "x-amzn-RequestId", request_id)]

    def write(self, operation: Operation, output: dict[str, Any], request_id: str) -> Reply:
        """See `Wire`."""
        return self._rest.write(operation, output, self._identity(request_id))

    def fail(self, error: ServiceError, request_id: str) -> Reply:
        """See `Wire`."""
        entry = describe(error, self._errors)
        kind = "Sender" if entry.sender else "Receiver"
        inside = [f"<Code>{write_text(entry.code)}</Code>"]
        inside.append(f"<Message>{write_text(error.message)}</Message>")
        members = error_members(error, entry)
        members.pop(entry.message, None)
        for name, value in members.items():
            inside.append(f"<{name}>{write_text(str(value))}</{name}>")
        request = f"<RequestId>{request_id}</RequestId>"
        if self._is_s3:
            text = f"<Error>{''.join(inside)}{request}</Error>"
        else:
            xmlns = self._xmlns(None)
            text = (
                f"<ErrorResponse{xmlns}><Error><Type>{kind}</Type>{''.join(inside)}</Error>"
                f"{request}</ErrorResponse>"
            )
        headers = Headers([*self._identity(request_id), ("Content-Type", _TYPE)])
        return Reply(entry.status, headers, (_HEAD + text).encode())
