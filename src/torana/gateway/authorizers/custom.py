"""`CUSTOM`: a Lambda function decides, by a token (TOKEN) or by the whole request (REQUEST).

Its answer holds for everybody who presents the same identity, for as long as the authorizer says;
the policy in it is asked anew for every request.

Source: Developer Guide, "Use API Gateway Lambda authorizers" and "Output from an API Gateway Lambda
authorizer".
"""

import time
from collections.abc import Callable
from typing import Any, cast

import msgspec
from msgspec import Struct, structs

from torana.auth.grants import Grants
from torana.auth.policy import ANYONE, MalformedPolicy, parse
from torana.gateway.authorizer_settings import settings_of, validation
from torana.gateway.contract import Authorizer, Compiled, Context, Principal
from torana.gateway.errors import GatewayError, InvalidApi
from torana.gateway.event import Event, authorizer_event, method_arn
from torana.gateway.function import Function
from torana.gateway.mapping import Source, request_source
from torana.gateway.policies import Asking
from torana.message import BodyTooLarge, read
from torana.model import rest

_TIMEOUT = 29.0
"""Seconds."""
_ANSWER_LIMIT = 256 * 1024
_MOST = 10_000
"""Results that are kept for an authorizer."""

Key = tuple[str, ...]
_encode = msgspec.json.Encoder().encode


class Verdict(Struct, frozen=True):
    """What the function said of an identity."""

    principal: Principal
    until: float = 0.0
    """Monotonic seconds."""


class Verdicts:
    """Those that still hold, the oldest first."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._found: dict[Key, Verdict] = {}

    def find(self, key: Key) -> Verdict | None:
        """The one for an identity, if it still holds."""
        found = self._found.get(key)
        if found is None or found.until > time.monotonic():
            return found
        del self._found[key]
        return None

    def keep(self, key: Key, verdict: Verdict) -> None:
        """Remember it."""
        if not self._seconds:
            return
        self._found.pop(key, None)
        if len(self._found) >= _MOST:
            del self._found[next(iter(self._found))]
        until = time.monotonic() + self._seconds
        self._found[key] = structs.replace(verdict, until=until)


def build(to: Compiled) -> Authorizer:
    """Resolves the function and the identity sources once. Raises `InvalidApi`."""
    return asking(to, authorizer_event(to))


def asking(to: Compiled, whole: Callable[[Context], Event]) -> Authorizer:
    """With another event for REQUEST authorizers. Raises `InvalidApi`."""
    settings = settings_of(to)
    identify = _identity(settings)
    event = _event(settings, whole)
    function = Function(
        to,
        settings.authorizer_uri,
        settings.authorizer_credentials,
        _TIMEOUT,
        streamed=False,
        source=to.arn(f"authorizers/{settings.name}"),
    )
    policies = Asking(to)
    verdicts: Verdicts = to.shared.setdefault(
        f"authorizer {settings.name}", Verdicts(settings.authorizer_result_ttl_in_seconds)
    )

    async def custom(ctx: Context) -> Principal:
        key = identify(ctx)
        verdict = verdicts.find(key) if key else None
        if verdict is None:
            started = time.perf_counter()
            verdict = _verdict(await said(function, ctx, event(ctx, key)))
            if key:
                verdicts.keep(key, _took(verdict, 0))
            verdict = _took(verdict, round((time.perf_counter() - started) * 1000))
        for decision in policies.decide(verdict.principal.grants, (), ctx, ANYONE):
            if not decision.allowed:
                raise _denied(explicit=decision.explicit)
        return verdict.principal

    return custom


def _took(verdict: Verdict, milliseconds: int) -> Verdict:
    """With `$context.authorizer.integrationLatency`; 0 for a result that was kept."""
    who = verdict.principal
    context = {**who.context, "integrationLatency": milliseconds}
    return structs.replace(verdict, principal=structs.replace(who, context=context))


def _denied(*, explicit: bool) -> GatewayError:
    if not explicit:
        return GatewayError("ACCESS_DENIED")
    return GatewayError(
        "ACCESS_DENIED", "User is not authorized to access this resource with an explicit deny"
    )


def _identity(settings: rest.Authorizer) -> Callable[[Context], Key]:
    """Who is asked about; 401 without asking when a part of it is missing or cannot be right."""
    expressions = [each.strip() for each in settings.identity_source.split(",") if each.strip()]
    sources: list[Source] = [request_source(each) for each in expressions]
    if settings.type == "TOKEN" and len(sources) != 1:
        raise InvalidApi(f"authorizer {settings.name}: a TOKEN needs one identity source")
    valid = validation(settings) if settings.type == "TOKEN" else None

    def identify(ctx: Context) -> Key:
        found: list[str] = []
        for source in sources:
            value = source(ctx)
            text = ",".join(value) if isinstance(value, list) else value
            if not text or (valid is not None and not valid.fullmatch(text)):
                raise GatewayError("UNAUTHORIZED")
            found.append(text)
        return tuple(found)

    return identify


def _event(
    settings: rest.Authorizer, whole: Callable[[Context], Event]
) -> Callable[[Context, Key], bytes]:
    if settings.type == "REQUEST":
        return lambda ctx, key: _encode(whole(ctx))
    return lambda ctx, key: _encode(
        {"type": "TOKEN", "methodArn": method_arn(ctx), "authorizationToken": key[0]}
    )


async def said(function: Function, ctx: Context, event: bytes) -> dict[str, Any]:
    """What the function says. Raises `GatewayError`."""
    try:
        reply = await function(ctx, event)
        payload = await read(reply.body, _ANSWER_LIMIT)
    except (TimeoutError, ConnectionError) as error:
        raise GatewayError("AUTHORIZER_FAILURE", detail=str(error)) from error
    except BodyTooLarge:
        raise misconfigured("its answer is too large") from None
    if reply.status >= 400:
        raise misconfigured(f"Lambda said {reply.status}")
    answer = _object(payload)
    if "x-amz-function-error" in reply.headers:
        if answer.get("errorMessage") == "Unauthorized":
            raise GatewayError("UNAUTHORIZED")
        raise GatewayError("AUTHORIZER_FAILURE", detail=str(answer.get("errorMessage")))
    return answer


def _verdict(answer: dict[str, Any]) -> Verdict:
    name: Any = answer.get("principalId")
    usage: Any = answer.get("usageIdentifierKey")
    if not isinstance(name, str) or not name or not isinstance(usage, str | None):
        raise misconfigured("principalId must be a text")
    try:
        policy = parse(answer.get("policyDocument") or {}, "identity")
    except MalformedPolicy as error:
        raise misconfigured(str(error)) from None
    context: Any = answer.get("context") or {}
    if not isinstance(context, dict):
        raise misconfigured("context must be an object")
    shown = {key: _text(value) for key, value in cast(dict[str, Any], context).items()}
    return Verdict(Principal(name, shown, usage or "", Grants((policy,))))


def _text(value: Any) -> str | None:
    """Numbers and booleans become texts, as on the service."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        raise misconfigured("context must hold texts, numbers and booleans only")
    return None if value is None else str(value)


def _object(payload: bytes) -> dict[str, Any]:
    try:
        answer = msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        raise misconfigured("its answer is not JSON") from None
    if not isinstance(answer, dict):
        raise misconfigured("its answer is not an object")
    return cast(dict[str, Any], answer)


def misconfigured(why: str) -> GatewayError:
    """The answer is not of the form."""
    return GatewayError("AUTHORIZER_CONFIGURATION_ERROR", detail=f"the authorizer: {why}")
