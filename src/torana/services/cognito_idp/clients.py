"""App clients: made, described, changed, deleted; and whether a request is one's own.

Source: Cognito user pools API Reference, CreateUserPoolClient and "Computing secret hash values".
"""

import base64
import hmac
import secrets
import string
from typing import Any

from torana.auth import keys
from torana.services.apigateway.book import Sheet
from torana.services.cognito_idp.client_settings import (
    SCOPES,
    VALIDITY,
    check_flows,
    check_oauth,
    lifetime,
    refuse,
)
from torana.services.cognito_idp.directory import (
    CLIENT,
    CLIENT_POOL,
    SERVER,
    Directory,
    Json,
    key,
    now,
    page,
)
from torana.services.cognito_idp.faults import invalid, refused
from torana.services.moments import moment
from torana.services.ports import Call
from torana.wire.faults import ServiceError

_FLOWS = ["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"]
_SIGNS = string.ascii_lowercase + string.digits
_KEPT = (
    "ClientName",
    "RefreshTokenValidity",
    "AccessTokenValidity",
    "IdTokenValidity",
    "TokenValidityUnits",
    "ReadAttributes",
    "WriteAttributes",
    "ExplicitAuthFlows",
    "SupportedIdentityProviders",
    "CallbackURLs",
    "LogoutURLs",
    "DefaultRedirectURI",
    "AllowedOAuthFlows",
    "AllowedOAuthScopes",
    "AllowedOAuthFlowsUserPoolClient",
    "PreventUserExistenceErrors",
    "EnableTokenRevocation",
    "EnablePropagateAdditionalUserContextData",
    "AuthSessionValidity",
    "RefreshTokenRotation",
)


class Clients:
    """The operations."""

    def __init__(self, directory: Directory) -> None:
        self._directory, self._book = directory, directory.book

    async def CreateUserPoolClient(self, call: Call, params: Json) -> Json:
        refuse(params)
        id = "".join(secrets.choice(_SIGNS) for _ in range(26))
        at = now()
        client: Json = {"ClientId": id, "UserPoolId": params["UserPoolId"], "CreationDate": at}
        if params.get("GenerateSecret") or params.get("ClientSecret"):
            made = "".join(secrets.choice(_SIGNS) for _ in range(51))
            self._directory.close(client, "secret", params.get("ClientSecret") or made)

        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["UserPoolId"])
            await self._set(sheet, pool, client, params)
            sheet.put(CLIENT, key(pool["Id"], id), client)
            sheet.put(CLIENT_POOL, key(id), {"pool": pool["Id"]})
            return {"UserPoolClient": self._shown(client)}

        return await self._book.edit(call, work)

    async def UpdateUserPoolClient(self, call: Call, params: Json) -> Json:
        """What is left out goes back to its default, as in the service."""
        refuse(params)

        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["UserPoolId"])
            client = await self._directory.client(sheet, pool["Id"], params["ClientId"])
            name = client["ClientName"]
            await self._set(sheet, pool, client, {"ClientName": name, **params})
            sheet.put(CLIENT, key(pool["Id"], client["ClientId"]), client)
            return {"UserPoolClient": self._shown(client)}

        return await self._book.edit(call, work)

    async def _set(self, sheet: Sheet, pool: Json, client: Json, params: Json) -> None:
        for name in _KEPT:
            client.pop(name, None)
            if params.get(name) is not None:
                client[name] = params[name]
        client["LastModifiedDate"] = now()
        client.setdefault("EnableTokenRevocation", True)
        client.setdefault("AuthSessionValidity", 3)
        client.setdefault("RefreshTokenValidity", 30)
        client.setdefault("ExplicitAuthFlows", list(_FLOWS))
        client.setdefault("AllowedOAuthFlowsUserPoolClient", False)
        check_flows(client["ExplicitAuthFlows"])
        check_oauth(client)
        for name in VALIDITY:
            lifetime(client, name)
        for name in (*client.get("ReadAttributes", ()), *client.get("WriteAttributes", ())):
            if name not in pool["SchemaByName"]:
                raise invalid(f"Invalid attribute {name} specified in the schema")
        for scope in client.get("AllowedOAuthScopes", ()):
            if scope not in SCOPES and not await self._has_scope(sheet, pool, scope):
                raise ServiceError(
                    "ScopeDoesNotExistException", f"Invalid scope specified: {scope}"
                )

    async def _has_scope(self, sheet: Sheet, pool: Json, scope: str) -> bool:
        server, _, name = scope.rpartition("/")
        found = await sheet.get(SERVER, key(pool["Id"], server)) if server else None
        return found is not None and any(
            each["ScopeName"] == name for each in found.get("Scopes", ())
        )

    async def DescribeUserPoolClient(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["UserPoolId"])
            client = await self._directory.client(sheet, pool["Id"], params["ClientId"])
            return {"UserPoolClient": self._shown(client)}

        return await self._book.read(work)

    async def ListUserPoolClients(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["UserPoolId"])
            found = [each async for _, each in sheet.scan(CLIENT, f"{pool['Id']}/")]
            paged = page(found, params, "UserPoolClients", "ClientId", "MaxResults")
            paged["UserPoolClients"] = [
                {name: each[name] for name in ("ClientId", "UserPoolId", "ClientName")}
                for each in paged["UserPoolClients"]
            ]
            return paged

        return await self._book.read(work)

    async def DeleteUserPoolClient(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["UserPoolId"])
            client = await self._directory.client(sheet, pool["Id"], params["ClientId"])
            sheet.delete(CLIENT, key(pool["Id"], client["ClientId"]))
            if await sheet.get(CLIENT_POOL, key(client["ClientId"])):
                sheet.delete(CLIENT_POOL, key(client["ClientId"]))
            return {}

        return await self._book.edit(call, work)

    def _shown(self, client: Json) -> Json:
        shown = {name: value for name, value in client.items() if name != "sealed"}
        if "secret" in client.get("sealed", {}):
            shown["ClientSecret"] = self._directory.opened(client, "secret")
        for name in ("CreationDate", "LastModifiedDate"):
            shown[name] = moment(shown[name])
        return shown


