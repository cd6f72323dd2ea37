"""What a protocol is, and what all of them do alike."""

from typing import Any, Protocol

from msgspec import Struct

from torana.message import Headers, Reply, Request
from torana.wire.faults import ServiceError
from torana.wire.model import Operation, Service, Shape

Labels = dict[str, str]


class Wire(Protocol):
    """One service in one protocol. Everything is compiled per operation, at its first use."""

    def find(self, request: Request) -> tuple[str, Labels]:
        """The operation asked for, and the path's labels. Raises `UnknownOperation`."""
        ...

    def read(self, operation: Operation, labels: Labels, request: Request) -> dict[str, Any]:
        """The params. The body is whole unless the operation takes a stream. Raises `Malformed`."""
        ...

    def write(self, operation: Operation, output: dict[str, Any], request_id: str) -> Reply:
        """The reply to a request that went well."""
        ...

    def fail(self, error: ServiceError, request_id: str) -> Reply:
        """The reply to one that did not."""
        ...


class Modelled(Struct, frozen=True):
    """An error of the model: how it travels."""

    name: str
    """Of the shape."""
    code: str
    """As query clients see it."""
    status: int
    sender: bool
    message: str
    """The member that holds the message; empty if the shape has none."""
    shape: Shape | None = None


def modelled_errors(service: Service) -> dict[str, Modelled]:
    """Every error of a service, by shape name and by code."""
    found: dict[str, Modelled] = {}
    for name, shape in service.shapes.items():
        if shape.exception or shape.error is not None:
            made = _modelled(name, shape)
            found.setdefault(made.code, made)
            found[name] = made
    return found


def _modelled(name: str, shape: Shape) -> Modelled:
    trait = shape.error
    code = trait.code if trait is not None and trait.code else name
    status = trait.http_status_code if trait is not None else 0
    status = status or (500 if shape.fault else 400)
    if not shape.members:
        # Rekognition's and others' models leave out even the message that their services send.
        return Modelled(name, code, status, status < 500, "message")
    message = next((member for member in shape.members if member.lower() == "message"), "")
    return Modelled(name, code, status, status < 500, message, shape)


def describe(error: ServiceError, errors: dict[str, Modelled]) -> Modelled:
    """The model's entry for an error, or one made up for a code that it lacks."""
    known = errors.get(error.code)
    status = error.status or (known.status if known is not None else 400)
    if known is None:
        return Modelled(error.code, error.code, status, status < 500, "message")
    if status == known.status:
        return known
    return Modelled(known.name, known.code, status, status < 500, known.message, known.shape)


def error_members(error: ServiceError, entry: Modelled) -> dict[str, Any]:
    """The error's members, its message among them."""
    members = dict(error.fields)
    if error.message and entry.message:
        members.setdefault(entry.message, error.message)
    return members


def whole(request: Request) -> bytes:
    """The body, which must have been read by now."""
    if not isinstance(request.body, bytes):
        raise TypeError("the body must be read before the protocol sees it")
    return request.body


def reply(status: int, content_type: str, body: bytes, request_id: str) -> Reply:
    """A reply with the headers that every service sends."""
    return Reply(
        status, Headers([("x-amzn-RequestId", request_id), ("Content-Type", content_type)]), body
    )
