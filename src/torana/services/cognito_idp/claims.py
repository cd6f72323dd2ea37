"""What tokens say of a user.

Source: Cognito Developer Guide, "Understanding the identity (ID) token".
"""

from typing import Any

from torana.services.cognito_idp.client_settings import SCOPES, USER_ADMIN
from torana.services.cognito_idp.clients import may_read
from torana.services.cognito_idp.directory import Json
from torana.services.given import items, members

_OF_SCOPE = {
    "email": ("email", "email_verified"),
    "phone": ("phone_number", "phone_number_verified"),
}
_RESERVED = frozenset(
    {
        "acr", "amr", "at_hash", "auth_time", "azp", "client_id", "exp", "iat", "iss", "jti",
        "nbf", "nonce", "origin_jti", "sub", "token_use", "username", "aud", "event_id", "version",
        "cognito:username",
    }
)  # fmt: skip
"""Claims that no function changes."""


def shown_claims(pool: Json, client: Json, user: Json, scopes: tuple[str, ...]) -> Json:
    """A user's attributes as claims, as far as the client and its scopes may see them."""
    seen = may_read(pool, client) - {"sub"}
    narrowed = [each for each in scopes if each in SCOPES and each not in ("openid", USER_ADMIN)]
    if narrowed and "profile" not in narrowed:
        seen &= {name for each in narrowed for name in _OF_SCOPE[each]}
    elif narrowed:
        for scope, names in _OF_SCOPE.items():
            if scope not in narrowed:
                seen -= set(names)
    return {name: _claim(name, value) for name, value in user["profile"].items() if name in seen}


def _claim(name: str, value: str) -> Any:
    if name in ("email_verified", "phone_number_verified"):
        return value.lower() == "true"
    if name == "address":
        return {"formatted": value}
    if name == "updated_at" and value.isdigit():
        return int(value)
    return value


def roles(groups: list[Json]) -> Json:
    """The roles of groups, the first being preferred."""
    found = [each["RoleArn"] for each in groups if each.get("RoleArn")]
    if not found:
        return {}
    return {"cognito:roles": found, "cognito:preferred_role": found[0]}


def override(claims: Json, given: Json) -> None:
    """Claims as a pool's function wants them, but those that say who somebody is."""
    for name, value in members(given, "claimsToAddOrOverride").items():
        if name not in _RESERVED and not name.startswith("cognito:"):
            claims[name] = value
    for name in items(given, "claimsToSuppress"):
        if name not in _RESERVED and not name.startswith("cognito:"):
            claims.pop(name, None)
