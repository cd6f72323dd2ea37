"""Credentials of a role for an identity.

The role is the pool's for its kind of identity, or what a login's token or the pool's rules say. It
must trust `cognito-identity.amazonaws.com`, as at Amazon.
Source: Cognito Developer Guide, "Using role-based access control" and "IAM roles".
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import structs

from torana.services.apigateway.book import Sheet
from torana.services.authority.conditions import conditions
from torana.services.cognito_identity.directory import Directory
from torana.services.cognito_identity.identities import by_provider
from torana.services.cognito_identity.logins import Login, Logins
from torana.services.cognito_idp.directory import Json, now
from torana.services.cognito_idp.faults import invalid, refused
from torana.services.given import items, members
from torana.services.iam.identities import Identities
from torana.services.open_tokens import SERVICE as _SERVICE
from torana.services.open_tokens import OpenTokens
from torana.services.ports import Call
from torana.services.sts.assume import of_role, shown, trust_context, trusts_federated
from torana.wire.faults import ServiceError

_SECONDS = 3600.0
_OPEN = 600
"""Seconds that a token of the classic flow is good for."""
_SESSION = "CognitoIdentityCredentials"


class Credentials:
    """The operations."""

    def __init__(
        self, directory: Directory, logins: Logins, identities: Identities, tokens: OpenTokens
    ) -> None:
        self._directory, self._logins, self._identities = directory, logins, identities
        self._tokens = tokens

    async def GetCredentialsForIdentity(self, call: Call, params: Json) -> Json:
        """For an hour, within what the role may."""
        id = params["IdentityId"]
        pool, logins = await self._judged(call, params)
        arn = _role(pool, logins, params.get("CustomRoleArn"))
        return {"IdentityId": id, "Credentials": self._session(call, pool, id, logins, arn)}

    async def GetOpenIdToken(self, call: Call, params: Json) -> Json:
        """For ten minutes; STS makes credentials of a role of it, which the app chooses."""
        id, at = params["IdentityId"], int(now())
        pool, logins = await self._judged(call, params)
        if not pool.get("AllowClassicFlow"):
            raise invalid("Basic (classic) flow is not enabled, please use enhanced flow.")
        claims = {
            "sub": id,
            "aud": pool["IdentityPoolId"],
            "amr": [*_amr(logins), *(each.provider for each in logins)],
            "iat": at,
            "exp": at + _OPEN,
        }
        return {"IdentityId": id, "Token": await self._tokens.sign(claims)}

    async def _judged(self, call: Call, params: Json) -> tuple[Json, list[Login]]:
        """The identity's pool, and the logins that show whose it is. Raises the service's error."""
        id = params["IdentityId"]
        identity, pool = await self._directory.book.read(lambda sheet: self._find(sheet, id))
        logins = await self._logins.judged(pool, members(params, "Logins"))
        if logins:
            await self._own(call, id, by_provider(logins))
        elif identity["profile"]:
            raise refused(f"Access to Identity '{id}' is forbidden.")
        elif not pool["AllowUnauthenticatedIdentities"]:
            raise refused("Unauthenticated access is not supported for this identity pool.")
        return pool, logins

    async def _find(self, sheet: Sheet, id: str) -> tuple[Json, Json]:
        identity = await self._directory.identity(sheet, id)
        return identity, await self._directory.pool(sheet, identity["pool"])

    async def _own(self, call: Call, id: str, given: dict[str, str]) -> None:
        """Logins lead to this identity, or do from now on. Raises the service's error."""

        async def work(sheet: Sheet) -> None:
            identity = await self._directory.identity(sheet, id)
            known = await self._directory.behind(sheet, identity["pool"], given)
            # A login that is new may join one that is known, or an identity that is nobody's yet.
            if known != id and (known is not None or identity["profile"]):
                raise refused("Logins don't match. Please include at least one valid login.")
            if given.items() - identity["profile"].items():
                await self._directory.link(sheet, identity, given)

        await self._directory.book.edit(call, work)

    def _session(self, call: Call, pool: Json, id: str, logins: list[Login], arn: str) -> Json:
        role = self._identities.directory.role(arn)
        amr = _amr(logins)
        facts = {f"{_SERVICE}:aud": pool["IdentityPoolId"], f"{_SERVICE}:sub": id}
        asked: Json = {"RoleSessionName": _SESSION}
        context = {
            **trust_context(asked, conditions(call.request, call.region)),
            **facts,
            f"{_SERVICE}:amr": (*amr, *(each.provider for each in logins)),
            "aws:federatedprovider": _SERVICE,
        }
        action = "sts:AssumeRoleWithWebIdentity"
        if role is None or not trusts_federated(role, _SERVICE, action, context):
            raise misconfigured()
        made = of_role(role, asked, self._identities, {}, _SECONDS)
        facts[f"{_SERVICE}:amr"] = amr[0]
        made = structs.replace(made, federated=_SERVICE, facts=facts)
        given = shown(made, self._identities.tokens.close(made))
        return {
            "AccessKeyId": given["AccessKeyId"],
            "SecretKey": given["SecretAccessKey"],
            "SessionToken": given["SessionToken"],
            "Expiration": given["Expiration"],
        }


