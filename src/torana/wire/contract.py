"""One service's wire contract: requests to params, outputs and errors to replies.

A contract is made once from the service's model; operations are compiled at their first use.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from torana.message import Reply, Request
from torana.wire.compression import opened
from torana.wire.faults import Malformed, ServiceError, UnknownOperation
from torana.wire.fitting import Fit, fit
from torana.wire.manners import Manners, manners
from torana.wire.model import Operation, Service
from torana.wire.protocols.cbor_rpc import CborRpc
from torana.wire.protocols.json_rpc import JsonRpc
from torana.wire.protocols.protocol import Wire, modelled_errors
from torana.wire.protocols.query import Query
from torana.wire.protocols.rest_json import RestJson
from torana.wire.protocols.rest_xml import RestXml
from torana.wire.validate import Validators, message

PROTOCOLS = {
    "json": JsonRpc,
    "smithy-rpc-v2-cbor": CborRpc,
    "query": Query,
    "rest-json": RestJson,
    "rest-xml": RestXml,
}
"""What can be spoken here. The EC2 protocol cannot."""


class Asked(Struct, frozen=True):
    """A request that was understood."""

    operation: Operation
    params: dict[str, Any]
    protocol: str


class Contract:
    """A service as its clients see it. `name` is its botocore name."""

    def __init__(self, name: str, service: Service) -> None:
        self.name = name
        self.service = service
        spoken = [protocol for protocol in service.metadata.speaks() if protocol in PROTOCOLS]
        if not spoken:
            raise ValueError(
                f"{name} speaks only {', '.join(service.metadata.speaks())}, which is not supported"
            )
        self.spoken = tuple(spoken)
        self._signs = [(name, _SIGNS[name]) for name in spoken if name in _SIGNS]
        self._wires: dict[str, Wire] = {name: PROTOCOLS[name](service) for name in spoken}
        statuses = {name: error.status for name, error in modelled_errors(service).items()}
        self._manners = {protocol: manners(name, protocol, statuses) for protocol in self.spoken}
        self._validators = Validators(service.shapes)
        self._streaming = _streaming(service)
        self._compressed = any(each.compression for each in service.operations.values())
        self._fits: dict[str, Fit | None] = {}

    def manners(self, protocol: str) -> Manners:
        """The service's codes in one of its protocols."""
        return self._manners[protocol]

    def protocol_of(self, request: Request, action: str = "") -> str:
        """Which of the service's protocols a request speaks. `action`: see `read`."""
        if len(self.spoken) == 1:
            return self.spoken[0]
        for protocol, says in self._signs:
            if says(request, action):
                return protocol
        return "json" if "json" in self.spoken else self.spoken[0]

    def read(self, protocol: str, request: Request, action: str = "") -> Asked:
        """The operation and its params, valid by the model. Raises `ServiceError`.

        `action` names the operation of a request that does not name one itself.
        """
        codes = self._manners[protocol]
        wire = self._wires[protocol]
        try:
            if self._compressed:
                opened(request)
            name, labels = self._find(wire, request, action)
            operation = self.service.operations[name]
            params = self._fitting(operation, request) if protocol == "json" else None
            if params is None:
                params = wire.read(operation, labels, request)
                self._validate(operation, params, codes)
        except UnknownOperation as error:
            raise self.unknown(protocol, error.asked) from None
        except Malformed as error:
            raise ServiceError(codes.malformed, str(error), status=400) from None
        except RecursionError:
            raise ServiceError(codes.malformed, "nested too deeply", status=400) from None
        return Asked(operation, params, protocol)

    def _fitting(self, operation: Operation, request: Request) -> dict[str, Any] | None:
        """The params of a body in JSON in which there is nothing to be found wrong."""
        name, body = operation.name, request.body
        if name not in self._fits:
            taken = operation.input
            self._fits[name] = fit(self.service.shapes, taken.shape) if taken else None
        read = self._fits[name]
        return read(body) if read is not None and isinstance(body, bytes) else None

    def _find(self, wire: Wire, request: Request, action: str) -> tuple[str, dict[str, str]]:
        unnamed = isinstance(wire, JsonRpc) and "x-amz-target" not in request.headers
        if unnamed and action in self.service.operations:
            return action, {}
        try:
            return wire.find(request)
        except UnknownOperation as error:
            if not action or (error.asked not in ("", action) and "/" not in error.asked):
                raise
            if action not in self.service.operations:
                raise UnknownOperation(action) from None
            return action, {}

    def routes(self, request: Request) -> bool:
        """Whether the request names an operation of this service."""
        try:
            self._wires[self.protocol_of(request)].find(request)
        except UnknownOperation:
            return False
        return True

    def named(self, request: Request) -> str:
        """The operation that a request names; empty: none of this service."""
        try:
            return self._wires[self.protocol_of(request)].find(request)[0]
        except UnknownOperation:
            return ""

    def unsigned(self, request: Request) -> bool:
        """Whether the operation is one that clients do not sign."""
        try:
            name, _ = self._wires[self.protocol_of(request)].find(request)
        except UnknownOperation:
            return False
        found = self.service.operations.get(name)
        return found is not None and found.authtype == "none"

    def streams(self, request: Request) -> bool:
        """Whether the request's body is content that may be of any size."""
        if not self._streaming:
            return False
        try:
            name, _ = self._wires[self.protocol_of(request)].find(request)
        except UnknownOperation:
            return False
        return name in self._streaming

    def _validate(self, operation: Operation, params: dict[str, Any], codes: Manners) -> None:
        if operation.input is None:
            return
        body = (
            f"{operation.name[:1].lower()}{operation.name[1:]}Input." if codes.names_input else ""
        )
        check = self._validators.of_input(operation.input.shape, body)
        if check is None:
            return
        violations: list[str] = []
        check(params, "", violations)
        if violations:
            raise ServiceError(codes.invalid, message(violations), status=400)

    def unknown(self, protocol: str, asked: str) -> ServiceError:
        """The service's answer to an operation that it has not."""
        codes = self._manners[protocol]
        version = self.service.metadata.api_version
        text = codes.unknown_message.format(asked=asked, version=version)
        return ServiceError(codes.unknown, text, status=codes.unknown_status)

    def write(self, asked: Asked, output: dict[str, Any], request_id: str) -> Reply:
        """The reply with an operation's output."""
        return self._wires[asked.protocol].write(asked.operation, output, request_id)

    def fail(self, protocol: str, error: ServiceError, request_id: str) -> Reply:
        """The reply with an error, in the protocol that was spoken."""
        return self._wires[protocol].fail(error, request_id)


def _is_form(request: Request) -> bool:
    kind = request.headers.get("content-type")
    return kind is not None and kind.startswith("application/x-www-form-urlencoded")


def _says_json(request: Request, action: str) -> bool:
    return "x-amz-target" in request.headers or (bool(action) and not _is_form(request))


_SIGNS: Mapping[str, Callable[[Request, str], bool]] = {
    "smithy-rpc-v2-cbor": lambda request, action: (
        request.headers.get("smithy-protocol") == "rpc-v2-cbor"
    ),
    "query": lambda request, action: _is_form(request) or "Action=" in request.target,
    "json": _says_json,
}
"""By what a request shows its protocol, where a service speaks several."""


def _streaming(service: Service) -> frozenset[str]:
    """The operations whose input is content of any size."""
    found: set[str] = set()
    for name, operation in service.operations.items():
        shape = service.shapes[operation.input.shape] if operation.input else None
        if shape is not None and shape.payload:
            member = shape.members[shape.payload]
            if member.streaming or service.shapes[member.shape].streaming:
                found.add(name)
    return frozenset(found)
