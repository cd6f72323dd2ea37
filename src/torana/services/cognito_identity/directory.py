"""Identity pools and identities as they are kept.

An identity is known by its own id and by the logins that lead to it: the subjects of tokens.
"""

from uuid import uuid4

from torana.services.apigateway.book import Book, Sheet
from torana.services.cognito_idp.directory import Json, key, now
from torana.services.cognito_idp.faults import missing, refused
from torana.wire.faults import ServiceError

POOL = "identity-pool"
IDENTITY = "identity"
MEMBER = "identity-member"
"""Under `{pool}/{identity}`."""
LOGIN = "identity-login"
"""The identity behind `{pool}/{provider}/{subject}`."""


class Directory:
    """Every identity pool of the account."""

    def __init__(self, book: Book) -> None:
        self.book = book

    async def pool(self, sheet: Sheet, id: str) -> Json:
        """Raises the service's error."""
        found = await sheet.get(POOL, key(id))
        if found is None:
            raise missing(f"IdentityPool '{id}' not found.")
        return found

    async def identity(self, sheet: Sheet, id: str) -> Json:
        """Raises the service's error."""
        found = await sheet.get(IDENTITY, key(id))
        if found is None:
            raise missing(f"Identity '{id}' not found.")
        return found

    async def behind(self, sheet: Sheet, pool: str, logins: dict[str, str]) -> str | None:
        """The identity that logins lead to. Raises the service's error when it is not one."""
        found = [
            await sheet.get(LOGIN, key(pool, provider, subject))
            for provider, subject in logins.items()
        ]
        ids = {each["identity"] for each in found if each is not None}
        if len(ids) > 1:
            raise ServiceError(
                "ResourceConflictException", "The logins are of more than one identity."
            )
        return next(iter(ids), None)

    async def make(self, sheet: Sheet, pool: Json, logins: dict[str, str]) -> Json:
        """A new identity."""
        id = f"{pool['IdentityPoolId'].partition(':')[0]}:{uuid4()}"
        made: Json = {
            "IdentityId": id,
            "pool": pool["IdentityPoolId"],
            "CreationDate": now(),
            "LastModifiedDate": now(),
            "profile": {},
        }
        sheet.put(MEMBER, key(made["pool"], id), {"IdentityId": id})
        await self.link(sheet, made, logins)
        return made

    async def link(self, sheet: Sheet, identity: Json, logins: dict[str, str]) -> None:
        """Have further logins lead to an identity, and keep it. Raises the service's errors."""
        for provider, subject in logins.items():
            id = key(identity["pool"], provider, subject)
            known = await sheet.get(LOGIN, id)
            if known is None:
                if identity["profile"].get(provider, subject) != subject:
                    raise refused("Logins don't match. Please include at least one valid login.")
                sheet.put(LOGIN, id, {"identity": identity["IdentityId"]})
            elif known["identity"] != identity["IdentityId"]:
                raise refused("Logins don't match. Please include at least one valid login.")
        identity["profile"] |= logins
        identity["LastModifiedDate"] = now()
        sheet.put(IDENTITY, key(identity["IdentityId"]), identity)

    async def delete(self, sheet: Sheet, identity: Json) -> None:
        """With everything that leads to it."""
        for provider, subject in identity["profile"].items():
            id = key(identity["pool"], provider, subject)
            if await sheet.get(LOGIN, id) is not None:
                sheet.delete(LOGIN, id)
        member = key(identity["pool"], identity["IdentityId"])
        if await sheet.get(MEMBER, member) is not None:
            sheet.delete(MEMBER, member)
        sheet.delete(IDENTITY, key(identity["IdentityId"]))
