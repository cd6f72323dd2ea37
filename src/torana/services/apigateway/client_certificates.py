"""Client certificates: how a backend knows that a request comes from this gateway.

Source: Developer Guide, "Generate and configure an SSL certificate for backend authentication".
"""

import asyncio
from datetime import UTC, datetime, timedelta
from time import time
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from torana.services.apigateway.book import CLIENT_CERTIFICATE, STAGE, Book, Json, Sheet, page
from torana.services.apigateway.book import new_id as _new_id
from torana.services.apigateway.faults import bad, missing
from torana.services.apigateway.patch import CLEAR, EDIT, Rule, patch
from torana.services.ports import Call

_RULES = (Rule("/description", EDIT, null=CLEAR),)
_VALID = timedelta(days=365)
_SECRET = "sealedKey"  # noqa: S105
_SUBJECT = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
        x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "Washington"),
        x509.NameAttribute(NameOID.LOCALITY_NAME, "Seattle"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Amazon.com"),
        x509.NameAttribute(NameOID.COMMON_NAME, "ApiGateway"),
    ]
)


class Seal(Protocol):
    """Encrypts what is kept."""

    def close(self, plain: bytes) -> str: ...
    def open(self, sealed: str) -> bytes: ...


def generate(now: datetime) -> tuple[str, bytes]:
    """A certificate of a year, signed by itself, and its private key, both in PEM."""
    key = rsa.generate_private_key(65537, 2048)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_SUBJECT)
        .issuer_name(_SUBJECT)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _VALID)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), private


def opened(document: Json, seal: Seal) -> tuple[str, str]:
    """Certificate and private key in PEM. Raises `ValueError` where the key is not of this node."""
    return document["pemEncodedCertificate"], seal.open(document[_SECRET]).decode()


class ClientCertificates:
    """Operations on client certificates."""

    def __init__(self, book: Book, seal: Seal | None) -> None:
        self._book, self._seal = book, seal

    async def GenerateClientCertificate(self, call: Call, params: Json) -> Json:
        seal = self._seal
        if seal is None:
            raise bad("This gateway has no data plane to present a client certificate")
        pem, private = await asyncio.to_thread(generate, datetime.now(UTC))
        sealed = await asyncio.to_thread(seal.close, private)
        now = int(time())

        async def work(sheet: Sheet) -> Json:
            kept = {name: params[name] for name in ("description", "tags") if params.get(name)}
            made: Json = {
                "clientCertificateId": _new_id(6),
                **kept,
                "pemEncodedCertificate": pem,
                "createdDate": now,
                "expirationDate": now + int(_VALID.total_seconds()),
                _SECRET: sealed,
            }
            sheet.put(CLIENT_CERTIFICATE, made["clientCertificateId"], made)
            return _shown(made)

        return await self._book.edit(call, work)

    async def GetClientCertificate(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return _shown(await _certificate(sheet, params))

        return await self._book.read(work)

    async def GetClientCertificates(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = [_shown(each) async for _, each in sheet.scan(CLIENT_CERTIFICATE)]
            return page(found, params, "clientCertificateId")

        return await self._book.read(work)

    async def UpdateClientCertificate(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await _certificate(sheet, params)
            patch(found, params.get("patchOperations"), _RULES)
            sheet.put(CLIENT_CERTIFICATE, found["clientCertificateId"], found)
            return _shown(found)

        return await self._book.edit(call, work)

    async def DeleteClientCertificate(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await _certificate(sheet, params)
            id = found["clientCertificateId"]
            async for place, stage in sheet.scan(STAGE):
                if stage.get("clientCertificateId") == id:
                    raise bad(f"Client certificate {id} is in use by stage {place}")
            sheet.delete(CLIENT_CERTIFICATE, id)
            return {}

        return await self._book.edit(call, work)


async def _certificate(sheet: Sheet, params: Json) -> Json:
    found = await sheet.get(CLIENT_CERTIFICATE, params["clientCertificateId"])
    if found is None:
        raise missing("Client Certificate")
    return found


def _shown(document: Json) -> Json:
    dates = {
        name: datetime.fromtimestamp(document[name], UTC)
        for name in ("createdDate", "expirationDate")
    }
    return {**{name: document[name] for name in document if name != _SECRET}, **dates}
