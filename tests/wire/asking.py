"""Requests as clients make them, and what comes of them."""

from typing import Any

import msgspec

from torana.message import Headers, Reply, Request
from torana.wire.contract import Contract
from torana.wire.faults import ServiceError
from torana.wire.model import load


def contract(name: str) -> Contract:
    return Contract(name, load(name))


def request(method: str = "POST", target: str = "/", body: bytes = b"", **headers: str) -> Request:
    fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Request(method, target, Headers(fields), body)


def json_request(target: str, params: Any, **headers: str) -> Request:
    return request(body=msgspec.json.encode(params), x_amz_target=target, **headers)


def refusal(of: Contract, asked: Request, action: str = "") -> tuple[ServiceError, Reply]:
    """The error of a request that must not be understood, and the reply that it makes."""
    protocol = of.protocol_of(asked, action)
    try:
        of.read(protocol, asked, action)
    except ServiceError as error:
        return error, of.fail(protocol, error, "request-1")
    raise AssertionError("the request was understood")
