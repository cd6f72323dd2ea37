"""The services that can be reached, by every name that a request may carry."""

import re
from collections.abc import Iterable
from urllib.parse import parse_qs

from torana.message import Request
from torana.wire import model
from torana.wire.contract import Contract
from torana.wire.model import Metadata
from torana.wire.protocols.cbor_rpc import address

_TOLD_BY_PATH = (
    (re.compile(r"DELETE /bots/[^/?]+(?:\?|$)"), "lex-models"),
    (re.compile(r"\w+ /tags/arn(?::|%3A)[^/]*(?::|%3A)bot(?::|%3A)", re.IGNORECASE), "lex-models"),
)
"""Paths that two services have, where the rest of the request tells whose it is."""


class Catalog:
    """Some of botocore's services. Models are read whole only when a service is first used.

    Raises `UnknownService` for a name that botocore does not have.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._contracts: dict[str, Contract] = {}
        self._metadata: dict[str, Metadata] = {name: model.load_metadata(name) for name in names}
        self._by_signing: dict[str, list[str]] = {}
        self._by_prefix: dict[str, list[str]] = {}
        self._by_target: dict[str, str] = {}
        self._by_version: dict[str, str] = {}
        for name, metadata in self._metadata.items():
            self._by_signing.setdefault(metadata.signs_as(), []).append(name)
            self._by_prefix.setdefault(metadata.endpoint_prefix, []).append(name)
            if metadata.target_prefix:
                self._by_target[metadata.target_prefix] = name
            if metadata.protocol == "query":
                self._by_version[metadata.api_version] = name

    def names(self) -> tuple[str, ...]:
        """Every service."""
        return tuple(self._metadata)

    def metadata(self, name: str) -> Metadata:
        """What a service is called. Raises `KeyError`."""
        return self._metadata[name]

    def contract(self, name: str) -> Contract:
        """A service's contract. Raises `KeyError` for one that is not in the catalog."""
        found = self._contracts.get(name)
        if found is None:
            if name not in self._metadata:
                raise KeyError(name)
            found = self._contracts[name] = Contract(name, model.load(name))
        return found

    def find(self, request: Request, signed_for: str | None = None) -> str | None:
        """The service a request is for; `signed_for` is its credential scope's service."""
        named = self._named(request)
        if signed_for is None:
            return named
        candidates = self._by_signing.get(signed_for, [])
        if named in candidates:
            return named
        if len(candidates) < 2:
            return candidates[0] if candidates else None
        return self._by_route(candidates, request)

    def _named(self, request: Request) -> str | None:
        target = request.headers.get("x-amz-target")
        if target is not None:
            return self._by_target.get(target.rpartition(".")[0])
        rpc = address(request.target.partition("?")[0])
        return self._by_target.get(rpc[0]) if rpc is not None else None

    def unsigned(self, request: Request) -> str | None:
        """The service of a request that nobody signed; its body must be read.

        Services that take such requests are named by their target, or by their version.
        """
        body = request.body if isinstance(request.body, bytes) else b""
        form = parse_qs(request.target.partition("?")[2] or body.decode("latin-1"))
        return self._named(request) or self._by_version.get(form.get("Version", [""])[0])

    def _by_route(self, candidates: list[str], request: Request) -> str | None:
        """Several services sign alike (apigateway and apigatewayv2): the path tells."""
        asked = f"{request.method} {request.target}"
        for pattern, name in _TOLD_BY_PATH:
            if name in candidates and pattern.match(asked):
                return name
        for name in candidates:
            contract = self.contract(name)
            if contract.routes(request):
                return name
        return candidates[0]

    def by_endpoint(self, subdomain: str, service: str) -> str | None:
        """The service of an integration's `{subdomain.service}` address."""
        full = f"{subdomain}.{service}" if subdomain else service
        for name in (full, service):
            if name in self._by_prefix:
                return self._by_prefix[name][0]
            if name in self._metadata:
                return name
        return None
