"""Whose permissions count when the gateway itself calls a service.

An API of the operator's own files acts for the operator: without a role, or with one that was
never made in IAM, it may do everything. An API made through the control plane acts as the service
API Gateway: without a role only what the resource's own policy allows, and as a role only what the
role may. As long as IAM holds no user and no role, nobody but the account itself can have made
anything, and its word is enough; functions' policies are asked all the same.
"""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from torana.auth.policy import Caller
from torana.gateway.contract import AwsCall
from torana.gateway.errors import GatewayError
from torana.gateway.issuers import IssuerAway, Issuers, LocalKeys
from torana.net.client import Client
from torana.services.authority import Authority
from torana.services.authority.conditions import Context
from torana.services.authority.resource_policies import ResourcePolicies
from torana.services.iam.identities import Identities
from torana.services.lambda_.names import split
from torana.services.ports import Principal
from torana.settings import Settings
from torana.wire.faults import ServiceError

_SERVICE = "apigateway.amazonaws.com"
_SESSION = "BackplaneAssumeRoleSession"


class Acting:
    """Decides it, and judges calls of services."""

    def __init__(
        self, settings: Settings, identities: Identities, policies: ResourcePolicies
    ) -> None:
        self._settings, self._identities, self._policies = settings, identities, policies
        self.authority = Authority(
            settings.account,
            settings.region,
            policies.find,
            policies.alias,
            self._entity,
            lambda role, service: identities.acting(role, service, "torana", trusted=False),
        )

    def _entity(self, kind: str, name: str) -> str:
        """Kind, path and name of an identity, as in its ARN."""
        directory = self._identities.directory
        known = {"user": directory.user, "role": directory.role}.get(kind)
        found = known(name) if known is not None else None
        return f"{kind}/{name}" if found is None else found.arn.split(":", 5)[5]

    def of(self, call: AwsCall, *, trusted: bool) -> tuple[Principal | None, Context]:
        """Who a call is of (None: the account), and what conditions may ask about it.

        Raises `GatewayError` for a role that may not be taken.
        """
        role = call.credentials
        if role and role.startswith("arn:aws:iam::*:user/"):
            return self._client(call), {}
        if role:
            return self._role(call, role, trusted), {}
        if trusted or self._taken_at_its_word(call):
            return None, {}
        account = self._settings.account
        source: Context = {"aws:sourcearn": call.source, "aws:sourceaccount": account}
        return Principal(account, _SERVICE, _SERVICE, caller=Caller(service=_SERVICE)), source

    def _taken_at_its_word(self, call: AwsCall) -> bool:
        given = self._settings.services.get(call.service)
        if call.service != "lambda" or (given is not None and given.engine != "embedded"):
            return self._identities.directory.empty or call.service == "lambda"
        # Functions of the configuration file have no policy: they are the operator's, for all.
        name = call.request.target.partition("/functions/")[2].partition("/")[0]
        try:
            return split(unquote(name))[0] in self._settings.functions
        except ServiceError:
            return False

    def _client(self, call: AwsCall) -> Principal:
        who = call.caller
        if who is None:
            raise GatewayError("ACCESS_DENIED", detail="the client did not sign")
        account = who.caller.account
        return Principal(account, who.arn, who.user_id, who.grants, who.caller, who.access_key_id)

    def _role(self, call: AwsCall, role: str, trusted: bool) -> Principal | None:
        given = self._settings.services.get(call.service)
        real = given is not None and given.engine == "aws" and given.url is None
        if real and self._identities.directory.role(role) is None:
            return None  # The role is one of the real account, which decides.
        found = self._identities.acting(role, _SERVICE, _SESSION, trusted=trusted)
        if found is None:
            raise GatewayError(
                "API_CONFIGURATION_ERROR",
                detail=f"API Gateway does not have permission to assume the role {role}",
            )
        return found

    async def aclose(self) -> None:
        """Stop following the store."""
        await self._identities.directory.aclose()
        await self._policies.aclose()


def issuer_check(
    client: Client, local: LocalKeys
) -> Callable[[str, str], Awaitable[dict[str, Any]]]:
    """What checks the tokens of OpenID Connect providers, and of user pools of this gateway."""
    issuers = Issuers(client, local=local)

    async def verify(issuer: str, token: str) -> dict[str, Any]:
        try:
            return await issuers.issuer(issuer).verify(token)
        except IssuerAway as error:
            raise ConnectionError(str(error)) from error

    return verify
