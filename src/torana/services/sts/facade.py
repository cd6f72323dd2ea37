"""AWS Security Token Service: who am I, and who may I be for a while.

Source: STS API Reference.
"""

from collections.abc import Awaitable, Callable
from typing import Any, cast

import jwt
from msgspec import structs

from torana.auth.jwt import LONGEST, BadToken
from torana.services.authority.conditions import conditions
from torana.services.iam.directory import Known
from torana.services.iam.identities import Identities
from torana.services.iam.names import Json
from torana.services.iam.tokens import Session
from torana.services.open_tokens import ISSUER, SERVICE, OpenTokens
from torana.services.ports import Call
from torana.services.sts.assume import (
    actions_of,
    denied,
    lasting,
    may_assume,
    new_session,
    of_role,
    shown,
    trust_context,
    trusts_federated,
    wrong,
)
from torana.wire.faults import ServiceError

Verify = Callable[[str, str], Awaitable[dict[str, Any]]]
"""The claims of an issuer's token. Raises `BadToken`, and `ConnectionError`."""

_WEB = "sts:AssumeRoleWithWebIdentity"
_CLAIMED_TAGS = "https://aws.amazon.com/tags"


class Sts:
    """The facade."""

    def __init__(
        self,
        identities: Identities | None = None,
        verify: Verify | None = None,
        tokens: OpenTokens | None = None,
    ) -> None:
        """Without `identities` there is only the account itself. `tokens`: of identity pools."""
        self._identities, self._verify, self._tokens = identities, verify, tokens

    async def GetCallerIdentity(self, call: Call, params: Json) -> Json:
        """The caller's account, ARN and id. Needs no permission, as at AWS."""
        del params
        who = call.principal
        return {"UserId": who.user_id, "Account": who.account, "Arn": who.arn}

    async def GetAccessKeyInfo(self, call: Call, params: Json) -> Json:
        """The account of a key: every key of this gateway is of its one account."""
        identities = self._known()
        id = params["AccessKeyId"]
        ours = id == identities.root.access_key_id or identities.directory.key(id) is not None
        if not (ours or id == call.principal.access_key_id):
            raise wrong(f"Access key {id} is not one of this gateway")
        return {"Account": call.principal.account}

    async def DecodeAuthorizationMessage(self, call: Call, params: Json) -> Json:
        """No service of this gateway encodes its messages."""
        raise ServiceError(
            "InvalidAuthorizationMessageException",
            "Message contains invalid encoded authorization message: this gateway makes none",
            status=400,
        )

    async def GetSessionToken(self, call: Call, params: Json) -> Json:
        """A user's own rights, for a while."""
        identities, who = self._known(), call.principal
        _no_mfa(params)
        seconds = params.get("DurationSeconds") or 43200
        if who.arn.endswith(":root"):
            made = new_session("root", "root", who.account, min(seconds, 3600))
        elif ":user/" in who.arn and who.access_key_id.startswith("AKIA"):
            name = who.arn.rpartition("/")[2]
            made = new_session("user", name, who.user_id, seconds)
        else:
            raise denied("Cannot call GetSessionToken with session credentials")
        return {"Credentials": shown(made, identities.tokens.close(made))}

    async def AssumeRole(self, call: Call, params: Json) -> Json:
        """A session of a role that trusts the caller."""
        identities, who = self._known(), call.principal
        _no_mfa(params)
        place = params["RoleArn"]
        role = identities.directory.role(place)
        context = trust_context(params, conditions(call.request, call.region))
        for action in actions_of(params, "sts:AssumeRole"):
            if role is None or not may_assume(who, role, action, context):
                raise denied(
                    f"User: {who.arn} is not authorized to perform: {action} on resource: {place}"
                )
        assert role is not None
        chained = ":assumed-role/" in who.arn
        seconds = lasting(params, role.longest, chained=chained)
        made = of_role(role, params, identities, who.chained, seconds)
        return self._answer(role, made)

    async def AssumeRoleWithWebIdentity(self, call: Call, params: Json) -> Json:
        """A session of a role that trusts an OpenID Connect provider, for its token."""
        identities = self._known()
        provider, claims = await self._claims(params["WebIdentityToken"], call.principal.account)
        url, place = provider["Url"], params["RoleArn"]
        role = identities.directory.role(place)
        facts: dict[str, str] = {
            f"{url.lower()}:{name}": str(claims[name])
            for name in ("aud", "sub", "azp", "email")
            if isinstance(claims.get(name), str)
        }
        facts["aws:federatedprovider"] = provider["Arn"]
        several: dict[str, tuple[str, ...]] = {}
        if url == SERVICE:
            several = {f"{url}:amr": tuple(map(str, claims.get("amr") or ()))}
        tags, transitive = _claimed_tags(claims)
        asked = {**params, "Tags": tags, "TransitiveTagKeys": transitive}
        context = {
            **trust_context(asked, conditions(call.request, call.region)),
            **facts,
            **several,
        }
        for action in actions_of(asked, _WEB):
            if role is None or not trusts_federated(role, provider["Arn"], action, context):
                raise denied(f"Not authorized to perform {action}")
        assert role is not None
        made = of_role(role, asked, identities, {}, lasting(params, role.longest))
        made = structs.replace(made, federated=provider["Arn"], facts=facts)
        audience: Any = claims.get("azp") or claims.get("aud")
        return {
            **self._answer(role, made),
            "SubjectFromWebIdentityToken": str(claims.get("sub", "")),
            "Audience": audience if isinstance(audience, str) else str(audience[0]),
            "Provider": provider["Arn"],
        }

    async def _claims(self, token: str, account: str) -> tuple[Json, Json]:
        """The provider that a token is of, and what it says. Raises the service's errors."""
        issuer = _issuer(token)
        if issuer == ISSUER and self._tokens is not None:
            own = {"Url": SERVICE, "Arn": SERVICE}
            return own, await _checked(self._tokens.read(token))
        url = issuer.partition("://")[2].rstrip("/")
        provider = self._known().directory.provider(f"arn:aws:iam::{account}:oidc-provider/{url}")
        if provider is None or self._verify is None:
            raise _invalid(f"No OpenIDConnect provider found in your account for {issuer}")
        if not issuer.startswith(f"{provider['Scheme']}://"):
            raise _invalid(f"The issuer must be {provider['Scheme']}://{url}")
        claims = await _checked(self._verify(issuer, token))
        audience = claims.get("aud")
        given = {audience} if isinstance(audience, str) else set(audience or ())
        if not (given | {claims.get("azp")}) & set(provider["Clients"]):
            raise _invalid("Incorrect token audience")
        return provider, claims

    def _answer(self, role: Known, session: Session) -> Json:
        identities = self._known()
        principal = identities.assumed(role, session)
        answer: Json = {
            "Credentials": shown(session, identities.tokens.close(session)),
            "AssumedRoleUser": {"AssumedRoleId": principal.user_id, "Arn": principal.arn},
            "PackedPolicySize": min(100, sum(map(len, session.policies)) * 100 // 2048),
        }
        if session.source_identity:
            answer["SourceIdentity"] = session.source_identity
        return answer

    def _known(self) -> Identities:
        if self._identities is None:
            raise denied("There are no identities here")
        return self._identities


def _no_mfa(params: Json) -> None:
    if params.get("SerialNumber") or params.get("TokenCode"):
        raise denied("MultiFactorAuthentication failed: no user has an MFA device here")


def _issuer(token: str) -> str:
    try:
        if len(token) > LONGEST:
            raise _invalid("The token is too long")
        claims: Json = jwt.decode(token, options={"verify_signature": False})
        return str(claims["iss"])
    except (jwt.PyJWTError, KeyError):
        raise _invalid("The ID Token provided is not a valid JWT.") from None


async def _checked(claims: Awaitable[Json]) -> Json:
    """Raises the service's errors."""
    try:
        return await claims
    except BadToken as error:
        if error.kind == "expired":
            raise ServiceError(
                "ExpiredTokenException", f"Token expired: {error}", status=400
            ) from None
        raise _invalid(str(error)) from None
    except ConnectionError as error:
        raise ServiceError("IDPCommunicationError", str(error), status=400) from None


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidIdentityToken", message, status=400)


def _claimed_tags(claims: Json) -> tuple[list[Json], list[str]]:
    """Session tags in the token. Source: IAM User Guide, "Passing session tags"."""
    found: Any = claims.get(_CLAIMED_TAGS)
    if not isinstance(found, dict):
        return [], []
    tags: list[Json] = []
    claimed = cast(Json, found)
    for key, values in cast(Json, claimed.get("principal_tags", {})).items():
        one: Any = values
        if isinstance(values, list) and values:
            one = cast(list[Any], values)[0]
        tags.append({"Key": key, "Value": str(one)})
    going_on: list[Any] = claimed.get("transitive_tag_keys") or []
    return tags, [str(key) for key in going_on]
