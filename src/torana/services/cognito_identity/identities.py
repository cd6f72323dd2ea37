"""Identities: found or made for whoever asks, listed and deleted for administrators.

Source: Cognito identity pools API Reference.
"""

from torana.services.apigateway.book import Sheet
from torana.services.cognito_identity.directory import IDENTITY, LOGIN, MEMBER, Directory
from torana.services.cognito_identity.logins import Login, Logins
from torana.services.cognito_idp.directory import Json, key, page
from torana.services.cognito_idp.faults import refused
from torana.services.given import members
from torana.services.moments import moment
from torana.services.ports import Call


class IdentityOperations:
    """The operations."""

    def __init__(self, directory: Directory, logins: Logins) -> None:
        self._directory, self._logins, self._book = directory, logins, directory.book

    async def GetId(self, call: Call, params: Json) -> Json:
        """The identity of a login; without one, a new one each time, where the pool allows it."""
        pool = await self._book.read(
            lambda sheet: self._directory.pool(sheet, params["IdentityPoolId"])
        )
        given = by_provider(await self._logins.judged(pool, members(params, "Logins")))
        if not given and not pool["AllowUnauthenticatedIdentities"]:
            raise refused("Unauthenticated access is not supported for this identity pool.")

        async def work(sheet: Sheet) -> Json:
            known = await self._directory.behind(sheet, pool["IdentityPoolId"], given)
            if known is not None:
                identity = await self._directory.identity(sheet, known)
                if given.items() - identity["profile"].items():
                    await self._directory.link(sheet, identity, given)
                return {"IdentityId": known}
            made = await self._directory.make(sheet, pool, given)
            return {"IdentityId": made["IdentityId"]}

        return await self._book.edit(call, work)

    async def DescribeIdentity(self, call: Call, params: Json) -> Json:
        del call

        async def work(sheet: Sheet) -> Json:
            return _shown(await self._directory.identity(sheet, params["IdentityId"]))

        return await self._book.read(work)

    async def ListIdentities(self, call: Call, params: Json) -> Json:
        del call

        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["IdentityPoolId"])
            prefix = f"{key(pool['IdentityPoolId'])}/"
            found = [member async for _, member in sheet.scan(MEMBER, prefix)]
            paged = page(found, params, "Identities", "IdentityId", "MaxResults")
            kept = [
                await sheet.get(IDENTITY, key(each["IdentityId"])) for each in paged["Identities"]
            ]
            paged["Identities"] = [_shown(each) for each in kept if each is not None]
            return {"IdentityPoolId": pool["IdentityPoolId"], **paged}

        return await self._book.read(work)

    async def DeleteIdentities(self, call: Call, params: Json) -> Json:
        """Those that there are not are none to delete."""

        async def work(sheet: Sheet) -> Json:
            for id in params["IdentityIdsToDelete"]:
                identity = await sheet.get(IDENTITY, key(id))
                if identity is not None:
                    await self._directory.delete(sheet, identity)
            return {"UnprocessedIdentityIds": []}

        return await self._book.edit(call, work)

    async def UnlinkIdentity(self, call: Call, params: Json) -> Json:
        """Whoever shows a login may have others of the same identity forgotten."""
        identity, pool = await self._book.read(lambda sheet: self._find(sheet, params))
        given = by_provider(await self._logins.judged(pool, params["Logins"]))

        async def work(sheet: Sheet) -> Json:
            known = await self._directory.behind(sheet, pool["IdentityPoolId"], given)
            id = identity["IdentityId"]
            if known != id:
                raise refused(f"Access to Identity '{id}' is forbidden.")
            fresh = await self._directory.identity(sheet, id)
            for provider in params["LoginsToRemove"]:
                subject = fresh["profile"].pop(provider, None)
                if subject is not None:
                    login = key(pool["IdentityPoolId"], provider, subject)
                    if await sheet.get(LOGIN, login) is not None:
                        sheet.delete(LOGIN, login)
            sheet.put(IDENTITY, key(id), fresh)
            return {}

        return await self._book.edit(call, work)

    async def _find(self, sheet: Sheet, params: Json) -> tuple[Json, Json]:
        identity = await self._directory.identity(sheet, params["IdentityId"])
        return identity, await self._directory.pool(sheet, identity["pool"])


def by_provider(logins: list[Login]) -> dict[str, str]:
    """Subjects by their providers."""
    return {each.provider: each.subject for each in logins}


def _shown(identity: Json) -> Json:
    shown: Json = {
        "IdentityId": identity["IdentityId"],
        "Logins": sorted(identity["profile"]),
    }
    for name in ("CreationDate", "LastModifiedDate"):
        shown[name] = moment(identity[name])
    return shown
