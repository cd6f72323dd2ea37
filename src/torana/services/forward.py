"""A service that another endpoint answers: AWS itself, or anything that speaks the same wire.

The request goes on as it came, its operation named as a client would name it, signed anew.
"""

import re
from collections.abc import Awaitable, Callable
from urllib.parse import quote, urlsplit

from msgspec import Struct

from torana.auth.signer import SigningCredentials, sign
from torana.message import BodyTooLarge, Headers, Reply, Request, read
from torana.net.client import Client, Origin, Timeouts
from torana.services.ports import Turn
from torana.wire.faults import ServiceError
from torana.wire.model import Metadata

_REPLY_LIMIT = 64 * 1024 * 1024
"""Bytes of a buffered reply."""
_HOP = frozenset(
    {
        "authorization",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-security-token",
    }
)
_HOST_LABEL = re.compile(r"[a-z0-9-]{1,63}")
_HOST_LABELS = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){0,4}")
_FORM = "application/x-www-form-urlencoded"
_MOST_ENDPOINTS = 256
_GLOBAL_IS_REGIONAL = frozenset({"s3", "sts"})


class Endpoint(Struct, frozen=True):
    """Where a service is, and how it is signed there."""

    scheme: str
    host: str
    port: int
    path: str
    """A prefix without its last slash."""
    region: str
    """Of the signature."""

    def authority(self) -> str:
        """The host header."""
        usual = {"https": 443, "http": 80}[self.scheme]
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == usual else f"{host}:{self.port}"


def endpoint_of(url: str, region: str) -> Endpoint:
    """An endpoint by its URL. Raises `ValueError`."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} must be http://… or https://…")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return Endpoint(parts.scheme, parts.hostname, port, parts.path.rstrip("/"), region)


def aws_endpoint(metadata: Metadata, region: str, prefix: str = "") -> Endpoint:
    """The real service's public endpoint of a region. Raises `ConnectionError`.

    `prefix` stands before it, as a bucket's name does.
    """
    if not _HOST_LABEL.fullmatch(region) or (prefix and not _HOST_LABELS.fullmatch(prefix)):
        raise ConnectionError(f"{region!r} or {prefix!r} is not part of a host name")
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    service = metadata.endpoint_prefix
    if metadata.global_endpoint and service not in _GLOBAL_IS_REGIONAL:
        return Endpoint("https", metadata.global_endpoint, 443, "", "us-east-1")
    host = f"{prefix}.{service}" if prefix else service
    return Endpoint("https", f"{host}.{region}.{suffix}", 443, "", region)


Identity = Callable[[str | None], Awaitable[SigningCredentials | None]]
"""Whom to sign as, given the role to act as; None: not at all. Raises `ConnectionError`."""


class Forward:
    """Answers for one service by asking another endpoint. Implements `Backend`.

    `region`: the one to go to; None: the one that was asked for.
    """

    def __init__(
        self,
        metadata: Metadata,
        client: Client,
        identity: Identity,
        *,
        url: str | None,
        region: str | None,
        timeout: float,
    ) -> None:
        if url is not None:
            endpoint_of(url, "")
        self._metadata = metadata
        self._client = client
        self._identity = identity
        self._url = url
        self._region = region
        self._timeout = timeout
        self._endpoints: dict[tuple[str, str], tuple[Endpoint, Origin]] = {}

    async def __call__(self, turn: Turn) -> Reply:
        """The other endpoint's reply, or an error of the service that says what is wrong."""
        limit = min(self._timeout, turn.timeout)
        try:
            endpoint, origin = self._endpoint(self._region or turn.region, turn.host_prefix)
            credentials = await self._identity(turn.role)
            request = self._outgoing(turn, endpoint)
            if credentials is not None:
                request = sign(
                    request,
                    credentials,
                    region=endpoint.region,
                    service=self._metadata.signs_as(),
                )
            timeouts = Timeouts(min(5.0, limit), limit, limit, limit)
            reply = await origin.send(request, timeouts)
            reply.body = await read(reply.body, _REPLY_LIMIT)
        except TimeoutError:
            return _failed(turn, "The endpoint did not answer in time", 504)
        except ConnectionError as error:
            return _failed(turn, f"The endpoint cannot be reached: {error}", 502)
        except BodyTooLarge:
            return _failed(turn, f"The endpoint's reply is over {_REPLY_LIMIT} bytes", 502)
        kept = [item for item in reply.headers.items if item[0].lower() not in _HOP]
        return Reply(reply.status, Headers(kept), reply.body)

    def _endpoint(self, region: str, prefix: str) -> tuple[Endpoint, Origin]:
        found = self._endpoints.get((region, prefix))
        if found is None:
            if self._url is not None:
                endpoint = endpoint_of(self._url.replace("{region}", region), region)
            else:
                endpoint = aws_endpoint(self._metadata, region, prefix)
            origin = self._client.origin(endpoint.scheme, endpoint.host, endpoint.port)
            if len(self._endpoints) >= _MOST_ENDPOINTS:
                self._endpoints.clear()
            found = self._endpoints[region, prefix] = endpoint, origin
        return found

    def _outgoing(self, turn: Turn, endpoint: Endpoint) -> Request:
        """As it came, without what belonged to the first leg."""
        asked = turn.request
        fields = [item for item in asked.headers.items if item[0].lower() not in _HOP]
        headers = Headers([("Host", endpoint.authority()), *fields])
        target = _without_signature(asked.target)
        if turn.action:
            target = self._name(turn, headers, target)
        return Request(asked.method, endpoint.path + target, headers, asked.body)

    def _name(self, turn: Turn, headers: Headers, target: str) -> str:
        """Names the operation, where the integration's address does and its request does not."""
        protocol = turn.contract.protocol_of(turn.request, turn.action)
        if (headers.get("content-type") or "").startswith(_FORM):
            # Some services that speak JSON today still take the forms of before (SQS).
            protocol = "query"
        if protocol == "json" and "x-amz-target" not in headers:
            headers.add("X-Amz-Target", f"{self._metadata.target_prefix}.{turn.action}")
            version = self._metadata.json_version
            headers.set("Content-Type", f"application/x-amz-json-{version}")
        elif protocol == "query" and "Action=" not in target:
            body = turn.request.body
            if not (isinstance(body, bytes) and b"Action=" in body):
                joint = "&" if "?" in target else "?"
                version = self._metadata.api_version
                return f"{target}{joint}Action={quote(turn.action)}&Version={version}"
        return target


def _without_signature(target: str) -> str:
    """A presigned request's target, without its signature."""
    path, mark, query = target.partition("?")
    if "X-Amz-" not in query:
        return target
    kept = [piece for piece in query.split("&") if not piece.startswith("X-Amz-")]
    return path + (mark + "&".join(kept) if kept else "")


def _failed(turn: Turn, message: str, status: int) -> Reply:
    contract = turn.contract
    protocol = contract.protocol_of(turn.request, turn.action)
    error = ServiceError(contract.manners(protocol).fault, message, status=status)
    return contract.fail(protocol, error, turn.request_id)
