"""VPC links: ways to backends that are not reachable from everywhere.

Source: API Gateway API reference, "CreateVpcLink"; where a link leads is the node's setting.
"""

from collections.abc import Callable

from torana.net.tasks import spawn
from torana.services.apigateway.book import (
    DEPLOYMENT,
    STAGE,
    VPC_LINK,
    Book,
    Json,
    Sheet,
    new_id,
    page,
)
from torana.services.apigateway.faults import bad, not_found
from torana.services.apigateway.patch import EDIT, Rule, patch
from torana.services.ports import Call

_RULES = (Rule("/name"), Rule("/description", EDIT))
_ARN = "arn:aws:elasticloadbalancing:"


def load_balancer(arn: str) -> str:
    """The name of a load balancer."""
    parts = arn.partition(":loadbalancer/")[2].split("/")
    return parts[1] if len(parts) > 2 else parts[0]


class VpcLinks:
    """Operations on VPC links. `leads` says whether the node knows where a link leads."""

    def __init__(self, book: Book, leads: Callable[[Json], bool]) -> None:
        self._book, self._leads = book, leads

    async def CreateVpcLink(self, call: Call, params: Json) -> Json:
        targets = params["targetArns"]
        if not params["name"].strip():
            raise bad("Name cannot be empty")
        if len(targets) != 1 or not targets[0].startswith(_ARN) or not load_balancer(targets[0]):
            raise bad("Vpc Link targets must be exactly one Network Load Balancer ARN")

        async def work(sheet: Sheet) -> Json:
            kept = ("name", "description", "targetArns", "tags")
            link: Json = {
                "id": new_id(6),
                **{each: params[each] for each in kept if params.get(each)},
                "status": "PENDING",
            }
            sheet.put(VPC_LINK, link["id"], link)
            return link

        made = await self._book.edit(call, work)
        spawn(self._settle(call, made["id"]), "settle a VPC link")
        return made

    async def _settle(self, call: Call, id: str) -> Json | None:
        """Whether the link leads anywhere is found out once it is kept."""

        async def work(sheet: Sheet) -> Json | None:
            link = await sheet.get(VPC_LINK, id)
            if link is None or link["status"] != "PENDING":
                return link
            if self._leads(link):
                link["status"] = "AVAILABLE"
            else:
                name = load_balancer(link["targetArns"][0])
                link["status"] = "FAILED"
                link["statusMessage"] = f"There is no [vpc_links.{name}] in the gateway's settings."
            sheet.put(VPC_LINK, id, link)
            return link

        return await self._book.edit(call, work)

    async def GetVpcLink(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return await _link(sheet, params["vpcLinkId"])

        return await self._book.read(work)

    async def GetVpcLinks(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return page([link async for _, link in sheet.scan(VPC_LINK)], params)

        return await self._book.read(work)

    async def UpdateVpcLink(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            link = await _link(sheet, params["vpcLinkId"])
            patch(link, params.get("patchOperations"), _RULES)
            sheet.put(VPC_LINK, link["id"], link)
            return link

        return await self._book.edit(call, work)

    async def DeleteVpcLink(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            link = await _link(sheet, params["vpcLinkId"])
            users = await _users(sheet, link["id"])
            if users:
                raise bad(
                    f"Cannot delete vpc link. Vpc link '{link['id']}', is referenced in "
                    f"[{', '.join(users)}] in format of [API:Stage]"
                )
            sheet.delete(VPC_LINK, link["id"])
            return {}

        return await self._book.edit(call, work)


async def _link(sheet: Sheet, id: str) -> Json:
    found = await sheet.get(VPC_LINK, id)
    if found is None:
        raise not_found("VpcLink not found")
    return found


async def _users(sheet: Sheet, id: str) -> list[str]:
    """The stages whose deployments go through a link."""
    users: list[str] = []
    named = f'"connectionId":"{id}"'
    async for place, stage in sheet.scan(STAGE):
        deployment = await sheet.get(
            DEPLOYMENT, f"{place.partition('/')[0]}/{stage.get('deploymentId')}"
        )
        if any(named in method for method in (deployment or {}).get("apiMethods", ())):
            users.append(place.replace("/", ":"))
    return users
