"""From a request to the service that answers it: over the management listener, or in process."""

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial

import msgspec
from msgspec import Struct, structs

from torana.auth import keys
from torana.auth.chunks import ChunkDecoder
from torana.auth.sigv4 import STREAMING, Claim, SignatureError, read, verify
from torana.deadline import Deadline
from torana.ids import new_request_id
from torana.message import BodyTooLarge, Headers, Reply, Request
from torana.message import read as read_body
from torana.services.audit import COMMITTED
from torana.services.authority import Authority
from torana.services.authority.authority import refused
from torana.services.authority.conditions import Context
from torana.services.credentials import root_principal
from torana.services.embedded import Embedded
from torana.services.payload import as_stream, checked
from torana.services.places import ADDRESSES
from torana.services.ports import Backend, Credential, Credentials, Principal, Turn
from torana.services.refusals import refusal, unknown_key
from torana.services.s3 import post
from torana.wire.catalog import Catalog
from torana.wire.contract import Contract
from torana.wire.faults import ServiceError

BODY_LIMIT = 16 * 1024 * 1024
"""Bytes of a request's body."""
TIMEOUT = 60.0
"""Seconds that an operation asked for over the listener may take."""
TIMEOUTS = {"lambda": 910.0, "sagemaker-runtime": 70.0}
"""Of services whose operations may take longer: a function has 15 minutes."""
_MOST_WAYS = 1024
_NOT_AUTHORIZED = "NotAuthorizedException"
"""How user pools refuse a password, a code or a token."""
_NO = re.compile(rb'\s*\{\s*"__type"\s*:\s*"' + _NOT_AUTHORIZED.encode() + rb'"')


class Invocation(Struct, frozen=True):
    """A request of the data plane's AWS integration; the plan has already authorised it."""

    service: str
    """As in the integration's address: an endpoint prefix such as `comprehend`."""
    region: str
    action: str
    """The operation for `action/` addresses, else empty. A request's own target header wins."""
    request: Request
    role: str | None
    """The ARN of the role that the integration acts as."""
    timeout: float
    """Seconds."""
    subdomain: str = ""
    principal: Principal | None = None
    """Whose permissions count; None: the account's own."""
    source: Context = {}
    """Condition keys about what the principal acts for."""


def _now() -> datetime:
    return datetime.now(UTC)


class Heard(Struct):
    """What is put on record of a call."""

    request_id: str
    request: Request
    service: str = ""
    operation: str = ""
    region: str = ""
    access_key_id: str = ""
    who: Principal | None = None
    denied: str = ""
    """Why; empty: it was let in."""
    status: int = 0
    edits: list[str] = []
    """Records of the store that it made, with their digests."""
    outside: bool = False
    """It came over the front door."""


def nobody_hears(heard: Heard) -> None:
    """Nothing is put on record."""


def nobody_asks(credential: Credential, service: str, region: str) -> None:
    """Nobody wants to know."""


class Door(Struct, frozen=True):
    """Where a service takes a WebSocket."""

    action: str
    """That the caller must be allowed."""
    answer: Callable[[Request], Reply]
    """The reply to the handshake."""


class _Way(Struct, frozen=True):
    """To a service, from the address of an integration."""

    name: str
    contract: Contract
    backend: Backend
    rewrite: Callable[[Request, str | None], Request] | None
    """The request as the service's routes expect it, where its addresses differ; see `ADDRESSES`.
    """
    prefix: str
    """What stands before the service's own name."""


