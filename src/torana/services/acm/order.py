"""An order for a certificate at an ACME authority (RFC 8555), by http-01. Blocking: for a thread.

The protocol is the `acme` package's, Certbot's own.
"""

# The package and its messages are built at run time; what comes out of here is typed.
# pyright: basic

from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

_PATIENCE = timedelta(minutes=5)
_TIMEOUT = 30
"""Seconds of one request."""
_AGENT = "torana"

KEYS: Mapping[str, Any] = {
    "RSA_2048": lambda: rsa.generate_private_key(65537, 2048),
    "EC_prime256v1": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EC_secp384r1": lambda: ec.generate_private_key(ec.SECP384R1()),
}
"""Algorithms, by the service's names."""


class OrderFailed(Exception):
    """The authority did not issue. The message says why."""


class AcmeMissing(Exception):
    """The package is not installed."""


def pem_of(key: Any) -> bytes:
    """A private key in PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def installed() -> None:
    """Raises `AcmeMissing`."""
    try:
        import_module("acme.client")
    except ImportError as error:
        raise AcmeMissing(f"{error.name!r} is missing: pip install 'torana[acme]'") from error


class Order:
    """One certificate: `begin`, publish the challenges, `finish`."""

    def __init__(
        self, directory: str, contact: str, ca: str | None, account: bytes, names: tuple[str, ...]
    ) -> None:
        """`ca`: a file with whom to trust as the directory's own certificate's authority."""
        self._directory, self._contact, self._ca = directory, contact, ca
        self._account, self._names = account, names

    def begin(self, key: bytes) -> dict[str, str]:
        """Order it for a private key. Gives what is to be answered at
        `/.well-known/acme-challenge/{token}`, by token. Raises `OrderFailed`."""
        try:
            return self._begin(key)
        except Exception as error:
            raise _failed(error) from error

    def finish(self) -> str:
        """Have the challenges looked at, and take the certificate with its chain, in PEM.
        Raises `OrderFailed`."""
        try:
            for challenge, response in self._challenges:
                self._client.answer_challenge(challenge, response)
            # The package reckons in local time without a zone.
            deadline = datetime.now() + _PATIENCE
            return self._client.poll_and_finalize(self._order, deadline).fullchain_pem
        except Exception as error:
            raise _failed(error) from error

    def _begin(self, key: bytes) -> dict[str, str]:
        client, challenges = import_module("acme.client"), import_module("acme.challenges")
        jose = import_module("josepy")
        account = jose.JWKRSA(key=serialization.load_pem_private_key(self._account, None))
        net = client.ClientNetwork(
            account, user_agent=_AGENT, verify_ssl=self._ca or True, timeout=_TIMEOUT
        )
        directory = client.ClientV2.get_directory(self._directory, net)
        self._client = client.ClientV2(directory, net)
        self._register()
        self._order = self._client.new_order(_csr(key, self._names))
        self._challenges: list[tuple[Any, Any]] = []
        found: dict[str, str] = {}
        for authorization in self._order.authorizations:
            if authorization.body.status.name == "valid":
                continue
            offered = [
                each
                for each in authorization.body.challenges
                if isinstance(each.chall, challenges.HTTP01)
            ]
            if not offered:
                raise OrderFailed("the authority offers no http-01 challenge")
            response, text = offered[0].response_and_validation(account)
            self._challenges.append((offered[0], response))
            found[offered[0].chall.encode("token")] = text
        return found

    def _register(self) -> None:
        """The account, made at the first time."""
        messages, errors = import_module("acme.messages"), import_module("acme.errors")
        wanted = messages.NewRegistration.from_data(
            email=self._contact or None, terms_of_service_agreed=True
        )
        try:
            self._client.new_account(wanted)
        except errors.ConflictError as there:
            found = messages.RegistrationResource(body=wanted, uri=there.location)
            self._client.query_registration(found)


def _csr(key: bytes, names: tuple[str, ...]) -> bytes:
    alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(subject if len(names[0]) <= 64 else x509.Name([]))
        .add_extension(alternatives, critical=False)
        .sign(serialization.load_pem_private_key(key, None), hashes.SHA256())  # type: ignore[arg-type]
    )
    return request.public_bytes(serialization.Encoding.PEM)


def _failed(error: Exception) -> OrderFailed:
    """What the authority said, as far as it did."""
    authorizations = getattr(error, "failed_authzrs", ())
    said = [
        f"{authorization.body.identifier.value}: {challenge.error.detail}"
        for authorization in authorizations
        for challenge in authorization.body.challenges
        if challenge.error is not None
    ]
    return OrderFailed("; ".join(said) or str(error) or type(error).__name__)
