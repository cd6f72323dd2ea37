"""AWS Security Token Service: who am I."""

from typing import Any

from torana.services.ports import Call


class Sts:
    """The facade."""

    async def GetCallerIdentity(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """The caller's account, ARN and id. Needs no permission, as at AWS."""
        del params
        who = call.principal
        return {"UserId": who.user_id, "Account": who.account, "Arn": who.arn}