class Router:
    """Every AWS service of this process. `backends` is by botocore name, as the catalog's."""

    def __init__(
        self,
        catalog: Catalog,
        backends: Mapping[str, Backend],
        credentials: Credentials,
        *,
        account: str,
        region: str = "us-east-1",
        clock: Callable[[], datetime] = _now,
        body_limit: int = BODY_LIMIT,
        timeout: float = TIMEOUT,
        authority: Authority | None = None,
        used: Callable[[Credential, str, str], None] = nobody_asks,
        told: Callable[[Heard], None] = nobody_hears,
        sockets: Mapping[tuple[str, str], "Door"] = {},
    ) -> None:
        """`used` hears of each credential that was let in, for which service, and where; `told`
        of each call over the listener, and of what integrations were denied.

        `sockets`: WebSockets of services, by the service and the path.
        """
        self._catalog = catalog
        self._backends = backends
        self._credentials = credentials
        self._account, self._region = account, region
        self._anybody = Principal(account, "", "Anonymous")
        self._root = root_principal(account)
        self._ways: dict[tuple[str, str], _Way] = {}
        self._clock = clock
        self._body_limit = body_limit
        self._timeout = timeout
        self._authority, self._used, self._told = authority or Authority(account), used, told
        self._sockets = sockets

    def names(self) -> tuple[str, ...]:
        """The services that answer."""
        return self._catalog.names()

    async def handle(self, request: Request) -> Reply:
        """Authenticate, then answer: the management listener's part for AWS clients."""
        heard = Heard(new_request_id(), request)
        COMMITTED.set(heard.edits)
        return self._recorded(heard, await self._handle(request, heard))

    def _recorded(self, heard: Heard, reply: Reply) -> Reply:
        heard.status, reply.denied = reply.status, ""
        if not heard.denied and reply.status == 400 and isinstance(reply.body, bytes):
            heard.denied = _NOT_AUTHORIZED if _NO.match(reply.body) else ""
        self._told(heard)
        return reply

    async def _handle(self, request: Request, heard: Heard) -> Reply:
        request_id = heard.request_id
        claim = _claim(request)
        name = self._catalog.find(request, claim.service if isinstance(claim, Claim) else None)
        # A body whose digest is not told must be whole before its signature can be checked.
        told = isinstance(claim, Claim) and (claim.presigned or claim.payload is not None)
        streams = told and self._streams(name, request)
        if not streams:
            try:
                request.body = await read_body(request.body, self._body_limit)
            except BodyTooLarge:
                return self._too_large(request, request_id)
        heard.service = name or ""
        if isinstance(claim, SignatureError):
            if claim.kind == "missing" and self._is_upload(request):
                return await self._upload(request, heard)
            heard.denied = claim.message
            free = name or self._catalog.unsigned(request) if claim.kind == "missing" else None
            if free is not None and self._is_open(free, request):
                heard.service, heard.denied = free, ""
                return await self._ask(free, request, self._anybody, self._region, heard)
            return self._refuse(request, name, claim, request_id)
        heard.access_key_id, heard.region = claim.access_key_id, claim.region
        try:
            credential = await self._authenticate(claim, request, name if streams else None)
        except SignatureError as error:
            heard.denied = error.message
            return self._refuse(request, name, error, request_id)
        heard.who = credential.principal
        self._used(credential, claim.service, claim.region)
        door = self._sockets.get((claim.service, request.target.partition("?")[0]))
        if door is not None and isinstance(self._backends.get(claim.service), Embedded):
            return self._open(door, claim, heard)
        if name is None:
            return _no_service(claim.service, request_id)
        return await self._ask(
            name, request, credential.principal, claim.region, heard, streams=streams
        )

    async def _ask(
        self,
        name: str,
        request: Request,
        who: Principal,
        region: str,
        heard: Heard,
        *,
        streams: bool = False,
    ) -> Reply:
        turn = Turn(
            self._catalog.contract(name),
            _placed(name, request) if isinstance(self._backends[name], Embedded) else request,
            who,
            region,
            heard.request_id,
            TIMEOUTS.get(name, self._timeout),
        )
        # A body of any size takes what it takes: its sender must only not stall.
        return await self._answer(turn, None if streams else turn.timeout, {}, heard)

    async def _answer(
        self, turn: Turn, timeout: float | None, source: Context, heard: Heard
    ) -> Reply:
        """Answer what the caller may ask. Raises what the backend raises."""
        admitted = self._admitted(turn, source, heard)
        if isinstance(admitted, Reply):
            return admitted
        try:
            async with asyncio.timeout(timeout):
                return await self._backends[turn.contract.name](admitted)
        except TimeoutError:
            return _late(turn)

    def _admitted(self, turn: Turn, source: Context, heard: Heard) -> Turn | Reply:
        """What the backend is asked, understood where that is needed; or why it is not asked."""
        contract, request = turn.contract, turn.request
        embedded = isinstance(self._backends[contract.name], Embedded)
        root = turn.principal.grants.root
        if root and not embedded:
            heard.operation = contract.named(request) or turn.action
            return turn
        protocol = contract.protocol_of(request, turn.action)
        placed = request
        if not embedded:
            placed = _placed(contract.name, request, turn.host_prefix or None)
        try:
            asked = contract.read(protocol, placed, turn.action)
        except ServiceError as error:
            return contract.fail(protocol, error, turn.request_id)
        heard.operation = asked.operation.name
        if not root:
            denied = self._authority.judge(
                contract, asked, turn.principal, request, turn.region, source
            )
            if denied is not None:
                heard.denied = denied.message
                return contract.fail(protocol, refused(denied, protocol), turn.request_id)
        return structs.replace(turn, asked=asked)

    async def anonymous(self, request: Request, name: str) -> Reply:
        """Answer an operation of a service that clients do not sign; refuse every other one."""
        heard = Heard(new_request_id(), request, name, region=self._region, outside=True)
        COMMITTED.set(heard.edits)
        return self._recorded(heard, await self._anonymous(request, name, heard))

    async def _anonymous(self, request: Request, name: str, heard: Heard) -> Reply:
        try:
            request.body = await read_body(request.body, self._body_limit)
        except BodyTooLarge:
            return self._too_large(request, heard.request_id)
        if self._catalog.find(request) == name and self._is_open(name, request):
            return await self._ask(name, request, self._anybody, self._region, heard)
        missing = SignatureError("missing", "Missing Authentication Token")
        heard.denied = missing.message
        return self._refuse(request, name, missing, heard.request_id)

    def _open(self, door: "Door", claim: Claim, heard: Heard) -> Reply:
        """Begin a conversation over a WebSocket."""
        who = heard.who or self._anybody
        heard.operation = door.action.partition(":")[2]
        denied = self._authority.may(who, door.action, "*", heard.request, claim.region)
        if denied is not None:
            heard.denied = denied.message
            contract = self._catalog.contract(claim.service)
            protocol = contract.spoken[0]
            return contract.fail(protocol, refused(denied, protocol), heard.request_id)
        reply = door.answer(heard.request)
        reply.headers.add("x-amzn-RequestId", heard.request_id)
        return reply

    def _is_upload(self, request: Request) -> bool:
        """Whether a form brings a file for a bucket: its policy is signed, not the request."""
        return post.is_form(request) and isinstance(self._backends.get("s3"), Embedded)

    async def _upload(self, request: Request, heard: Heard) -> Reply:
        contract = self._catalog.contract("s3")
        protocol = contract.spoken[0]
        try:
            form = post.read(_placed("s3", request))
            key_id, _, region, *_ = form.scope
            token = form.fields.get("x-amz-security-token", "")
            credential = await self._credentials.find(key_id, token)
            if credential is None or not keys.same(token, credential.session_token or ""):
                raise refusal(unknown_key(), protocol)
            post.verify(form, credential.secret_access_key, self._clock())
        except ServiceError as error:
            heard.denied = error.message
            return contract.fail(protocol, error, heard.request_id)
        except SignatureError as error:
            heard.denied = error.message
            return contract.fail(protocol, refusal(error, protocol), heard.request_id)
        heard.service, heard.region, heard.access_key_id = "s3", region, key_id
        heard.who = credential.principal
        self._used(credential, "s3", region)
        stored = await self._ask("s3", post.put(form, request), credential.principal, region, heard)
        if stored.status >= 300:
            return stored
        return post.answer(form, stored, request.headers.get("host") or "")

    def _is_open(self, name: str, request: Request) -> bool:
        """Whether the operation is anybody's. Never one that is forwarded: it would be signed as
        this gateway."""
        if not isinstance(self._backends[name], Embedded):
            return False
        return self._catalog.contract(name).unsigned(_placed(name, request))

    def _streams(self, name: str | None, request: Request) -> bool:
        """Whether the body goes to the backend as it arrives."""
        if name is None or not isinstance(self._backends[name], Embedded):
            return False
        return self._catalog.contract(name).streams(_placed(name, request))

    async def _authenticate(
        self, claim: Claim, request: Request, streams_to: str | None
    ) -> Credential:
        """Whose request it is. Raises `SignatureError`.

        A body is checked on the way, or, if it `streams_to` a service, while that reads it.
        """
        credential = await self._credentials.find(claim.access_key_id, claim.session_token or "")
        if credential is None:
            raise unknown_key()
        if not keys.same(claim.session_token or "", credential.session_token or ""):
            raise unknown_key()
        if streams_to is not None:
            secret = credential.secret_access_key
            body = request.body = as_stream(request.body)
            verify(claim, request, secret, self._clock())
            fail = partial(refusal, protocol=self._catalog.contract(streams_to).spoken[0])
            request.body = checked(body, claim, secret, fail, self._body_limit)
            return credential
        verify(claim, request, credential.secret_access_key, self._clock())
        if claim.payload in STREAMING:
            assert isinstance(request.body, bytes)
            decoder = ChunkDecoder(claim, credential.secret_access_key, self._body_limit)
            request.body = decoder.feed(request.body)
            decoder.close()
        return credential

    def _refuse(
        self, request: Request, name: str | None, error: SignatureError, request_id: str
    ) -> Reply:
        if name is None:
            code = refusal(error, "rest-json")
            return _json(403, code.code, error.message, request_id)
        contract = self._catalog.contract(name)
        protocol = contract.protocol_of(request)
        return contract.fail(protocol, refusal(error, protocol), request_id)

    def _too_large(self, request: Request, request_id: str) -> Reply:
        request.body = b""
        name = self._catalog.find(request)
        text = f"The request body is over {self._body_limit} bytes"
        if name is None:
            return _json(413, "RequestEntityTooLargeException", text, request_id)
        contract = self._catalog.contract(name)
        protocol = contract.protocol_of(request)
        error = ServiceError(contract.manners(protocol).too_large, text, status=413)
        return contract.fail(protocol, error, request_id)

    async def dispatch(self, invocation: Invocation) -> Reply:
        """Answer an integration, in process and unsigned.

        Raises `TimeoutError`, and `ConnectionError` for a service that has no backend here.
        """
        request, timeout = invocation.request, invocation.timeout
        place = invocation.subdomain, invocation.service
        way = self._ways.get(place) or self._way(*place)
        request_id = new_request_id()
        body = request.body
        if not isinstance(body, bytes) or len(body) > self._body_limit:
            try:
                request.body = await read_body(body, self._body_limit)
            except BodyTooLarge:
                return self._too_large(request, request_id)
        who = invocation.principal or self._root
        turn = Turn(
            way.contract,
            request if way.rewrite is None else way.rewrite(request, way.prefix),
            who,
            invocation.region,
            request_id,
            timeout,
            invocation.action,
            invocation.role,
            way.prefix,
        )
        heard = Heard(request_id, request, way.name, region=turn.region, who=who)
        admitted = self._admitted(turn, invocation.source, heard)
        if isinstance(admitted, Reply):
            if heard.denied:
                heard.status = admitted.status
                self._told(heard)
            return admitted
        with Deadline(timeout):
            try:
                return await way.backend(admitted)
            except TimeoutError:
                return _late(turn)

    def _way(self, subdomain: str, service: str) -> "_Way":
        """To a service by its endpoint. Raises `ConnectionError`."""
        name = self._catalog.by_endpoint(subdomain, service)
        if name is None:
            raise ConnectionError(
                f"the service {service!r} is not served here and not forwarded: "
                f"set [services.{service}]"
            )
        own = self._catalog.metadata(name).endpoint_prefix
        prefix = "" if f"{subdomain}.{service}" == own else subdomain
        backend = self._backends[name]
        contract = self._catalog.contract(name)
        if len(self._ways) >= _MOST_WAYS:
            self._ways.clear()
        rewrite = ADDRESSES.get(name) if isinstance(backend, Embedded) else None
        found = self._ways[subdomain, service] = _Way(name, contract, backend, rewrite, prefix)
        return found


def _claim(request: Request) -> Claim | SignatureError:
    try:
        return read(request)
    except SignatureError as error:
        return error


def _placed(name: str, request: Request, prefix: str | None = None) -> Request:
    """The request as its service's routes expect it; `prefix`: see `ADDRESSES`."""
    rewrite = ADDRESSES.get(name)
    return request if rewrite is None else rewrite(request, prefix)


def _late(turn: Turn) -> Reply:
    contract = turn.contract
    protocol = contract.protocol_of(turn.request)
    error = ServiceError(contract.manners(protocol).fault, "The request timed out", status=500)
    return contract.fail(protocol, error, turn.request_id)


def _no_service(signed_for: str, request_id: str) -> Reply:
    text = f"The service '{signed_for}' is not served here"
    return _json(404, "UnknownOperationException", text, request_id)


def _json(status: int, code: str, message: str, request_id: str) -> Reply:
    headers = Headers(
        [
            ("x-amzn-RequestId", request_id),
            ("x-amzn-ErrorType", code),
            ("Content-Type", "application/json"),
        ]
    )
    return Reply(status, headers, msgspec.json.encode({"__type": code, "message": message}))
