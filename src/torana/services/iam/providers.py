"""OpenID Connect providers: issuers whose tokens may be turned into a role's credentials.

Source: IAM API Reference; IAM User Guide, "Create an OpenID Connect (OIDC) identity provider".
"""

from time import time
from urllib.parse import urlsplit

from torana.services.apigateway.book import Sheet
from torana.services.iam.names import PROVIDER, Json, exists, invalid, missing, moment, over
from torana.services.iam.shelf import Shelf, extras, tagged
from torana.services.ports import Call
from torana.wire.faults import ServiceError

_CLIENTS = 100


class Providers:
    """The operations. Thumbprints are kept and shown; certificates are checked as everywhere."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def CreateOpenIDConnectProvider(self, call: Call, params: Json) -> Json:
        url = urlsplit(str(params["Url"]))
        if url.scheme not in ("https", "http") or not url.netloc or url.query:
            raise ServiceError(
                "ValidationError", "Invalid Open ID Connect Provider URL", status=400
            )
        place = url.netloc + url.path.rstrip("/")
        arn = f"arn:aws:iam::{call.principal.account}:oidc-provider/{place}"

        async def work(sheet: Sheet) -> Json:
            if await sheet.get(PROVIDER, arn) is not None:
                raise exists(f"Provider with url {params['Url']} already exists.")
            provider: Json = {
                "Arn": arn,
                "Url": place,
                "Scheme": url.scheme,
                "Created": time(),
                "Clients": _clients(params.get("ClientIDList") or []),
                "Thumbprints": params.get("ThumbprintList") or [],
                "Tags": tagged({}, params.get("Tags") or []),
            }
            keep_provider(sheet, provider)
            return {"OpenIDConnectProviderArn": arn, **extras(provider)}

        return await self._shelf.edit(call, work)

    async def GetOpenIDConnectProvider(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await find_provider(sheet, params["OpenIDConnectProviderArn"])
            return {
                "Url": found["Url"],
                "ClientIDList": found["Clients"],
                "ThumbprintList": found["Thumbprints"],
                "CreateDate": moment(found["Created"]),
                **extras(found),
            }

        return await self._shelf.read(work)

    async def ListOpenIDConnectProviders(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = [{"Arn": id} async for id, _ in sheet.scan(PROVIDER)]
            return {"OpenIDConnectProviderList": found}

        return await self._shelf.read(work)

    async def DeleteOpenIDConnectProvider(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await find_provider(sheet, params["OpenIDConnectProviderArn"])
            sheet.delete(PROVIDER, found["Arn"])
            return {}

        return await self._shelf.edit(call, work)

    async def _change(self, call: Call, params: Json, **members: list[str]) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await find_provider(sheet, params["OpenIDConnectProviderArn"])
            keep_provider(sheet, {**found, **members})
            return {}

        return await self._shelf.edit(call, work)

    async def UpdateOpenIDConnectProviderThumbprint(self, call: Call, params: Json) -> Json:
        return await self._change(call, params, Thumbprints=params["ThumbprintList"])

    async def AddClientIDToOpenIDConnectProvider(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await find_provider(sheet, params["OpenIDConnectProviderArn"])
            clients = dict.fromkeys([*found["Clients"], params["ClientID"]])
            keep_provider(sheet, {**found, "Clients": _clients(list(clients))})
            return {}

        return await self._shelf.edit(call, work)

    async def RemoveClientIDFromOpenIDConnectProvider(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await find_provider(sheet, params["OpenIDConnectProviderArn"])
            left = [each for each in found["Clients"] if each != params["ClientID"]]
            keep_provider(sheet, {**found, "Clients": left})
            return {}

        return await self._shelf.edit(call, work)


def _clients(ids: list[str]) -> list[str]:
    if len(ids) > _CLIENTS:
        raise over("ClientIdsPerOpenIdConnectProvider", _CLIENTS)
    return ids


async def find_provider(sheet: Sheet, arn: str) -> Json:
    """By its ARN. Raises the service's errors."""
    if ":oidc-provider/" not in arn:
        raise invalid(f"Invalid ARN: {arn}")
    found = await sheet.get(PROVIDER, arn)
    if found is None:
        raise missing(f"OpenIDConnect Provider not found for arn {arn}")
    return found


def keep_provider(sheet: Sheet, provider: Json) -> None:
    """Write one."""
    sheet.put(PROVIDER, provider["Arn"], provider)
