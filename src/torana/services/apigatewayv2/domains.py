"""Custom domain names and API mappings: the ones of REST APIs, as this service shows them."""

import re
from hashlib import sha256

from torana.services.apigateway.book import API as REST_API
from torana.services.apigateway.book import STAGE as REST_STAGE
from torana.services.apigateway.book import VERSION_SET
from torana.services.apigateway.domains import NONE, keep_trust
from torana.services.apigateway.faults import bad, conflict, not_found
from torana.services.apigateway.plane import Trust
from torana.services.apigatewayv2.book import (
    API,
    DOMAIN,
    MAPPING,
    RULE,
    STAGE,
    Book,
    Json,
    Sheet,
    new_id,
    page,
)
from torana.services.ports import Call

_TRUST = {"truststoreUri": "TruststoreUri", "truststoreVersion": "TruststoreVersion"}
SELECTION = "$request.basepath"
_NAME = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_KEY = re.compile(r"[A-Za-z0-9._$+!*'()-]+(/[A-Za-z0-9._$+!*'()-]+)*")


async def the_domain(sheet: Sheet, name: str) -> Json:
    """A domain name's document. Raises the service's error."""
    found = await sheet.get(DOMAIN, name.lower())
    if found is None:
        raise not_found("Invalid domain name identifier specified")
    return found


async def check_stage(sheet: Sheet, api_id: str, stage: str) -> None:
    """That there is such a stage, of whatever kind of API. Raises the service's error."""
    for api, of in ((API, STAGE), (REST_API, REST_STAGE)):
        if await sheet.get(api, api_id) is not None:
            if await sheet.get(of, f"{api_id}/{stage}") is None:
                raise bad("Invalid stage identifier specified")
            return
    raise not_found(f"Invalid API identifier specified {api_id}")


def _trust_shown(domain: Json) -> Json:
    mutual: Json = domain.get("mutualTlsAuthentication") or {}
    shown = {given: mutual[name] for name, given in _TRUST.items() if name in mutual}
    return {"MutualTlsAuthentication": shown} if shown else {}


def _shown(domain: Json, call: Call) -> Json:
    """A domain's document as this service answers it."""
    endpoint = domain.get("endpointConfiguration", {})
    certificate = domain.get("regionalCertificateArn") or domain.get("certificateArn")
    configuration = {
        "ApiGatewayDomainName": domain["regionalDomainName"],
        "DomainNameStatus": domain["domainNameStatus"],
        "EndpointType": next(iter(endpoint.get("types", ())), "REGIONAL"),
        "HostedZoneId": "Z1UJRXOUMOOFQ8",
        "IpAddressType": endpoint.get("ipAddressType", "ipv4"),
        "SecurityPolicy": domain.get("securityPolicy", "TLS_1_2"),
        **({"CertificateArn": certificate} if certificate else {}),
    }
    return {
        "ApiMappingSelectionExpression": SELECTION,
        "DomainName": domain["domainName"],
        "DomainNameArn": f"arn:aws:apigateway:{call.region}::/domainnames/{domain['domainName']}",
        "DomainNameConfigurations": [configuration],
        **_trust_shown(domain),
        "RoutingMode": domain.get("routingMode", "API_MAPPING_ONLY"),
        "Tags": domain.get("tags", {}),
    }


def _configure(domain: Json, params: Json) -> None:
    """Take over what was given of a domain. Raises the service's error."""
    mutual = params.get("MutualTlsAuthentication")
    if mutual is not None:
        domain["mutualTlsAuthentication"] = {
            name: mutual[given] for name, given in _TRUST.items() if mutual.get(given) is not None
        }
    configurations = params.get("DomainNameConfigurations") or ()
    if len(configurations) > 1:
        raise bad("A domain name can have only one configuration here")
    for each in configurations:
        endpoint = domain["endpointConfiguration"]
        if each.get("EndpointType", "REGIONAL") != "REGIONAL":
            raise bad("Only endpoint type REGIONAL is supported")
        endpoint["ipAddressType"] = each.get("IpAddressType") or endpoint["ipAddressType"]
        if each.get("CertificateArn"):
            domain["regionalCertificateArn"] = each["CertificateArn"]
        domain["securityPolicy"] = each.get("SecurityPolicy") or domain["securityPolicy"]
    mode = params.get("RoutingMode")
    if mode:
        domain["routingMode"] = mode