class Own:
    """Whether a request comes from the client that it names."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def has_secret(self, client: Json) -> bool:
        """Whether it must prove itself."""
        return "secret" in client.get("sealed", {})

    def check_hash(self, client: Json, username: str, given: str | None) -> None:
        """Raises the service's error when SECRET_HASH is missing or wrong."""
        if not self.has_secret(client):
            return
        id = client["ClientId"]
        if not given:
            raise refused(f"Client {id} is configured with secret but SECRET_HASH was not received")
        if not keys.same(given, self.hash_of(client, username)):
            raise refused(f"Unable to verify secret hash for client {id}")

    def hash_of(self, client: Json, username: str) -> str:
        """What SECRET_HASH must be; empty for a client without a secret."""
        if not self.has_secret(client):
            return ""
        secret = self._directory.opened(client, "secret").encode()
        text = f"{username}{client['ClientId']}".encode()
        return base64.b64encode(hmac.digest(secret, text, "sha256")).decode()

    def is_secret(self, client: Json, given: str) -> bool:
        """Whether it is the client's secret; a client without one has none to show."""
        if not self.has_secret(client):
            return not given
        return keys.same(given, self._directory.opened(client, "secret"))


def may_read(pool: Json, client: Json) -> frozenset[str]:
    """The attributes that a client sees: all, where nothing is said."""
    return frozenset(client.get("ReadAttributes") or pool["SchemaByName"]) | {"sub"}


def check_write(client: Json, names: Any) -> None:
    """Raises the service's error for attributes that the client may not set."""
    allowed = client.get("WriteAttributes")
    for name in names:
        outside = allowed is not None and name not in allowed
        # Where nothing is said a client writes the standard attributes and the pool's own ones.
        if outside or name in ("sub", "email_verified", "phone_number_verified"):
            raise refused("A client attempted to write unauthorized attribute")
        if name.startswith("dev:"):
            raise refused("A client attempted to write unauthorized attribute")


def allows(client: Json, flow: str) -> bool:
    """Whether a client may use a flow, in the new spelling or the old."""
    flows = client["ExplicitAuthFlows"]
    old = bool(flows) and not any(each.startswith("ALLOW_") for each in flows)
    if old and flow == "REFRESH_TOKEN_AUTH":
        return True
    if old and flow == "USER_SRP_AUTH":
        return "CUSTOM_AUTH_FLOW_ONLY" not in flows
    return any(each in flows for each in _SPELLINGS[flow])


_SPELLINGS = {
    "USER_SRP_AUTH": ("ALLOW_USER_SRP_AUTH",),
    "USER_PASSWORD_AUTH": ("ALLOW_USER_PASSWORD_AUTH", "USER_PASSWORD_AUTH"),
    "ADMIN_USER_PASSWORD_AUTH": ("ALLOW_ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"),
    "USER_AUTH": ("ALLOW_USER_AUTH",),
    "CUSTOM_AUTH": ("ALLOW_CUSTOM_AUTH", "CUSTOM_AUTH_FLOW_ONLY"),
    "REFRESH_TOKEN_AUTH": ("ALLOW_REFRESH_TOKEN_AUTH",),
}
