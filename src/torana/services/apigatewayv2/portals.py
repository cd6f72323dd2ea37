"""Developer portals: what they show, and to whom.

Source: API Gateway Developer Guide, "API Gateway portals", and the API reference. What a portal
shows is frozen when it is published: a change of it, or of its products, is seen at the next
publication. Portals answer under the default name alone; a name of one's own is the node's setting
(`[portal]`), and so are previews, alarms of real users and other accounts not there: they are
refused.
"""

from collections.abc import Callable
from time import time
from typing import Any

from torana.services.apigateway.faults import bad, conflict, not_found
from torana.services.apigatewayv2.book import (
    PORTAL,
    PRODUCT,
    PUBLISHED,
    Book,
    Json,
    Sheet,
    given,
    new_id,
    page,
)
from torana.services.apigatewayv2.portal_products import arn_of, frozen, product_of
from torana.services.cognito_idp.directory import CLIENT, POOL, key
from torana.services.moments import moment
from torana.services.ports import Call

_ZONE = "Z0000000000000"
"""The service names the zone of its own domain; there is none here."""
_KEPT = ("IncludedPortalProductArns", "LogoUri", "PortalContent", "Tags")


async def the_portal(sheet: Sheet, id: str) -> Json:
    """Raises the service's error."""
    found = await sheet.get(PORTAL, id)
    if found is None:
        raise not_found(f"Invalid Portal identifier specified {id}")
    return found


def shown(portal: Json) -> Json:
    """As the service answers it."""
    dates = {
        name: moment(portal[name]) for name in ("LastModified", "LastPublished") if name in portal
    }
    kept = {name: value for name, value in portal.items() if name != "LogoUri"}
    return {**kept, **dates}


class Portals:
    """Operations on portals."""

    def __init__(self, book: Book, domain: Callable[[str], str]) -> None:
        """`domain`: the default name of a portal, by its id."""
        self._book, self._domain = book, domain

    async def CreatePortal(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            id = new_id()
            portal: Json = {
                "PortalId": id,
                "PortalArn": arn_of(call, f"portals/{id}"),
                "IncludedPortalProductArns": [],
                "Tags": {},
                **given(params, _KEPT),
                "Authorization": await _authorization(sheet, params["Authorization"]),
                "EndpointConfiguration": self._endpoint(id, params["EndpointConfiguration"]),
                "LastModified": time(),
                "PublishStatus": "DISABLED",
            }
            await _check(sheet, portal, params)
            sheet.put(PORTAL, id, portal)
            return shown(portal)

        return await self._book.edit(call, work)

    async def GetPortal(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return shown(await the_portal(sheet, params["PortalId"]))

        return await self._book.read(work)

    async def ListPortals(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return page([shown(each) async for _, each in sheet.scan(PORTAL)], params)

        return await self._book.read(work)

    async def UpdatePortal(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            portal = await the_portal(sheet, params["PortalId"])
            for name in ("IncludedPortalProductArns", "LogoUri", "PortalContent"):
                if params.get(name) is not None:
                    portal[name] = params[name]
            if params.get("Authorization") is not None:
                portal["Authorization"] = await _authorization(sheet, params["Authorization"])
            if params.get("EndpointConfiguration") is not None:
                self._endpoint(portal["PortalId"], params["EndpointConfiguration"])
            await _check(sheet, portal, params)
            portal["LastModified"] = time()
            sheet.put(PORTAL, portal["PortalId"], portal)
            return shown(portal)

        return await self._book.edit(call, work)

    async def DeletePortal(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            portal = await sheet.get(PORTAL, params["PortalId"])
            if portal is None:
                return {}
            if portal["PublishStatus"] != "DISABLED":
                raise bad("The portal is published: disable it first")
            sheet.delete(PORTAL, portal["PortalId"])
            return {}

        return await self._book.edit(call, work)

    async def PublishPortal(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            portal = await the_portal(sheet, params["PortalId"])
            arns: list[str] = portal["IncludedPortalProductArns"]
            products = [await frozen(sheet, product_of(arn)) for arn in arns]
            portal["PublishStatus"], portal["LastPublished"] = "PUBLISHED", time()
            portal.pop("LastPublishedDescription", None)
            if params.get("Description"):
                portal["LastPublishedDescription"] = params["Description"]
            sheet.put(PORTAL, portal["PortalId"], portal)
            before = await sheet.get(PUBLISHED, portal["PortalId"]) or {}
            since = before.get("Since") or portal["LastPublished"]
            shown_so = {"Portal": portal, "Products": products, "Since": since}
            sheet.put(PUBLISHED, portal["PortalId"], shown_so)
            return {}

        return await self._book.edit(call, work)

    async def DisablePortal(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            portal = await the_portal(sheet, params["PortalId"])
            if await sheet.get(PUBLISHED, portal["PortalId"]) is None:
                raise conflict("The portal is not published")
            portal["PublishStatus"] = "DISABLED"
            sheet.put(PORTAL, portal["PortalId"], portal)
            sheet.delete(PUBLISHED, portal["PortalId"])
            return {}

        return await self._book.edit(call, work)

    async def PreviewPortal(self, call: Call, params: Json) -> Json:
        raise bad("Previews of portals are not supported: publish another portal to look at it")

    def _endpoint(self, id: str, asked: Json) -> Json:
        """Raises the service's error."""
        if asked.get("AcmManaged"):
            raise bad("A portal has its default name here; [portal] host sets another for a node")
        return {
            "PortalDefaultDomainName": self._domain(id),
            "PortalDomainHostedZoneId": _ZONE,
        }


async def _check(sheet: Sheet, portal: Json, params: Json) -> None:
    """Raises the service's error."""
    if params.get("RumAppMonitorName"):
        raise bad("RumAppMonitorName is not supported: there is no CloudWatch RUM here")
    if portal.get("LogoUri"):
        raise bad("LogoUri is not supported: portals show no pictures of other places")
    arns: list[str] = portal["IncludedPortalProductArns"]
    if len(set(arns)) < len(arns):
        raise bad("IncludedPortalProductArns names a product twice")
    for arn in arns:
        product = await sheet.get(PRODUCT, product_of(arn))
        if product is None or product["PortalProductArn"] != arn:
            raise bad(f"Invalid portal product ARN specified: {arn}")


async def _authorization(sheet: Sheet, asked: Json) -> Json:
    """Raises the service's error."""
    config: dict[str, Any] | None = asked.get("CognitoConfig")
    if (config is None) == (asked.get("None") is None):
        raise bad("Authorization must have exactly one of CognitoConfig and None")
    if config is None:
        return {"None": {}}
    pool = config["UserPoolArn"].rpartition("/")[2]
    if ":userpool/" not in config["UserPoolArn"] or await sheet.get(POOL, pool) is None:
        raise bad(f"Invalid user pool ARN specified: {config['UserPoolArn']}")
    client = await sheet.get(CLIENT, key(pool, config["AppClientId"]))
    if client is None:
        raise bad(f"Invalid app client specified: {config['AppClientId']}")
    if "secret" in client.get("sealed", {}):
        raise bad("The app client must not have a client secret")
    if "ALLOW_USER_PASSWORD_AUTH" not in client.get("ExplicitAuthFlows", ()):
        raise bad("The app client must allow ALLOW_USER_PASSWORD_AUTH")
    return {"CognitoConfig": config}
