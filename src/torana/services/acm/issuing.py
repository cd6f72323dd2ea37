"""Certificates issued here, and renewed: ordered at the ACME authority of the settings.

What is kept survives the process: a certificate that is asked for is ordered again at the next
start, and one lease in its document keeps the processes of several nodes from ordering it twice.
"""

import asyncio
import logging
from datetime import UTC, datetime
from time import time

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from torana.services.acm.facts import facts
from torana.services.acm.order import KEYS, Order, OrderFailed, pem_of
from torana.services.acm.records import CERTIFICATE, CHALLENGE, SEALED, Json
from torana.services.background import Background
from torana.services.documents import keep
from torana.services.seal import KeyFile
from torana.settings import Acme
from torana.state.store import Change, Conflict, Document, Store

_log = logging.getLogger("torana.acm")

_ACCOUNT = "acme-account"
"""By the directory's address: the account's private key, sealed."""
_LEASE = 600
"""Seconds that one process has for an order."""
_PAUSE = 3600
"""Seconds after an order that failed: authorities count those."""
_LOOK = 600.0
"""Seconds between two looks for what must be ordered."""
_RENEW = 1 / 3
"""Of its life, before the end of which a certificate is renewed."""


class Issuing:
    """Orders certificates in the background."""

    def __init__(self, store: Store, seal: KeyFile, acme: Acme, background: Background) -> None:
        self._store, self._seal = store, seal
        self._acme, self._background = acme, background

    def start(self, id: str) -> None:
        """Order a certificate that is kept as pending."""
        self._background.start(self._issue(id), "the order of a certificate")

    async def watch(self) -> None:
        """Order what is pending, renew what ends, for ever."""
        while True:
            async for document in self._store.scan(CERTIFICATE):
                if _is_due(msgspec.json.decode(document.body), time()):
                    self.start(document.id)
            await asyncio.sleep(_LOOK)

    async def _issue(self, id: str) -> None:
        certificate = await self._lease(id)
        if certificate is None:
            return
        key = await asyncio.to_thread(lambda: pem_of(KEYS[certificate["KeyWanted"]]()))
        names = tuple(certificate["SubjectAlternativeNames"])
        try:
            chain = await self._order(names, key)
        except OrderFailed as error:
            _log.error("no certificate for %s: %s", ", ".join(names), error)
            pending = certificate["Status"] == "PENDING_VALIDATION"
            failed = {"Status": "FAILED", "FailureReason": "OTHER"} if pending else {}
            later = int(time()) + _PAUSE
            await self._write(id, {**failed, "LeasedUntil": later, "Trouble": str(error)})
            return
        leaf, *others = x509.load_pem_x509_certificates(chain.encode())
        made = {
            **facts(leaf),
            "Status": "ISSUED",
            "IssuedAt": int(datetime.now(UTC).timestamp()),
            "Certificate": _pem(leaf),
            "CertificateChain": "".join(map(_pem, others)),
            SEALED: await asyncio.to_thread(self._seal.close, key),
            "LeasedUntil": 0,
            "Trouble": "",
        }
        await self._write(id, made)
        _log.info("a certificate for %s was issued", ", ".join(names))

    async def _order(self, names: tuple[str, ...], key: bytes) -> str:
        """The chain, in PEM. Raises `OrderFailed`."""
        acme = self._acme
        order = Order(acme.directory, acme.contact, acme.ca, await self._account(), names)
        challenges = await asyncio.to_thread(order.begin, key)
        try:
            for token, text in challenges.items():
                await keep(self._store, CHALLENGE, token, text.encode())
            return await asyncio.to_thread(order.finish)
        finally:
            for token in challenges:
                await keep(self._store, CHALLENGE, token, None)

    async def _account(self) -> bytes:
        """The account's key, made at the first order."""
        found = await self._store.get(_ACCOUNT, self._acme.directory)
        if found is None:
            made = await asyncio.to_thread(lambda: pem_of(KEYS["RSA_2048"]()))
            sealed = self._seal.close(made).encode()
            try:
                await self._store.commit([Change(_ACCOUNT, self._acme.directory, 0, sealed)])
            except Conflict:
                return await self._account()
            return made
        return self._seal.open(found.body.decode())

    async def _lease(self, id: str) -> Json | None:
        """The certificate, for this process to order; None: another one has it, or it is gone."""
        found = await self._store.get(CERTIFICATE, id)
        if found is None:
            return None
        certificate: Json = msgspec.json.decode(found.body)
        if certificate.get("LeasedUntil", 0) > time():
            return None
        certificate["LeasedUntil"] = int(time()) + _LEASE
        try:
            await self._store.commit([_change(found, certificate)])
        except Conflict:
            return None
        return certificate

    async def _write(self, id: str, members: Json) -> None:
        """Into the document as it is by then; nothing if it was deleted meanwhile."""
        while True:
            found = await self._store.get(CERTIFICATE, id)
            if found is None:
                return
            try:
                await self._store.commit(
                    [_change(found, {**msgspec.json.decode(found.body), **members})]
                )
            except Conflict:
                continue
            return


def _change(found: Document, body: Json) -> Change:
    return Change(CERTIFICATE, found.id, found.version, msgspec.json.encode(body))


def _is_due(certificate: Json, now: float) -> bool:
    if certificate["Type"] != "AMAZON_ISSUED" or certificate.get("Status") == "FAILED":
        return False
    if certificate["Status"] == "PENDING_VALIDATION":
        return True
    life = certificate["NotAfter"] - certificate["NotBefore"]
    return bool(now > certificate["NotAfter"] - life * _RENEW)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
