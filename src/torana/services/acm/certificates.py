"""Certificates: imported, described, listed, deleted.

Source: ACM API Reference.
"""

import asyncio
from datetime import UTC, datetime
from time import time
from uuid import uuid4

from torana.services.acm.facts import checked, invalid
from torana.services.acm.records import CERTIFICATE, SEALED, Json, the_certificate, used_by
from torana.services.acm.requests import validation
from torana.services.acm.tags import merged
from torana.services.apigateway.book import Book, Sheet
from torana.services.given import items, members
from torana.services.moments import moment
from torana.services.ports import Call
from torana.services.seal import KeyFile
from torana.wire.faults import ServiceError

_TIMES = ("CreatedAt", "ImportedAt", "IssuedAt", "NotBefore", "NotAfter")
_SHOWN = (
    "CertificateArn",
    "DomainName",
    "SubjectAlternativeNames",
    "Serial",
    "Subject",
    "Issuer",
    "KeyAlgorithm",
    "SignatureAlgorithm",
    "KeyUsages",
    "ExtendedKeyUsages",
    "Type",
    "FailureReason",
)
_PAGE = 1000


class Certificates:
    """The operations."""

    def __init__(self, book: Book, seal: KeyFile) -> None:
        self._book, self._seal = book, seal

    async def ImportCertificate(self, call: Call, params: Json) -> Json:
        given, key, chain = (
            params["Certificate"],
            params["PrivateKey"],
            params.get("CertificateChain"),
        )
        again = params.get("CertificateArn")
        if again and params.get("Tags"):
            raise ServiceError(
                "InvalidParameterException", "Tags cannot be given when a certificate is reimported"
            )
        found = await asyncio.to_thread(checked, given, key, chain or None, datetime.now(UTC))
        sealed = await asyncio.to_thread(self._seal.close, key)

        async def work(sheet: Sheet) -> Json:
            now = int(time())
            made: Json
            if again:
                made = await the_certificate(sheet, again)
            else:
                id = str(uuid4())
                arn = f"arn:aws:acm:{call.region}:{call.principal.account}:certificate/{id}"
                tags = merged({}, items(params, "Tags"))
                made = {"Id": id, "CertificateArn": arn, "CreatedAt": now, "Tags": tags}
            made |= found
            made |= {
                "Type": "IMPORTED",
                "ImportedAt": now,
                "Certificate": given.decode(),
                "CertificateChain": chain.decode() if chain else "",
                SEALED: sealed,
            }
            sheet.put(CERTIFICATE, made["Id"], made)
            return {"CertificateArn": made["CertificateArn"]}

        return await self._book.edit(call, work)

    async def DescribeCertificate(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await the_certificate(sheet, params["CertificateArn"])
            return {
                "Certificate": {
                    **{name: found[name] for name in _SHOWN if name in found},
                    **{name: moment(found[name]) for name in _TIMES if name in found},
                    **validation(found),
                    "Status": _status(found),
                    "InUseBy": await used_by(sheet, found["CertificateArn"]),
                    "RenewalEligibility": _eligible(found),
                    "Options": {"CertificateTransparencyLoggingPreference": "DISABLED"},
                }
            }

        return await self._book.read(work)

    async def GetCertificate(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await the_certificate(sheet, params["CertificateArn"])
            if "Certificate" not in found:
                raise ServiceError(
                    "RequestInProgressException",
                    f"The certificate {found['CertificateArn']} is not issued yet",
                )
            made = {"Certificate": found["Certificate"]}
            chain = found["CertificateChain"]
            return {**made, "CertificateChain": chain} if chain else made

        return await self._book.read(work)

    async def ListCertificates(self, call: Call, params: Json) -> Json:
        statuses = items(params, "CertificateStatuses")
        wanted = members(params, "Includes")
        kinds, most = items(wanted, "keyTypes"), params.get("MaxItems") or _PAGE
        after = params.get("NextToken") or ""

        async def work(sheet: Sheet) -> Json:
            shown: list[Json] = []
            async for id, each in sheet.scan(CERTIFICATE):
                kind = each.get("KeyAlgorithm", "").replace("-", "_")
                fits = kind in kinds if kinds else True
                if id > after and fits and (not statuses or _status(each) in statuses):
                    shown.append({"Id": id, **await _summary(sheet, each)})
            page = shown[:most]
            made: Json = {"CertificateSummaryList": page}
            if len(shown) > most:
                made["NextToken"] = page[-1]["Id"]
            for each in page:
                del each["Id"]
            return made

        return await self._book.read(work)

    async def DeleteCertificate(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            arn = params["CertificateArn"]
            found = await the_certificate(sheet, arn)
            if await used_by(sheet, arn):
                account = call.principal.account
                raise ServiceError(
                    "ResourceInUseException", f"Certificate {arn} in account {account} is in use."
                )
            sheet.delete(CERTIFICATE, found["Id"])
            return {}

        return await self._book.edit(call, work)

    async def ExportCertificate(self, call: Call, params: Json) -> Json:
        """Imported certificates cannot be exported, as on the service."""

        async def work(sheet: Sheet) -> Json:
            found = await the_certificate(sheet, params["CertificateArn"])
            raise invalid(
                f"Certificate ARN: {found['CertificateArn']} is not a private certificate"
            )

        return await self._book.read(work)


def _eligible(certificate: Json) -> str:
    """Those that are issued here are renewed here."""
    issued = certificate["Type"] == "AMAZON_ISSUED" and "NotAfter" in certificate
    return "ELIGIBLE" if issued else "INELIGIBLE"


def _status(certificate: Json) -> str:
    if "NotAfter" not in certificate:
        return str(certificate["Status"])
    return "ISSUED" if certificate["NotAfter"] > time() else "EXPIRED"


async def _summary(sheet: Sheet, found: Json) -> Json:
    names = found["SubjectAlternativeNames"]
    return {
        "CertificateArn": found["CertificateArn"],
        "DomainName": found["DomainName"],
        "SubjectAlternativeNameSummaries": names[:100],
        "HasAdditionalSubjectAlternativeNames": len(names) > 100,
        "Status": _status(found),
        "Type": found["Type"],
        "KeyAlgorithm": found.get("KeyAlgorithm") or found["KeyWanted"].replace("_", "-", 1),
        "KeyUsages": [each["Name"] for each in found.get("KeyUsages", ())],
        "ExtendedKeyUsages": [each["Name"] for each in found.get("ExtendedKeyUsages", ())],
        "InUse": bool(await used_by(sheet, found["CertificateArn"])),
        "RenewalEligibility": _eligible(found),
        **{name: moment(found[name]) for name in _TIMES if name in found},
    }
