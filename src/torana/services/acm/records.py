"""Certificates as they are kept, and as they are found."""

import re
from typing import Any

from torana.services.apigateway.book import DOMAIN, Sheet
from torana.wire.faults import ServiceError

Json = dict[str, Any]

CERTIFICATE = "acm-certificate"
"""Under its id. Members are the service's; `Sealed` is the private key, times are seconds."""
CHALLENGE = "acme-challenge"
"""By token: what an ACME authority wants to read."""
SEALED = "Sealed"
_ARN = re.compile(r"arn:aws[a-z-]*:acm:[a-z0-9-]*:\d*:certificate/([A-Za-z0-9-]+)")


def id_of(arn: str) -> str:
    """A certificate's id. Raises `ServiceError`."""
    found = _ARN.fullmatch(arn)
    if found is None:
        raise ServiceError("InvalidArnException", f"Invalid certificate arn: {arn}")
    return found[1]


async def the_certificate(sheet: Sheet, arn: str) -> Json:
    """Raises `ServiceError`."""
    found = await sheet.get(CERTIFICATE, id_of(arn))
    if found is None or found["CertificateArn"] != arn:
        account = arn.split(":")[4]
        raise ServiceError(
            "ResourceNotFoundException",
            f"Could not find certificate {arn} in account {account}.",
        )
    return found


async def used_by(sheet: Sheet, arn: str) -> list[str]:
    """The custom domain names that show a certificate."""
    region = arn.split(":")[3]
    return [
        f"arn:aws:apigateway:{region}::/domainnames/{name}"
        async for name, domain in sheet.scan(DOMAIN)
        if arn in (domain.get("certificateArn"), domain.get("regionalCertificateArn"))
    ]
