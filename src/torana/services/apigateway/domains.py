"""Custom domain names, and which stage answers under which of their paths."""

import re

from torana.services.apigateway.apis import the_api
from torana.services.apigateway.book import (
    ACCESS,
    DOMAIN,
    MAPPING,
    STAGE,
    VERSION_SET,
    Book,
    Json,
    Sheet,
    new_id,
    page,
)
from torana.services.apigateway.domain_access import is_private
from torana.services.apigateway.faults import bad, conflict, missing
from torana.services.apigateway.patch import EDIT, Rule, patch
from torana.services.apigateway.plane import Trust
from torana.services.ports import Call

NONE = "(none)"
"""The service's name for the empty base path."""
_NAME = re.compile(r"(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*")
_RULES = (
    Rule("/certificateName"),
    Rule("/certificateArn"),
    Rule("/regionalCertificateArn"),
    Rule("/regionalCertificateName"),
    Rule("/securityPolicy"),
    Rule("/mutualTlsAuthentication/truststoreUri", EDIT),
    Rule("/mutualTlsAuthentication/truststoreVersion", EDIT),
    Rule("/endpointConfiguration/types/*", EDIT, listed=True),
    Rule("/endpointConfiguration/ipAddressType"),
)
_MAPPING_RULES = (Rule("/basePath"), Rule("/restapiId"), Rule("/restApiId"), Rule("/stage", EDIT))
_SHOWN = ("basePath", "restApiId", "stage")
"""Of a mapping: `apigatewayv2` keeps more."""
_KEPT = (
    "certificateArn",
    "certificateName",
    "regionalCertificateArn",
    "regionalCertificateName",
    "securityPolicy",
    "mutualTlsAuthentication",
    "tags",
)


_MODES = {"ROUTING_RULE_THEN_BASE_PATH_MAPPING": "ROUTING_RULE_THEN_API_MAPPING"}
"""The words of this API, and those that both APIs' documents have."""
_SPOKEN = {theirs: ours for ours, theirs in _MODES.items()} | {
    "API_MAPPING_ONLY": "BASE_PATH_MAPPING_ONLY"
}


def _shown(domain: Json) -> Json:
    mode = domain.get("routingMode")
    return domain if mode is None else {**domain, "routingMode": _SPOKEN.get(mode, mode)}


def _refuse_unsupported(params: Json, types: list[str]) -> None:
    if params.get("certificateBody") or params.get("certificatePrivateKey"):
        raise bad("Import the certificate with ACM, and give its ARN")
    if params.get("endpointAccessMode") == "STRICT":
        raise bad("endpointAccessMode STRICT is not supported")
    if params.get("policy"):
        private = "PRIVATE" in types
        why = "is not supported: use the API's own" if private else "is for private ones"
        raise bad(f"A policy of a domain name {why}")


async def _domain(sheet: Sheet, name: str) -> Json:
    found = await sheet.get(DOMAIN, name)
    if found is None:
        raise missing("domain name")
    return found


async def _mapping(sheet: Sheet, params: Json) -> Json:
    found = await sheet.get(MAPPING, f"{params['domainName']}/{params['basePath']}")
    if found is None:
        raise missing("base path mapping")
    return found


async def check_trust(mutual: Json | None, cannot_trust: Trust) -> None:
    """That the trust store of a domain name can be used. Raises the service's error."""
    if not mutual:
        return
    if mutual.get("truststoreVersion"):
        raise bad("truststoreVersion is not supported: buckets here keep no versions")
    uri = mutual.get("truststoreUri") or ""
    if not uri.startswith("s3://"):
        raise bad(f"Invalid truststoreUri, it must be s3://bucket/key: {uri}")
    why = await cannot_trust(uri)
    if why is not None:
        raise bad(why)


async def keep_trust(domain: Json, cannot_trust: Trust) -> None:
    """The same of a document that was changed; an empty address turns mutual TLS off."""
    mutual: Json = domain.get("mutualTlsAuthentication") or {}
    if not mutual.get("truststoreUri"):
        domain.pop("mutualTlsAuthentication", None)
        return
    await check_trust(mutual, cannot_trust)


