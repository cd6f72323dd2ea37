"""Data keys: made, kept in the store under a master key, opened at the start, rotated.

The master key, a file or a key of KMS, wraps data keys and nothing else. So a rotation makes new
data keys and leaves what is encrypted alone, and another master key only wraps them anew.
"""

import asyncio
import base64
import binascii
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct, structs

from torana.auth.signer import SigningCredentials, sign
from torana.data_settings import MasterKey
from torana.message import Headers, Request, read
from torana.net.client import Client, HttpClient, Timeouts
from torana.sealing import Vault
from torana.sealing.vault import ID
from torana.services.credentials import BadCredentials, outgoing_credentials
from torana.services.seal import KeyFile
from torana.settings import BadSettings, Settings
from torana.state import open_store
from torana.state.covered import DATA_KEY, CoveredStore
from torana.state.store import Change, Conflict, Deleted, Store, StoreUnavailable

_log = logging.getLogger("torana")

_TIMEOUTS = Timeouts(5.0, 10.0, 10.0, 15.0)
_LEAD = 2.0
"""Seconds from a rotation until the new key is used, so that every process knows it by then."""
_NONCE = 12


class Wrapped(Struct, frozen=True):
    """A data key as the store has it."""

    purpose: str
    active: float
    """When it is used from, in seconds since 1970."""
    master: str
    """What it is wrapped with."""
    key: str


class Master(Protocol):
    """Wraps data keys. `name` is what a wrapped one remembers of it."""

    name: str

    async def wrap(self, key: bytes, purpose: str) -> str:
        """Raises `BadSettings`."""
        ...

    async def unwrap(self, wrapped: str, purpose: str) -> bytes:
        """Raises `BadSettings`."""
        ...


class FileMaster:
    """Implements `Master` with a file of 32 bytes."""

    def __init__(self, path: Path, *, make: bool) -> None:
        """`make`: it may be made, for nothing is wrapped with it. Raises `BadSettings`."""
        self._path = path
        try:
            if not make and not path.exists():
                raise BadSettings(
                    f"encryption: {path} is not there, and the store's data keys are wrapped with"
                    " a key file: put it back"
                )
            path.parent.mkdir(parents=True, exist_ok=True)
            key = KeyFile(path).secret()
        except OSError as error:
            raise BadSettings(f"encryption: {path}: {error.strerror}") from error
        if len(key) != 32:
            raise BadSettings(f"encryption: {path} must hold 32 bytes, it holds {len(key)}")
        self._cipher = AESGCM(key)
        self.name = f"file:{sha256(b'torana master key' + key).hexdigest()[:16]}"

    async def wrap(self, key: bytes, purpose: str) -> str:
        """See `Master`."""
        nonce = secrets.token_bytes(_NONCE)
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, key, purpose.encode())).decode()

    async def unwrap(self, wrapped: str, purpose: str) -> bytes:
        """See `Master`."""
        try:
            data = base64.b64decode(wrapped, validate=True)
            return self._cipher.decrypt(data[:_NONCE], data[_NONCE:], purpose.encode())
        except (InvalidTag, ValueError, binascii.Error) as error:
            raise BadSettings(
                f"encryption: a data key for {purpose} was changed in the store: restore a backup"
            ) from error


class KmsMaster:
    """Implements `Master` with a key of KMS, by any endpoint that speaks it."""

    def __init__(self, given: MasterKey, client: Client, environment: Mapping[str, str]) -> None:
        """Raises `BadSettings`."""
        self._key, self._region = given.kms_key, given.kms_region
        self.name = f"kms:{given.kms_key}"
        url = urlsplit(given.kms_endpoint or f"https://kms.{self._region}.amazonaws.com")
        if url.scheme not in ("http", "https") or not url.hostname:
            raise BadSettings("encryption.kms_endpoint: must be an http:// or https:// address")
        port = url.port or (443 if url.scheme == "https" else 80)
        self._host, self._origin = url.netloc, client.origin(url.scheme, url.hostname, port)
        try:
            found = outgoing_credentials(given.kms_profile, environment)
        except BadCredentials as error:
            raise BadSettings(f"encryption.kms_key: {error}") from error
        if found is None:
            raise BadSettings("encryption.kms_key: needs a kms_profile or AWS_ACCESS_KEY_ID")
        self._credentials: SigningCredentials = found

    async def wrap(self, key: bytes, purpose: str) -> str:
        """See `Master`."""
        plain = base64.b64encode(key).decode()
        return (await self._ask("Encrypt", purpose, Plaintext=plain))["CiphertextBlob"]

    async def unwrap(self, wrapped: str, purpose: str) -> bytes:
        """See `Master`."""
        found = await self._ask("Decrypt", purpose, CiphertextBlob=wrapped)
        return base64.b64decode(found["Plaintext"])

    async def _ask(self, operation: str, purpose: str, **given: str) -> dict[str, str]:
        context = {"torana:purpose": purpose}
        body = {"KeyId": self._key, "EncryptionContext": context, **given}
        fields = Headers(
            [
                ("Host", self._host),
                ("Content-Type", "application/x-amz-json-1.1"),
                ("X-Amz-Target", f"TrentService.{operation}"),
            ]
        )
        asked = Request("POST", "/", fields, msgspec.json.encode(body))
        signed = sign(asked, self._credentials, region=self._region, service="kms")
        try:
            reply = await self._origin.send(signed, _TIMEOUTS)
            answer = await read(reply.body, 1 << 20)
        except (OSError, TimeoutError) as error:
            raise BadSettings(f"encryption: KMS at {self._host} does not answer: {error}") from None
        if reply.status != 200:
            told = answer.decode("utf-8", "replace")[:300]
            raise BadSettings(f"encryption: KMS refuses {operation} with {self._key}: {told}")
        return msgspec.json.decode(answer)