class Domains:
    """Operations on domain names."""

    def __init__(self, book: Book, cannot_trust: Trust) -> None:
        self._book, self._cannot_trust = book, cannot_trust

    async def CreateDomainName(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            name = params["DomainName"].lower()
            if not _NAME.fullmatch(name):
                raise bad(f"Invalid domain name: {name}")
            if await sheet.get(DOMAIN, name) is not None:
                raise conflict("The domain name you provided already exists.")
            made: Json = {
                "domainName": name,
                "endpointConfiguration": {"types": ["REGIONAL"], "ipAddressType": "ipv4"},
                "regionalDomainName": f"d-{new_id()}.execute-api.{call.region}.amazonaws.com",
                "domainNameStatus": "AVAILABLE",
                "securityPolicy": "TLS_1_2",
                **({"tags": params["Tags"]} if params.get("Tags") else {}),
            }
            _configure(made, params)
            await keep_trust(made, self._cannot_trust)
            sheet.put(DOMAIN, name, made)
            return _shown(made, call)

        return await self._book.edit(call, work)

    async def GetDomainName(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return _shown(await the_domain(sheet, params["DomainName"]), call)

        return await self._book.read(work)

    async def GetDomainNames(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return page([_shown(each, call) async for _, each in sheet.scan(DOMAIN)], params)

        return await self._book.read(work)

    async def UpdateDomainName(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await the_domain(sheet, params["DomainName"])
            _configure(found, params)
            await keep_trust(found, self._cannot_trust)
            sheet.put(DOMAIN, found["domainName"], found)
            return _shown(found, call)

        return await self._book.edit(call, work)

    async def DeleteDomainName(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await the_domain(sheet, params["DomainName"])
            for kind in (MAPPING, RULE, VERSION_SET):
                async for id, _ in sheet.scan(kind, f"{found['domainName']}/"):
                    sheet.delete(kind, id)
            sheet.delete(DOMAIN, found["domainName"])
            return {}

        return await self._book.edit(call, work)


def _mapping(mapping: Json) -> Json:
    """A base path mapping as this service answers it."""
    base = mapping["basePath"]
    made = {
        "ApiId": mapping["restApiId"],
        "ApiMappingId": mapping_id(mapping),
        "Stage": mapping.get("stage", ""),
    }
    return made if base == NONE else {**made, "ApiMappingKey": base}


def mapping_id(mapping: Json) -> str:
    """Its own, or, for one that was made as a base path mapping, one that follows from the path."""
    own: str | None = mapping.get("apiMappingId")
    return own or sha256(mapping["basePath"].encode()).hexdigest()[:6]


class Mappings:
    """Operations on API mappings."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def _all(self, sheet: Sheet, params: Json) -> tuple[str, list[Json]]:
        domain = (await the_domain(sheet, params["DomainName"]))["domainName"]
        return domain, [each async for _, each in sheet.scan(MAPPING, f"{domain}/")]

    async def _one(self, sheet: Sheet, params: Json) -> tuple[str, Json]:
        domain, mappings = await self._all(sheet, params)
        for each in mappings:
            if mapping_id(each) == params["ApiMappingId"]:
                return domain, each
        raise not_found("The api mapping resource specified in the request was not found.")

    async def _put(self, sheet: Sheet, domain: str, mapping: Json, before: str | None) -> None:
        """Raises the service's error for a path that is taken, or leads nowhere."""
        base = mapping["basePath"]
        if base != NONE and (not _KEY.fullmatch(base) or len(base) > 300):
            raise bad(f"Invalid API mapping key specified: {base}")
        await check_stage(sheet, mapping["restApiId"], mapping["stage"])
        if base != before:
            if await sheet.get(MAPPING, f"{domain}/{base}") is not None:
                raise conflict("ApiMapping key already exists for this domain name")
            if before is not None:
                sheet.delete(MAPPING, f"{domain}/{before}")
        sheet.put(MAPPING, f"{domain}/{base}", mapping)

    async def CreateApiMapping(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            domain = (await the_domain(sheet, params["DomainName"]))["domainName"]
            made: Json = {
                "basePath": params.get("ApiMappingKey") or NONE,
                "restApiId": params["ApiId"],
                "stage": params["Stage"],
                "apiMappingId": new_id(6),
            }
            await self._put(sheet, domain, made, None)
            return _mapping(made)

        return await self._book.edit(call, work)

    async def GetApiMapping(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return _mapping((await self._one(sheet, params))[1])

        return await self._book.read(work)

    async def GetApiMappings(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            _, mappings = await self._all(sheet, params)
            return page([_mapping(each) for each in mappings], params)

        return await self._book.read(work)

    async def UpdateApiMapping(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            domain, found = await self._one(sheet, params)
            before = found["basePath"]
            found["apiMappingId"] = mapping_id(found)
            found["restApiId"] = params["ApiId"]
            if params.get("ApiMappingKey") is not None:
                found["basePath"] = params["ApiMappingKey"] or NONE
            found["stage"] = params.get("Stage") or found["stage"]
            await self._put(sheet, domain, found, before)
            return _mapping(found)

        return await self._book.edit(call, work)

    async def DeleteApiMapping(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            domain, found = await self._one(sheet, params)
            sheet.delete(MAPPING, f"{domain}/{found['basePath']}")
            return {}

        return await self._book.edit(call, work)