def _amr(logins: list[Login]) -> tuple[str, ...]:
    """How it was shown whose an identity is."""
    kind = "authenticated" if logins else "unauthenticated"
    return (kind, *(f"{each.provider}:CognitoSignIn:{each.subject}" for each in logins))


def misconfigured() -> ServiceError:
    """There is no role to give, or it does not trust identity pools."""
    return ServiceError(
        "InvalidIdentityPoolConfigurationException",
        "Invalid identity pool configuration. Check assigned IAM roles for this pool.",
    )


def _role(pool: Json, logins: list[Login], wanted: str | None) -> str:
    """The ARN of the role that an identity gets. Raises the service's errors."""
    mappings = members(pool, "RoleMappings")
    for login in logins:
        mapping = mappings.get(f"{login.provider}:{login.audience}") or mappings.get(login.provider)
        if mapping is not None:
            return _mapped(pool, mapping, login, wanted)
    if wanted is not None:
        raise refused("CustomRoleArn is for identities whose role comes from their token")
    return _usual(pool, "authenticated" if logins else "unauthenticated")


def _usual(pool: Json, kind: str) -> str:
    found = members(pool, "Roles").get(kind)
    if not found:
        raise misconfigured()
    return found


def _mapped(pool: Json, mapping: Json, login: Login, wanted: str | None) -> str:
    found = _by_token(login, wanted) if mapping["Type"] == "Token" else _by_rules(mapping, login)
    if found:
        return found
    if mapping["AmbiguousRoleResolution"] == "Deny":
        raise refused("The ambiguous role mapping rules deny access.")
    return _usual(pool, "authenticated")


def _by_token(login: Login, wanted: str | None) -> str | None:
    roles = items(login.claims, "cognito:roles")
    if wanted is not None:
        if wanted not in roles:
            raise refused("CustomRoleArn is none of the roles in the token.")
        return wanted
    preferred = login.claims.get("cognito:preferred_role")
    return preferred or (roles[0] if len(roles) == 1 else None)


_MATCHES: Mapping[str, Callable[[str, str], bool]] = {
    "Equals": lambda mine, value: mine == value,
    "Contains": lambda mine, value: value in mine,
    "StartsWith": str.startswith,
    "NotEqual": lambda mine, value: mine != value,
}


def _by_rules(mapping: Json, login: Login) -> str | None:
    """The role of the first rule that fits."""
    for rule in mapping["RulesConfiguration"]["Rules"]:
        mine: Any = login.claims.get(rule["Claim"])
        values = [str(each) for each in mine] if isinstance(mine, list) else [str(mine)]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        if mine is None:
            continue
        if any(_MATCHES[rule["MatchType"]](value, rule["Value"]) for value in values):
            return rule["RoleARN"]
    return None
