"""The handler of function URLs: from a request to the function's answer.

`http://{url-id}.lambda-url.{suffix}/{path}` (a region may stand before the suffix) and, with no
DNS, `/lambda-url/{url-id}/{path}`. Functions are reached through the Lambda service, so every
process that has the front door can serve them.

Source: Lambda Developer Guide, "Control access to Lambda function URLs" and "Invoking Lambda
function URLs".
"""

import secrets
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol
from urllib.parse import quote
from uuid import uuid4

import msgspec

from torana.auth.grants import NOTHING, Grants, decide
from torana.auth.policy import ANYONE, Caller, Question
from torana.auth.sigv4 import SignatureError
from torana.function_payload import Malformed, whole
from torana.message import BodyTooLarge, Headers, Reply, Request, read
from torana.services.lambda_.urls.event import Signer, event
from torana.services.lambda_.urls.reply import streamed
from torana.services.lambda_.urls.signed import authenticate
from torana.services.lambda_.urls.table import Target, UrlTable

LOCAL = "/lambda-url/"
_BODY = 6 * 1024 * 1024
_LONGEST = 910.0
"""Seconds: a function has 15 minutes."""

Handler = Callable[[Request], Awaitable[Reply]]


class Identity(Protocol):
    """Who an access key belongs to, and what it may do."""

    @property
    def access_key_id(self) -> str: ...
    @property
    def secret_access_key(self) -> str: ...
    @property
    def session_token(self) -> str: ...
    @property
    def arn(self) -> str: ...
    @property
    def user_id(self) -> str: ...
    @property
    def caller(self) -> Caller: ...
    @property
    def grants(self) -> Grants: ...


class UrlDoor:
    """Serves the URLs of a table."""

    def __init__(
        self,
        table: UrlTable,
        suffix: str,
        identify: Callable[[str, str], Identity | None],
        invoke: Callable[[Request, float], Awaitable[Reply]],
    ) -> None:
        """`invoke` sends a request of the Lambda API, with so many seconds for the answer."""
        self._table, self._suffix = table, suffix
        self._identify, self._invoke = identify, invoke

    def find(self, host: str, path: str) -> Handler | None:
        """What serves a request; None: it is not for a function URL."""
        if path.startswith(LOCAL):
            id, slash, rest = path[len(LOCAL) :].partition("/")
            target = self._table.find(id)
            return target and partial(self._serve, target, slash + rest or "/")
        id, _, rest = host.partition(":")[0].lower().partition(".")
        if not (rest.startswith("lambda-url.") and rest.endswith("." + self._suffix)):
            return None
        target = self._table.find(id)
        return _nowhere if target is None else partial(self._serve, target, path)

    def never(self, host: str, path: str) -> bool:
        """Whether nothing there is or will be for a function URL."""
        return not path.startswith(LOCAL) and self.find(host, path) is None

    async def _serve(self, target: Target, path: str, request: Request) -> Reply:
        request_id = str(uuid4())
        try:
            reply = await self._answer(target, path, request, request_id)
        except _Refused as refused:
            reply = refused.reply
        if target.cors is not None:
            target.cors.dress(request, reply)
        reply.headers.set("x-amzn-RequestId", request_id)
        return reply

    async def _answer(self, target: Target, path: str, request: Request, id: str) -> Reply:
        cors = target.cors
        if cors is not None and (preflight := cors.preflight(request)) is not None:
            return preflight
        try:
            body = await read(request.body, _BODY)
        except BodyTooLarge:
            raise _Refused(413, "RequestEntityTooLargeException", "Request Too Long") from None
        signer: Signer | None = None
        if target.signed:
            signer, body = self._admit_signed(target, request, body)
        elif not _allows(target, ANYONE, NOTHING, request):
            raise _Refused(403, "AccessDeniedException", "Forbidden")
        trace_id = request.headers.get("x-amzn-trace-id") or _trace_id()
        payload = event(
            request,
            body,
            id=target.id,
            domain=f"{target.id}.lambda-url.{self._suffix}",
            path=path,
            request_id=id,
            trace_id=trace_id,
            signer=signer,
        )
        reply = await self._run(target, payload, trace_id)
        reply.denied = ""
        reply.headers.set("X-Amzn-Trace-Id", trace_id)
        return reply

    def _admit_signed(self, target: Target, request: Request, body: bytes) -> tuple[Signer, bytes]:
        """Who asks, and the body that was signed. Raises `_Refused`."""
        try:
            found, body = authenticate(request, body, self._identify)
        except SignatureError as error:
            if error.kind == "missing":
                raise _Refused(403, "AccessDeniedException", "Forbidden") from None
            over = error.kind in ("expired", "over")
            code = "ExpiredTokenException" if over else _BAD_SIGNATURE
            raise _Refused(403, code, error.message, "message") from None
        if not _allows(target, found.caller, found.grants, request):
            raise _Refused(403, "AccessDeniedException", "Forbidden")
        return Signer(found.arn, found.user_id, found.access_key_id, found.caller), body

    async def _run(self, target: Target, payload: bytes, trace_id: str) -> Reply:
        name = quote(target.arn, safe="")
        path = f"/2015-03-31/functions/{name}/invocations"
        if target.streamed:
            path = f"/2021-11-15/functions/{name}/response-streaming-invocations"
        fields = [
            ("Content-Type", "application/json"),
            ("Host", "lambda"),
            ("X-Amzn-Trace-Id", trace_id),
        ]
        try:
            said = await self._invoke(Request("POST", path, Headers(fields), payload), _LONGEST)
            if said.status == 429:
                fields = [("x-amzn-ErrorType", "TooManyRequestsException"), _JSON]
                return Reply(429, Headers(fields), await read(said.body, _BODY))
            if said.status != 200 or "x-amz-function-error" in said.headers:
                return _failed()
            if target.streamed:
                kind = said.headers.get("x-amzn-remapped-content-type")
                return await streamed(said.body, kind or "application/octet-stream")
            return whole(await read(said.body, 2 * _BODY))
        except (Malformed, BodyTooLarge, TimeoutError, ConnectionError):
            return _failed()


def _allows(target: Target, caller: Caller, grants: Grants, request: Request) -> bool:
    """Of the function's policy and the caller's: a deny wins, then an allow of either."""
    kind = "AWS_IAM" if target.signed else "NONE"
    context = {
        "lambda:functionurlauthtype": (kind,),
        "lambda:invokedviafunctionurl": ("true",),
        "aws:sourceip": (request.peer.address,),
    }
    question = Question("lambda:InvokeFunctionUrl", target.arn, caller, context)
    own = (target.policy,) if target.policy is not None else ()
    return decide(grants, question, own).allowed


_BAD_SIGNATURE = "InvalidSignatureException"
_JSON = ("Content-Type", "application/json")


class _Refused(Exception):
    def __init__(self, status: int, code: str, message: str, member: str = "Message") -> None:
        super().__init__(message)
        fields = Headers([_JSON, ("x-amzn-ErrorType", code)])
        self.reply = Reply(status, fields, msgspec.json.encode({member: message}))


async def _nowhere(request: Request) -> Reply:
    """A URL that there is not, or no more."""
    return _Refused(403, "AccessDeniedException", "Forbidden").reply


def _failed() -> Reply:
    """The function failed, took too long, or answered in no form that there is."""
    return Reply(502, Headers([_JSON]), b"Internal Server Error")


def _trace_id() -> str:
    return f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"
