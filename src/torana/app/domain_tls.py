"""TLS of custom domain names, live: each with the certificate, the versions and the trust store
that the control plane says, made anew when that changes."""

import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from torana.message import BodyTooLarge, read
from torana.net.tls import ServerContext, Version, named_context
from torana.services.acm.records import CERTIFICATE, SEALED
from torana.services.apigateway.book import DOMAIN
from torana.services.seal import KeyFile
from torana.state.objects import ObjectError, ObjectStore
from torana.state.store import Deleted, Store

_log = logging.getLogger("torana")

Json = dict[str, Any]
Trust = Callable[[str], Awaitable[str]]
"""The trust store at an address, in PEM. Raises `ValueError`."""
_KINDS = (CERTIFICATE, DOMAIN)
_LARGEST = 1024 * 1024
"""Bytes of a trust store."""


def minimum_version(policy: str) -> Version:
    """Of a security policy. Source: Developer Guide, "Security policies"; nothing below TLS 1.2 is
    ever spoken here."""
    return "1.3" if "TLS13_1_3" in policy or "TLS13_2025" in policy else "1.2"


def trust_stores(objects: ObjectStore) -> Trust:
    """Those in buckets of our own."""

    async def read_pem(uri: str) -> str:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        try:
            found = await objects.get(bucket, key)
            text = (await read(objects.read(found, 0, found.size), _LARGEST)).decode("ascii")
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(cadata=text)
        except ObjectError:
            raise ValueError(f"The trust store {uri} was not found") from None
        except BodyTooLarge:
            raise ValueError(f"The trust store {uri} is over {_LARGEST} bytes") from None
        except (UnicodeDecodeError, ssl.SSLError):
            raise ValueError(f"The trust store {uri} holds no certificates in PEM") from None
        return text

    return read_pem


class DomainTls:
    """The contexts of this process."""

    def __init__(
        self,
        store: Store,
        seal: KeyFile,
        trust: Trust,
        usual: Callable[[], tuple[str, str] | None],
    ) -> None:
        """`usual`: chain and key, in PEM, of names that have no certificate here."""
        self._store, self._seal, self._trust, self._usual = store, seal, trust, usual
        self._documents: dict[str, dict[str, Json]] = {kind: {} for kind in _KINDS}
        self._contexts: Mapping[str, ServerContext | None] = {}
        self.guarded: frozenset[str] = frozenset()
        """Names whose clients must show a certificate."""
        self._revision = 0

    def find(self, default: ServerContext, name: str) -> ServerContext | None:
        """How TLS is spoken under a name; None: not at all."""
        return self._contexts.get(name, default)

    async def load(self) -> None:
        """Take in everything there is."""
        self._revision = await self._store.revision()
        self._documents = {kind: {} for kind in _KINDS}
        for kind in _KINDS:
            async for document in self._store.scan(kind):
                self._documents[kind][document.id] = msgspec.json.decode(document.body)
        await self._renew(set(self._documents[DOMAIN]))

    async def follow(self) -> None:
        """Take in what changes, for ever."""
        async for news in self._store.watch(self._revision, _KINDS):
            if news.resync:
                await self.load()
                continue
            changed: set[str] = set()
            for event in news.events:
                if isinstance(event, Deleted):
                    self._documents[event.kind].pop(event.id, None)
                else:
                    self._documents[event.kind][event.id] = msgspec.json.decode(event.body)
                changed |= {event.id} if event.kind == DOMAIN else self._shown_by(event.id)
            await self._renew(changed)

    def _shown_by(self, certificate: str) -> set[str]:
        return {
            name
            for name, domain in self._documents[DOMAIN].items()
            if _arn(domain).endswith(f"certificate/{certificate}")
        }

    async def _renew(self, names: set[str]) -> None:
        domains = self._documents[DOMAIN]
        made = {name: found for name, found in self._contexts.items() if name in domains}
        self.guarded = frozenset(name for name in domains if _trust_store(domains[name]))
        for name in names & domains.keys():
            try:
                context = await self._context(name, domains[name])
            except (ValueError, OSError) as error:
                _log.error("the TLS of %s is not renewed: %s", name, error)
                if name in self.guarded:
                    # Nobody is let in who would not be with the trust store that is meant.
                    made[name] = None
                continue
            if context is None:
                made.pop(name, None)
            else:
                made[name] = context
        self._contexts = made

    async def _context(self, name: str, domain: Json) -> ServerContext | None:
        """Raises `ValueError` and `OSError`."""
        arn, store = _arn(domain), _trust_store(domain)
        certificate = self._documents[CERTIFICATE].get(arn.rpartition("/")[2])
        if certificate is not None and certificate["CertificateArn"] == arn:
            chain = f"{certificate['Certificate']}\n{certificate['CertificateChain']}"
            shown = chain, self._seal.open(certificate[SEALED]).decode()
        elif store or minimum_version(domain.get("securityPolicy", "")) == "1.3":
            found = self._usual()
            if found is None:
                return None
            shown = found
        else:
            return None
        trusted = await self._trust(store) if store else None
        minimum = minimum_version(domain.get("securityPolicy", ""))
        try:
            return named_context(name, *shown, trusted, minimum)
        except ssl.SSLError as error:
            raise ValueError(str(error)) from error


def _arn(domain: Json) -> str:
    return domain.get("regionalCertificateArn") or domain.get("certificateArn") or ""


def _trust_store(domain: Json) -> str:
    found: Json = domain.get("mutualTlsAuthentication") or {}
    return str(found.get("truststoreUri") or "")
