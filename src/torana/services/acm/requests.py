"""Certificates that are asked for. They are ordered through ACME's http-01, whatever the service
itself would do.

Source: ACM API Reference, `RequestCertificate`.
"""

from time import time
from uuid import uuid4

from torana.services.acm.facts import invalid
from torana.services.acm.issuing import Issuing
from torana.services.acm.order import KEYS, AcmeMissing, installed
from torana.services.acm.records import CERTIFICATE, Json, the_certificate
from torana.services.acm.tags import merged
from torana.services.apigateway.book import Book, Sheet
from torana.services.given import items
from torana.services.ports import Call
from torana.wire.faults import ServiceError

_SAME = 3600
"""Seconds in which a token means the same request."""
_MOST = 100
"""Names of a certificate."""


def refused(why: str) -> ServiceError:
    """A request that cannot be met."""
    return ServiceError("InvalidParameterException", why)


def validation(certificate: Json) -> Json:
    """How the names of a requested certificate are shown to be ours."""
    if certificate["Type"] != "AMAZON_ISSUED":
        return {}
    done = {"ISSUED": "SUCCESS", "FAILED": "FAILED"}
    status = done.get(certificate["Status"], "PENDING_VALIDATION")
    return {
        "DomainValidationOptions": [
            {
                "DomainName": name,
                "ValidationDomain": name,
                "ValidationStatus": status,
                "ValidationMethod": "HTTP",
            }
            for name in certificate["SubjectAlternativeNames"]
        ]
    }


def _wanted(params: Json) -> tuple[list[str], str]:
    """The names, and the key's algorithm. Raises `ServiceError`."""
    if params.get("ValidationMethod") != "HTTP":
        raise refused("ValidationMethod must be HTTP: names are validated by ACME's http-01")
    for member in ("CertificateAuthorityArn", "ManagedBy", "DomainValidationOptions"):
        if params.get(member):
            raise refused(f"{member} is not supported")
    given = [params["DomainName"], *items(params, "SubjectAlternativeNames")]
    names = list(dict.fromkeys(name.lower() for name in given))
    if any(name.startswith("*") for name in names):
        raise refused("Wildcards cannot be validated by HTTP")
    if len(names) > _MOST:
        raise ServiceError("LimitExceededException", f"A certificate has at most {_MOST} names")
    key = params.get("KeyAlgorithm") or "RSA_2048"
    if key not in KEYS:
        raise refused(f"KeyAlgorithm must be one of {', '.join(KEYS)}")
    return names, key


class Requests:
    """The operations."""

    def __init__(self, book: Book, issuing: Issuing | None) -> None:
        """`issuing`: None where no authority is set."""
        self._book, self._issuing = book, issuing

    def _authority(self) -> Issuing:
        if self._issuing is None:
            raise refused("No authority issues certificates here: set [acme], or import one")
        try:
            installed()
        except AcmeMissing as error:
            raise refused(str(error)) from None
        return self._issuing

    async def RequestCertificate(self, call: Call, params: Json) -> Json:
        issuing = self._authority()
        names, key = _wanted(params)
        token = params.get("IdempotencyToken") or ""
        made: list[str] = []

        async def work(sheet: Sheet) -> Json:
            now = int(time())
            if token:
                async for _, each in sheet.scan(CERTIFICATE):
                    if each.get("Token") == token and each["CreatedAt"] > now - _SAME:
                        return {"CertificateArn": each["CertificateArn"]}
            id = str(uuid4())
            arn = f"arn:aws:acm:{call.region}:{call.principal.account}:certificate/{id}"
            certificate: Json = {
                "Id": id,
                "CertificateArn": arn,
                "CreatedAt": now,
                "Tags": merged({}, items(params, "Tags")),
                "Type": "AMAZON_ISSUED",
                "Status": "PENDING_VALIDATION",
                "DomainName": names[0],
                "SubjectAlternativeNames": names,
                "KeyWanted": key,
                "Token": token,
            }
            sheet.put(CERTIFICATE, id, certificate)
            made[:] = [id]
            return {"CertificateArn": arn}

        answer = await self._book.edit(call, work)
        for id in made:
            issuing.start(id)
        return answer

    async def RenewCertificate(self, call: Call, params: Json) -> Json:
        """At once, without waiting for its last third, or after an order that failed."""
        issuing = self._authority()

        async def work(sheet: Sheet) -> Json:
            found = await the_certificate(sheet, params["CertificateArn"])
            if found["Type"] != "AMAZON_ISSUED":
                raise invalid("Only certificates that were issued here can be renewed")
            if found.get("Trouble"):
                found["LeasedUntil"] = 0
                sheet.put(CERTIFICATE, found["Id"], found)
            return found

        issuing.start((await self._book.edit(call, work))["Id"])
        return {}
