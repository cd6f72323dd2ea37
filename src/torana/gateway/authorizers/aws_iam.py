"""`AWS_IAM`: requests signed with Signature Version 4 by an identity that may call the method.

Source: Developer Guide, "Control access to a REST API with IAM permissions" and "How API Gateway
resource policies affect authorization workflow": an explicit deny wins, then an allow of either the
identity's policies or the API's.
"""

from datetime import UTC, datetime

from torana.auth.chunks import ChunkDecoder
from torana.auth.keys import same
from torana.auth.sigv4 import STREAMING, UNKNOWN_KEY, Claim, SignatureError, read, verify
from torana.gateway.contract import (
    PAYLOAD_LIMIT,
    Authorizer,
    Compiled,
    Context,
    Identity,
    Ports,
    Principal,
)
from torana.gateway.errors import GatewayError, Refusal
from torana.gateway.policies import INVOKE, Asking, compile_policy
from torana.message import Request

_SERVICE = "execute-api"
_REFUSALS: dict[str, Refusal] = {
    "missing": "MISSING_AUTHENTICATION_TOKEN",
    "over": "EXPIRED_TOKEN",
}


def build(to: Compiled) -> Authorizer:
    """For calling the method. Compiles the API's policy. Raises `InvalidApi`."""
    return signed(to, INVOKE)


def signed(to: Compiled, action: str) -> Authorizer:
    """For an action of `execute-api`. Raises `InvalidApi`."""
    own, asking, ports = compile_policy(to), Asking(to), to.ports

    async def aws_iam(ctx: Context) -> Principal:
        identity = _authenticate(ctx, ports)
        for verdict in asking.decide(identity.grants, own, ctx, identity.caller, action):
            if not verdict.allowed:
                raise asking.denial(ctx, identity.arn, action, explicit=verdict.explicit)
        return Principal(
            identity.user_id,
            {
                "accountId": identity.caller.account,
                "accessKey": identity.access_key_id,
                "caller": identity.user_id,
                "user": identity.user_id,
                "userArn": identity.arn,
            },
            grants=identity.grants,
            caller=identity.caller,
            identity=identity,
        )

    return aws_iam


def _authenticate(ctx: Context, ports: Ports) -> Identity:
    """Whose request it is. Raises `GatewayError`."""
    try:
        claim = read(ctx.request)
        _scoped(claim, ports.region)
        identity = ports.identify(claim.access_key_id, claim.session_token or "")
        if identity is None or not same(claim.session_token or "", identity.session_token):
            raise SignatureError("unknown", UNKNOWN_KEY)
        _verify(ctx, claim, identity)
    except SignatureError as error:
        refusal = _REFUSALS.get(error.kind, "INVALID_SIGNATURE")
        raise GatewayError(refusal, error.message) from error
    return identity


def _scoped(claim: Claim, region: str) -> None:
    if claim.service != _SERVICE:
        raise SignatureError(
            "mismatch", f"Credential should be scoped to correct service: '{_SERVICE}'."
        )
    if claim.region != region:
        raise SignatureError(
            "mismatch", f"Credential should be scoped to a valid region, not '{claim.region}'."
        )


def _verify(ctx: Context, claim: Claim, identity: Identity) -> None:
    """The signature, and the body under it; a chunked body is decoded. Raises `SignatureError`."""
    asked, body = ctx.request, ctx.whole_body()
    signed = Request(asked.method, asked.target, asked.headers, body)
    verify(claim, signed, identity.secret_access_key, datetime.now(UTC))
    if claim.payload in STREAMING:
        decoder = ChunkDecoder(claim, identity.secret_access_key, PAYLOAD_LIMIT)
        ctx.body = decoder.feed(body)
        decoder.close()
