"""The query protocol: a form with `Action` and `Version` in, XML out."""

from typing import Any
from urllib.parse import parse_qsl

from torana.message import Reply, Request
from torana.wire.faults import Malformed, ServiceError, UnknownOperation
from torana.wire.form import FormReaders, nest
from torana.wire.model import Operation, Service
from torana.wire.protocols.protocol import Labels, describe, modelled_errors, reply, whole
from torana.wire.xml import write_attribute, write_text
from torana.wire.xml_tree import XmlWriters

_TYPE = "text/xml"
_MOST_PARAMETERS = 10_000


def parameters(request: Request) -> dict[str, str]:
    """The query string's and the form's, the form winning. Raises `Malformed`."""
    _, _, query = request.target.partition("?")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
        pairs += parse_qsl(
            whole(request).decode(), keep_blank_values=True, max_num_fields=_MOST_PARAMETERS
        )
    except ValueError:
        raise Malformed("The form cannot be read") from None
    return dict(pairs)


class Query:
    """A service in the query protocol."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._errors = modelled_errors(service)
        self._in = FormReaders(service.shapes)
        self._out = XmlWriters(service.shapes)
        namespace = service.metadata.xml_namespace
        self._xmlns = write_attribute("xmlns", namespace) if namespace else ""

    def find(self, request: Request) -> tuple[str, Labels]:
        """See `Wire`."""
        try:
            given = parameters(request)
        except Malformed:
            given = {}
        action = given.get("Action", "")
        if action not in self._service.operations:
            raise UnknownOperation(action)
        return action, {}

    def read(self, operation: Operation, labels: Labels, request: Request) -> dict[str, Any]:
        """See `Wire`."""
        if operation.input is None:
            return {}
        given = parameters(request)
        given.pop("Action", None)
        given.pop("Version", None)
        return self._in.of(operation.input)(nest(given))

    def write(self, operation: Operation, output: dict[str, Any], request_id: str) -> Reply:
        """See `Wire`."""
        name = operation.name
        out = [f"<{name}Response{self._xmlns}>"]
        if operation.output is not None:
            shape = self._service.shapes[operation.output.shape]
            wrapper = operation.output.result_wrapper
            out.append(f"<{wrapper}>" if wrapper else "")
            self._out.structure(shape.members)(output, out)
            out.append(f"</{wrapper}>" if wrapper else "")
        out.append(
            f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
            f"</{name}Response>"
        )
        return reply(200, _TYPE, "".join(out).encode(), request_id)

    def fail(self, error: ServiceError, request_id: str) -> Reply:
        """See `Wire`."""
        entry = describe(error, self._errors)
        kind = "Sender" if entry.sender else "Receiver"
        out = [
            f"<ErrorResponse{self._xmlns}><Error><Type>{kind}</Type>",
            f"<Code>{write_text(entry.code)}</Code>",
            f"<Message>{write_text(error.message)}</Message>",
        ]
        if entry.shape is not None and error.fields:
            self._out.structure(entry.shape.members)(error.fields, out)
        out.append(f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>")
        return reply(entry.status, _TYPE, "".join(out).encode(), request_id)
