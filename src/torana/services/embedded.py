"""Services of this process: an object whose methods bear the operations' names."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from torana.message import Reply
from torana.services.ports import Answer, Call, Turn
from torana.wire.contract import Contract
from torana.wire.faults import ServiceError

_log = logging.getLogger("torana.services")

Method = Callable[[Call, dict[str, Any]], Awaitable[dict[str, Any] | Answer | Reply]]

Note = Callable[[str, str, float, int], None]
"""Told what an operation came to: service, operation, seconds, status."""


def unnoted(service: str, operation: str, seconds: float, status: int) -> None:
    """Tells nobody."""


def methods(contract: Contract, service: object) -> Mapping[str, Method]:
    """The operations that a service object has; a tuple is a service in several objects."""
    parts = cast(tuple[object, ...], service) if isinstance(service, tuple) else (service,)
    found: dict[str, Method] = {}
    for name in contract.service.operations:
        for part in parts:
            method = getattr(part, name, None)
            if callable(method):
                found[name] = cast(Method, method)
    return found


class Embedded:
    """Answers for one service with the object that `make` gives, made at the first request."""

    def __init__(self, make: Callable[[], object], note: Note = unnoted) -> None:
        self._make, self._note = make, note
        self._methods: Mapping[str, Method] | None = None

    async def __call__(self, turn: Turn) -> Reply:
        """Parse, validate, run, serialise; and tell how long that took. Every failure becomes the
        service's own."""
        started, name = time.perf_counter(), ""
        contract, asked = turn.contract, turn.asked
        protocol = asked.protocol if asked else contract.protocol_of(turn.request, turn.action)
        try:
            if asked is None:
                asked = contract.read(protocol, turn.request, turn.action)
            name = asked.operation.name
            method = self._methods_of(contract).get(name)
            if method is None:
                raise contract.unknown(protocol, name)
            call = Call(
                name, turn.principal, turn.region, turn.request_id, turn.timeout, turn.request
            )
            output = await method(call, asked.params)
            if isinstance(output, Reply):
                reply = output
            elif isinstance(output, Answer):
                reply = contract.write(asked, output.members, turn.request_id)
                reply.status = output.status
            else:
                reply = contract.write(asked, output, turn.request_id)
        except ServiceError as error:
            reply = contract.fail(protocol, error, turn.request_id)
        except Exception:  # noqa: BLE001  the boundary: whatever it is, the client learns nothing
            _log.exception("%s %s failed", contract.name, turn.request_id)
            fault = ServiceError(
                contract.manners(protocol).fault, "Internal server error", status=500
            )
            reply = contract.fail(protocol, fault, turn.request_id)
        self._note(contract.name, name, time.perf_counter() - started, reply.status)
        return reply

    def _methods_of(self, contract: Contract) -> Mapping[str, Method]:
        found = self._methods
        if found is None:
            found = self._methods = methods(contract, self._make())
        return found
