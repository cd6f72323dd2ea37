"""In whose name a stack's operations are done: looked up anew for each, so that permissions that
are taken away, and sessions that end, count at once."""

from typing import TYPE_CHECKING

from torana.auth.sigv4 import SignatureError
from torana.services.cloudformation.faults import Unmade, invalid
from torana.services.cloudformation.records import Who
from torana.services.credentials import root_principal
from torana.services.iam.identities import Identities
from torana.services.ports import Call, Principal
from torana.services.reach import Reach

if TYPE_CHECKING:
    from torana.services.cloudformation.calls import Calls

TOKEN = "x-amz-security-token"  # noqa: S105  a header's name
_ROOT = ":root"
_SESSION = Who().session


class Callers:
    """Who callers are. `identities`: None where there is only the account itself."""

    def __init__(self, reach: Reach, identities: Identities | None) -> None:
        self._reach, self._identities = reach, identities

    def of(self, call: Call, role: str = "") -> Who:
        """The caller, in a form that outlives the request; or the role that it hands over.

        Raises the service's error for a role that CloudFormation may not take.
        """
        host = call.request.headers.get("host") or "localhost"
        if role:
            who = Who(role=role, host=host)
            try:
                self._principal(who, call.principal.account)
            except Unmade as error:
                raise invalid(str(error)) from None
            return who
        principal = call.principal
        token = call.request.headers.get(TOKEN) or ""
        if principal.access_key_id:
            return Who(principal.access_key_id, token, host=host)
        if principal.arn.endswith(_ROOT):
            return Who(host=host)
        kind, _, rest = principal.arn.rpartition(":assumed-role/")
        if not kind:
            raise invalid("A stack cannot be made by a service without a role")
        name, _, session = rest.partition("/")
        arn = next((each for each in principal.caller.arns if each.endswith(f"/{name}")), "")
        service = "cloudformation" if session == _SESSION else "apigateway"
        return Who("", "", arn, f"{service}.amazonaws.com", session, host)

    def calls(self, who: Who, arn: str) -> "Calls":
        """The services, as somebody, for the stack with this ARN. Raises `Unmade`."""
        from torana.services.cloudformation.calls import Calls

        region, account = arn.split(":")[3:5]
        return Calls(self._reach, self._principal(who, account), region, who.host, who.token)

    def _principal(self, who: Who, account: str) -> Principal:
        known = self._identities
        if known is None or not (who.key or who.role):
            return root_principal(account)
        if who.role:
            return self._as_role(known, who)
        try:
            found = known.known(who.key, who.token)
        except SignatureError as error:
            raise Unmade(error.message) from None
        if found is None:
            raise Unmade("The security token included in the request is invalid")
        return found.principal

    def _as_role(self, known: Identities, who: Who) -> Principal:
        found = known.acting(who.role, who.service, who.session, trusted=False)
        if found is None:
            raise Unmade(f"Role {who.role} is invalid or cannot be assumed")
        return found
