"""Which VPC endpoints may use private custom domain names.

Source: API Gateway API Reference, "CreateDomainNameAccessAssociation"; Developer Guide, "Custom
domain names for private APIs". Off AWS there is one network: a private domain name answers as soon
as it is associated with any VPC endpoint.
"""

import re

from torana.services.apigateway.book import ACCESS, DOMAIN, Book, Json, Sheet, page
from torana.services.apigateway.faults import bad, conflict, not_found
from torana.services.ports import Call

_ENDPOINT = re.compile(r"vpce-[0-9a-f]{8,17}")
_ARN = re.compile(r"arn:aws:apigateway:[^:]*:\d{12}:/domainnames/([^/+]+)\+([a-z0-9]+)")


def is_private(domain: Json) -> bool:
    """Whether a domain name is for VPC endpoints only."""
    return "PRIVATE" in domain["endpointConfiguration"]["types"]


class DomainAccess:
    """The operations."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def CreateDomainNameAccessAssociation(self, call: Call, params: Json) -> Json:
        source = params["accessAssociationSource"]
        if not _ENDPOINT.fullmatch(source):
            raise bad(f"Invalid VPC endpoint identifier: {source}")

        async def work(sheet: Sheet) -> Json:
            domain = await _private(sheet, params["domainNameArn"])
            name, id = domain["domainName"], domain["domainNameId"]
            if await sheet.get(ACCESS, f"{name}/{source}") is not None:
                raise conflict("The domain name access association already exists.")
            owner = f"arn:aws:apigateway:{call.region}:{call.principal.account}:"
            made: Json = {
                "domainNameAccessAssociationArn": f"{owner}/domainnameaccessassociations/"
                f"domainname/{name}+{id}/vpcesource/{source}",
                "domainNameArn": params["domainNameArn"],
                "accessAssociationSourceType": params["accessAssociationSourceType"],
                "accessAssociationSource": source,
                "tags": params.get("tags") or {},
            }
            sheet.put(ACCESS, f"{name}/{source}", made)
            return made

        return await self._book.edit(call, work)

    async def GetDomainNameAccessAssociations(self, call: Call, params: Json) -> Json:
        """There is one account: others own none."""

        async def work(sheet: Sheet) -> Json:
            if params.get("resourceOwner") == "OTHER_ACCOUNTS":
                return {"items": list[Json]()}
            found = [each async for _, each in sheet.scan(ACCESS)]
            return page(found, params, "domainNameAccessAssociationArn")

        return await self._book.read(work)

    async def DeleteDomainNameAccessAssociation(self, call: Call, params: Json) -> Json:
        return await self._remove(call, params["domainNameAccessAssociationArn"])

    async def RejectDomainNameAccessAssociation(self, call: Call, params: Json) -> Json:
        return await self._remove(
            call, params["domainNameAccessAssociationArn"], params["domainNameArn"]
        )

    async def _remove(self, call: Call, arn: str, domain_arn: str | None = None) -> Json:
        async def work(sheet: Sheet) -> Json:
            async for id, each in sheet.scan(ACCESS):
                same = domain_arn in (None, each["domainNameArn"])
                if each["domainNameAccessAssociationArn"] == arn and same:
                    sheet.delete(ACCESS, id)
                    return {}
            raise not_found("Invalid domain name access association identifier specified")

        return await self._book.edit(call, work)


async def _private(sheet: Sheet, arn: str) -> Json:
    found = _ARN.fullmatch(arn)
    domain = await sheet.get(DOMAIN, found[1]) if found else None
    if found is None or domain is None or domain.get("domainNameId") != found[2]:
        raise bad(f"Invalid domain name ARN: {arn}")
    return domain
