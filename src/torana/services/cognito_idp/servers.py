"""Resource servers, whose scopes access tokens carry; and domains, where pages are served.

Source: Cognito user pools API Reference.
"""

import re

from torana.services.apigateway.book import Sheet
from torana.services.cognito_idp.directory import DOMAIN, POOL, SERVER, Directory, Json, key, page
from torana.services.cognito_idp.faults import invalid, missing, unsupported
from torana.services.ports import Call

_RESERVED = re.compile(r"aws|amazon|cognito")


class ResourceServers:
    """The operations."""

    def __init__(self, directory: Directory) -> None:
        self._directory, self._book = directory, directory.book

    async def _find(self, sheet: Sheet, params: Json) -> Json:
        pool = await self._directory.pool(sheet, params["UserPoolId"])
        found = await sheet.get(SERVER, key(pool["Id"], params["Identifier"]))
        if found is None:
            raise missing(f"Resource server {params['Identifier']} does not exist.")
        return found

    async def CreateResourceServer(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["UserPoolId"])
            id = key(pool["Id"], params["Identifier"])
            if await sheet.get(SERVER, id) is not None:
                raise invalid(f"Resource server {params['Identifier']} already exists.")
            made = _made(params)
            sheet.put(SERVER, id, made)
            return {"ResourceServer": made}

        return await self._book.edit(call, work)

    async def UpdateResourceServer(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            await self._find(sheet, params)
            made = _made(params)
            sheet.put(SERVER, key(params["UserPoolId"], params["Identifier"]), made)
            return {"ResourceServer": made}

        return await self._book.edit(call, work)

    async def DescribeResourceServer(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return {"ResourceServer": await self._find(sheet, params)}

        return await self._book.read(work)

    async def ListResourceServers(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["UserPoolId"])
            found = [each async for _, each in sheet.scan(SERVER, f"{pool['Id']}/")]
            found.sort(key=lambda each: each["Identifier"])
            return page(found, params, "ResourceServers", "Identifier", "MaxResults")

        return await self._book.read(work)

    async def DeleteResourceServer(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            await self._find(sheet, params)
            sheet.delete(SERVER, key(params["UserPoolId"], params["Identifier"]))
            return {}

        return await self._book.edit(call, work)


def _made(params: Json) -> Json:
    names = ("UserPoolId", "Identifier", "Name", "Scopes")
    return {name: params[name] for name in names if name in params}


class Domains:
    """The operations. A domain is a prefix: the pages are at `{prefix}.auth.{region}.{suffix}`."""

    def __init__(self, directory: Directory) -> None:
        self._directory, self._book = directory, directory.book

    async def CreateUserPoolDomain(self, call: Call, params: Json) -> Json:
        _refuse(params)
        domain = params["Domain"]
        if _RESERVED.search(domain):
            raise invalid(f"Domain cannot contain reserved word: {_RESERVED.findall(domain)[0]}")

        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["UserPoolId"])
            if await sheet.get(DOMAIN, key(domain)) is not None:
                raise invalid(f"Domain already associated with another user pool: {domain}")
            if pool.get("Domain"):
                raise invalid(f"User pool already has a domain: {pool['Domain']}")
            pool["Domain"] = domain
            sheet.put(POOL, pool["Id"], pool)
            account = call.principal.account
            sheet.put(DOMAIN, key(domain), {"pool": pool["Id"], "account": account})
            return {}

        return await self._book.edit(call, work)

    async def UpdateUserPoolDomain(self, call: Call, params: Json) -> Json:
        _refuse(params)
        raise unsupported("UpdateUserPoolDomain: there is nothing to change about a prefix, which")

    async def DescribeUserPoolDomain(self, call: Call, params: Json) -> Json:
        """Empty for one that there is not, as in the service."""

        async def work(sheet: Sheet) -> Json:
            found = await sheet.get(DOMAIN, key(params["Domain"]))
            if found is None:
                return {"DomainDescription": {}}
            return {
                "DomainDescription": {
                    "UserPoolId": found["pool"],
                    "AWSAccountId": found["account"],
                    "Domain": params["Domain"],
                    "Status": "ACTIVE",
                    "ManagedLoginVersion": 1,
                    "CustomDomainConfig": {},
                }
            }

        return await self._book.read(work)

    async def DeleteUserPoolDomain(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["UserPoolId"])
            found = await sheet.get(DOMAIN, key(params["Domain"]))
            if found is None or found["pool"] != pool["Id"]:
                raise invalid(f"No such domain or user pool exists: {params['Domain']}")
            pool.pop("Domain", None)
            sheet.put(POOL, pool["Id"], pool)
            sheet.delete(DOMAIN, key(params["Domain"]))
            return {}

        return await self._book.edit(call, work)


def _refuse(params: Json) -> None:
    if params.get("CustomDomainConfig"):
        raise unsupported("CustomDomainConfig (give the front door the certificate instead)")
    if params.get("ManagedLoginVersion", 1) != 1:
        raise unsupported("ManagedLoginVersion 2 (the branding designer)")
    if params.get("Routing"):
        raise unsupported("Routing")