class Encryption:
    """The data keys of a process. `vault` is empty until `open`."""

    def __init__(self, settings: Settings, environment: Mapping[str, str], client: Client) -> None:
        self._settings, self._environment, self._client = settings, environment, client
        wanted = settings.encryption
        self.vault = Vault(wanted.covers if wanted else ())
        self._store: Store | None = None
        self._master: Master | None = None
        self._seen: set[str] = set()

    async def open(self, store: Store) -> Store:
        """The store, as everybody else is to have it. Raises `BadSettings`."""
        wanted, found = self._settings.encryption, await wrapped_keys(store)
        if wanted is None:
            if found:
                raise BadSettings(
                    "encryption: the store holds data keys, but there is no [encryption] in the"
                    " settings: set it, with covers = [] to write nothing encrypted any more"
                )
            return store
        self._store = store
        master = self._master = self._opened(
            wanted,
            any(each.master.startswith("file:") for each in found.values())
            and wanted.previous is None,
        )
        for id, each in found.items():
            if each.master != master.name:
                await self._wrap_anew(store, id, each, master)
        await self._look(await wrapped_keys(store))
        for purpose in wanted.covers:
            if self.vault.current(purpose) is None:
                await self._make(purpose, 0.0)
        return CoveredStore(store, self.vault.cover("store"), self.renew)

    def _opened(self, given: MasterKey, there: bool) -> Master:
        if given.kms_key:
            return KmsMaster(given, self._client, self._environment)
        path = Path(given.key_file or self._settings.folder() / "encryption.key")
        return FileMaster(path, make=not there)

    async def _wrap_anew(self, store: Store, id: str, found: Wrapped, master: Master) -> None:
        wanted = self._settings.encryption
        before = wanted and wanted.previous and self._opened(wanted.previous, there=True)
        if before is None or before.name != found.master:
            raise BadSettings(
                f"encryption: data key {id} is wrapped with {found.master}, the settings name"
                f" {master.name}: put the right key back, or name it in encryption.previous"
            )
        key = await before.unwrap(found.key, found.purpose)
        fresh = structs.replace(
            found, master=master.name, key=await master.wrap(key, found.purpose)
        )
        document = await store.get(DATA_KEY, id)
        if document is not None:
            try:
                body = msgspec.json.encode(fresh)
                await store.commit([Change(DATA_KEY, id, document.version, body)])
            except Conflict:
                return  # Another process wraps them, too.

    async def _make(self, purpose: str, active: float) -> str:
        assert self._store is not None and self._master is not None
        id, key = secrets.token_bytes(ID), AESGCM.generate_key(256)
        wrapped = Wrapped(purpose, active, self._master.name, await self._master.wrap(key, purpose))
        await self._store.commit([Change(DATA_KEY, id.hex(), 0, msgspec.json.encode(wrapped))])
        self.vault.put(id, purpose, key)
        if active <= time.time():
            self.vault.use(id)
        self._seen.add(id.hex())
        return id.hex()

    async def rotate(self) -> list[str]:
        """New data keys for what is covered; their ids. Raises `BadSettings`."""
        return [await self._make(each, time.time() + _LEAD) for each in self.vault.covers]

    async def renew(self) -> None:
        """Take in what other processes have made. Raises `StoreUnavailable`, also when what opens
        the keys is away."""
        assert self._store is not None
        try:
            await self._look(await wrapped_keys(self._store))
        except BadSettings as error:
            raise StoreUnavailable(str(error)) from error

    async def _look(self, found: Mapping[str, Wrapped]) -> None:
        assert self._master is not None
        for id, each in found.items():
            if id not in self._seen:
                key = await self._master.unwrap(each.key, each.purpose)
                self.vault.put(bytes.fromhex(id), each.purpose, key)
                self._seen.add(id)
        now = time.time()
        for id, each in sorted(found.items(), key=lambda item: item[1].active):
            if each.active <= now:
                self.vault.use(bytes.fromhex(id))

    async def follow(self) -> None:
        """Know new keys when they are made, and use them from when they are to be, for ever."""
        if self._store is None:
            return
        revision = await self._store.revision()
        await self.renew()
        async for news in self._store.watch(revision, (DATA_KEY,)):
            if all(isinstance(each, Deleted) for each in news.events) and not news.resync:
                continue
            for pause in (_LEAD, 0.0):
                try:
                    await self.renew()
                except StoreUnavailable as error:
                    _log.error("new data keys cannot be opened yet: %s", error)
                await asyncio.sleep(pause)


async def wrapped_keys(store: Store) -> dict[str, Wrapped]:
    """The data keys by id, as the store has them."""
    return {
        each.id: msgspec.json.decode(each.body, type=Wrapped) async for each in store.scan(DATA_KEY)
    }


@asynccontextmanager
async def opened(
    settings: Settings, environment: Mapping[str, str]
) -> AsyncGenerator[tuple[Store, Encryption]]:
    """The store and its keys for a command beside the gateway. Raises `BadSettings`."""
    client = HttpClient()
    store = await open_store(settings.store_url())
    try:
        encryption = Encryption(settings, environment, client)
        yield await encryption.open(store), encryption
    finally:
        await store.close()
        await client.aclose()