class Domains:
    """Operations on domain names and base path mappings."""

    def __init__(self, book: Book, cannot_trust: Trust) -> None:
        self._book, self._cannot_trust = book, cannot_trust

    async def CreateDomainName(self, call: Call, params: Json) -> Json:
        await check_trust(params.get("mutualTlsAuthentication"), self._cannot_trust)

        async def work(sheet: Sheet) -> Json:
            name = params["domainName"].lower()
            if not _NAME.fullmatch(name) or "*" in name:
                raise bad(f"Invalid domain name: {name}")
            if await sheet.get(DOMAIN, name) is not None:
                raise conflict("The domain name you provided already exists.")
            given = params.get("endpointConfiguration", {})
            _refuse_unsupported(params, given.get("types") or ["EDGE"])
            made: Json = {
                "domainName": name,
                **{each: params[each] for each in _KEPT if params.get(each)},
                "endpointConfiguration": {"types": ["EDGE"], "ipAddressType": "ipv4", **given},
                "regionalDomainName": f"d-{new_id()}.execute-api.{call.region}.amazonaws.com",
                "domainNameStatus": "AVAILABLE",
            }
            made.setdefault("securityPolicy", "TLS_1_2")
            mode = params.get("routingMode")
            if mode:
                made["routingMode"] = _MODES.get(mode, mode)
            if is_private(made):
                id = new_id()
                owner = f"arn:aws:apigateway:{call.region}:{call.principal.account}"
                made["domainNameId"] = id
                made["domainNameArn"] = f"{owner}:/domainnames/{name}+{id}"
            sheet.put(DOMAIN, name, made)
            return _shown(made)

        return await self._book.edit(call, work)

    async def GetDomainName(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return _shown(await _domain(sheet, params["domainName"]))

        return await self._book.read(work)

    async def GetDomainNames(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return page(
                [_shown(each) async for _, each in sheet.scan(DOMAIN)], params, "domainName"
            )

        return await self._book.read(work)

    async def UpdateDomainName(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await _domain(sheet, params["domainName"])
            patch(found, params.get("patchOperations"), _RULES)
            await keep_trust(found, self._cannot_trust)
            sheet.put(DOMAIN, found["domainName"], found)
            return _shown(found)

        return await self._book.edit(call, work)

    async def DeleteDomainName(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await _domain(sheet, params["domainName"])
            for kind in (MAPPING, ACCESS, VERSION_SET):
                async for id, _ in sheet.scan(kind, f"{found['domainName']}/"):
                    sheet.delete(kind, id)
            sheet.delete(DOMAIN, found["domainName"])
            return {}

        return await self._book.edit(call, work)

    async def CreateBasePathMapping(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            domain = await _domain(sheet, params["domainName"])
            base = params.get("basePath") or NONE
            made = {"basePath": base, "restApiId": params["restApiId"]}
            if params.get("stage"):
                made["stage"] = params["stage"]
            await self._fits(sheet, call, made)
            if await sheet.get(MAPPING, f"{domain['domainName']}/{base}") is not None:
                raise conflict("Base path already exists for this domain name")
            sheet.put(MAPPING, f"{domain['domainName']}/{base}", made)
            return made

        return await self._book.edit(call, work)

    async def _fits(self, sheet: Sheet, call: Call, mapping: Json) -> None:
        api = await the_api(sheet, call, mapping["restApiId"])
        stage = mapping.get("stage")
        if not stage:
            raise bad("A base path mapping needs a stage")
        if await sheet.get(STAGE, f"{api['id']}/{stage}") is None:
            raise bad("Invalid stage identifier specified")

    async def GetBasePathMapping(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return await _mapping(sheet, params)

        return await self._book.read(work)

    async def GetBasePathMappings(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            domain = await _domain(sheet, params["domainName"])
            found = [
                {name: each[name] for name in _SHOWN if name in each}
                async for _, each in sheet.scan(MAPPING, f"{domain['domainName']}/")
            ]
            return page(found, params, "basePath")

        return await self._book.read(work)

    async def UpdateBasePathMapping(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await _mapping(sheet, params)
            patch(found, params.get("patchOperations"), _MAPPING_RULES)
            found["restApiId"] = found.pop("restapiId", found["restApiId"])
            await self._fits(sheet, call, found)
            before = f"{params['domainName']}/{params['basePath']}"
            after = f"{params['domainName']}/{found['basePath'] or NONE}"
            if after != before:
                await sheet.get(MAPPING, after)
                sheet.delete(MAPPING, before)
            sheet.put(MAPPING, after, found)
            return found

        return await self._book.edit(call, work)

    async def DeleteBasePathMapping(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await _mapping(sheet, params)
            sheet.delete(MAPPING, f"{params['domainName']}/{found['basePath']}")
            return {}

        return await self._book.edit(call, work)
