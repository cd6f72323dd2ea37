"""What a certificate says, and whether it can be served: PEM in, members of the service out.

Source: ACM User Guide, "Prerequisites for importing ACM certificates".
"""

from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from torana.wire.faults import ServiceError

Json = dict[str, Any]

_CURVES = {"secp256r1": "EC-prime256v1", "secp384r1": "EC-secp384r1", "secp521r1": "EC-secp521r1"}
_SMALLEST = 2048
"""Bits of an RSA key."""
_USAGES = {
    "digital_signature": "DIGITAL_SIGNATURE",
    "content_commitment": "NON_REPUDIATION",
    "key_encipherment": "KEY_ENCIPHERMENT",
    "data_encipherment": "DATA_ENCIPHERMENT",
    "key_agreement": "KEY_AGREEMENT",
    "key_cert_sign": "CERTIFICATE_SIGNING",
    "crl_sign": "CRL_SIGNING",
}
_EXTENDED = {
    ExtendedKeyUsageOID.SERVER_AUTH: "TLS_WEB_SERVER_AUTHENTICATION",
    ExtendedKeyUsageOID.CLIENT_AUTH: "TLS_WEB_CLIENT_AUTHENTICATION",
    ExtendedKeyUsageOID.CODE_SIGNING: "CODE_SIGNING",
    ExtendedKeyUsageOID.EMAIL_PROTECTION: "EMAIL_PROTECTION",
    ExtendedKeyUsageOID.TIME_STAMPING: "TIME_STAMPING",
    ExtendedKeyUsageOID.OCSP_SIGNING: "OCSP_SIGNING",
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: "ANY",
}


def invalid(why: str) -> ServiceError:
    """A certificate that cannot be used."""
    return ServiceError("ValidationException", why)


def checked(certificate: bytes, key: bytes, chain: bytes | None, now: datetime) -> Json:
    """What the certificate says, if it, its key and its chain fit together and are good now.

    Raises `ServiceError`.
    """
    own = _certificates(certificate, "certificate")
    if len(own) != 1:
        raise invalid(
            "The certificate field contains more than one certificate. You can specify only one "
            "certificate in this field."
        )
    leaf = own[0]
    _fits(leaf, key)
    _signed(leaf, _certificates(chain, "certificate chain") if chain else [])
    if not leaf.not_valid_before_utc <= now < leaf.not_valid_after_utc:
        raise invalid("The certificate is not valid at this time.")
    return facts(leaf)


def _certificates(pem: bytes, field: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise invalid(f"The {field} field holds no certificate in PEM.") from None


def _fits(leaf: x509.Certificate, pem: bytes) -> None:
    try:
        key = serialization.load_pem_private_key(pem, None)
    except TypeError:
        raise invalid("The private key must not be encrypted.") from None
    except (ValueError, UnsupportedAlgorithm):
        raise invalid("The private key field holds no private key in PEM.") from None
    if _public(key.public_key()) != _public(leaf.public_key()):
        raise invalid("The private key is not the one of the certificate.")
    algorithm(leaf)


def _public(key: Any) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    found: bytes = key.public_bytes(serialization.Encoding.DER, form)
    return found


def _signed(leaf: x509.Certificate, chain: list[x509.Certificate]) -> None:
    """Each certificate by the next; one without a chain by itself."""
    links = [leaf, *chain]
    if not chain and leaf.issuer != leaf.subject:
        raise invalid(
            "Provided certificate is not a valid self signed. Please provide either a valid "
            "self-signed certificate or certificate chain."
        )
    for signed, issuer in zip(links, links[1:] if chain else links, strict=False):
        try:
            signed.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            raise invalid(
                "Could not validate the certificate with the certificate chain."
            ) from None


def algorithm(leaf: x509.Certificate) -> str:
    """Of its key, as the service calls it. Raises `ServiceError`."""
    key = leaf.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _SMALLEST:
        return f"RSA-{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    raise invalid(f"The key must be RSA of {_SMALLEST} bits or more, or EC P-256, P-384, P-521.")


def facts(leaf: x509.Certificate) -> Json:
    """The members of the service's description that the certificate itself tells; times in
    seconds."""
    names = _alternatives(leaf)
    common = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    hashed = leaf.signature_hash_algorithm
    signed = "ECDSA" if "ecdsa" in str(leaf.signature_algorithm_oid._name).lower() else "RSA"
    serial = f"{leaf.serial_number:x}"
    serial = serial.zfill(len(serial) + len(serial) % 2)
    issuer = leaf.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
    issuer = issuer or leaf.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return {
        "DomainName": str(common[0].value) if common else (names[0] if names else ""),
        "SubjectAlternativeNames": names,
        "Serial": ":".join(serial[at : at + 2] for at in range(0, len(serial), 2)),
        "Subject": leaf.subject.rfc4514_string(),
        "Issuer": str(issuer[0].value) if issuer else leaf.issuer.rfc4514_string(),
        "NotBefore": int(leaf.not_valid_before_utc.timestamp()),
        "NotAfter": int(leaf.not_valid_after_utc.timestamp()),
        "KeyAlgorithm": algorithm(leaf),
        "SignatureAlgorithm": f"{hashed.name.upper() if hashed else ''}WITH{signed}",
        "KeyUsages": _key_usages(leaf),
        "ExtendedKeyUsages": _extended(leaf),
    }


def _alternatives(leaf: x509.Certificate) -> list[str]:
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return found.get_values_for_type(x509.DNSName)


def _key_usages(leaf: x509.Certificate) -> list[Json]:
    try:
        found = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return [{"Name": "ANY"}]
    return [{"Name": shown} for name, shown in _USAGES.items() if getattr(found, name)]


def _extended(leaf: x509.Certificate) -> list[Json]:
    try:
        found = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return [{"Name": "NONE"}]
    return [{"Name": _EXTENDED.get(each, "CUSTOM"), "OID": each.dotted_string} for each in found]
