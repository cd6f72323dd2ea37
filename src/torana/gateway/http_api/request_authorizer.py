"""`CUSTOM`: a Lambda function decides by the request, with a policy or with yes or no.

What it says holds for everybody with the same identity sources, for as long as the authorizer says,
in all routes that use it.
Source: Developer Guide, "Control access to HTTP APIs with AWS Lambda authorizers".
"""

from typing import Any, cast

import msgspec

from torana.auth.grants import Grants
from torana.auth.policy import ANYONE, MalformedPolicy, parse
from torana.gateway.authorizers.custom import Verdict, Verdicts, misconfigured, said
from torana.gateway.contract import Authorizer, Context, Principal
from torana.gateway.errors import GatewayError, InvalidApi
from torana.gateway.function import Function
from torana.gateway.http_api.compiled import HttpCompiled
from torana.gateway.http_api.event import authorizer_event
from torana.gateway.http_api.lambda_proxy import invocation
from torana.gateway.http_api.sources import source
from torana.gateway.policies import Asking

_TIMEOUT = 10.0
"""Seconds."""
_encode = msgspec.json.Encoder().encode
_YES = {"Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}]}
_NO = {"Statement": [{"Effect": "Deny", "Action": "execute-api:Invoke", "Resource": "*"}]}


def build(to: HttpCompiled) -> Authorizer:
    """Resolves the function and the identity sources once. Raises `InvalidApi`."""
    settings = to.authorizer
    if settings is None or settings.authorizer_type != "REQUEST":
        raise InvalidApi("authorization type CUSTOM needs a REQUEST authorizer")
    sources = [source(each, reply=False) for each in settings.identity_source]
    event = authorizer_event(to, settings.authorizer_payload_format_version)
    function = Function(
        to,
        invocation(settings.authorizer_uri),
        settings.authorizer_credentials_arn,
        _TIMEOUT,
        streamed=False,
        source=to.arn(f"authorizers/{settings.authorizer_id or settings.name}"),
    )
    asking, simple = Asking(to), settings.enable_simple_responses
    verdicts: Verdicts = to.shared.setdefault(
        f"authorizer {settings.authorizer_id or settings.name}",
        Verdicts(settings.authorizer_result_ttl_in_seconds),
    )

    async def request_authorizer(ctx: Context) -> Principal:
        identity: list[str] = []
        for find in sources:
            value = find(ctx, None)
            if not value:
                raise GatewayError("UNAUTHORIZED")
            identity.append(value)
        key = tuple(identity)
        verdict = verdicts.find(key) if key else None
        if verdict is None:
            verdict = _verdict(await said(function, ctx, _encode(event(ctx, identity))), simple)
            if key:
                verdicts.keep(key, verdict)
        for decision in asking.decide(verdict.principal.grants, (), ctx, ANYONE):
            if not decision.allowed:
                raise GatewayError("ACCESS_DENIED")
        return verdict.principal

    return request_authorizer


def _verdict(answer: dict[str, Any], simple: bool) -> Verdict:
    """Raises `GatewayError`."""
    context: Any = answer.get("context") or {}
    if not isinstance(context, dict):
        raise misconfigured("context must be an object")
    principal, policy = "", answer.get("policyDocument")
    if simple:
        allowed = answer.get("isAuthorized")
        if not isinstance(allowed, bool):
            raise misconfigured("isAuthorized must be true or false")
        policy = _YES if allowed else _NO
    else:
        principal = answer.get("principalId")
        if not isinstance(principal, str) or not principal:
            raise misconfigured("principalId must be a text")
    try:
        parsed = parse(policy or {}, "identity")
    except MalformedPolicy as error:
        raise misconfigured(str(error)) from None
    who = Principal(principal, cast(dict[str, Any], context), grants=Grants((parsed,)))
    return Verdict(who)
