"""The certificate that a client showed under mutual TLS, as events and logs tell of it.

Source: Developer Guide, "Configure mutual TLS authentication for an HTTP API", and the variable
reference, `$context.identity.clientCert`.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from torana.gateway.contract import Context


def client_certificate(ctx: Context) -> Mapping[str, Any] | None:
    """None: the client showed none."""
    der = ctx.request.peer.certificate
    return None if der is None else _told(der)


@lru_cache(maxsize=256)
def _told(der: bytes) -> Mapping[str, Any]:
    found = x509.load_der_x509_certificate(der)
    serial = f"{found.serial_number:x}"
    serial = serial.zfill(len(serial) + len(serial) % 2)
    return {
        "clientCertPem": found.public_bytes(Encoding.PEM).decode(),
        "subjectDN": found.subject.rfc4514_string(),
        "issuerDN": found.issuer.rfc4514_string(),
        "serialNumber": ":".join(serial[at : at + 2] for at in range(0, len(serial), 2)),
        "validity": {
            "notBefore": _date(found.not_valid_before_utc),
            "notAfter": _date(found.not_valid_after_utc),
        },
    }


def _date(date: datetime) -> str:
    """`May 28 12:30:02 2019 GMT`."""
    return f"{date:%b} {date.day:2} {date:%H:%M:%S %Y} GMT"
