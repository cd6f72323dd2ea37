"""Encrypting and decrypting under a key, and data keys.

A ciphertext names its key and which of the key's materials it is under; the encryption context is
authenticated with it. Source: KMS API Reference, "Encrypt", "Decrypt", "GenerateDataKey".
"""

import secrets
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from torana.services.apigateway.book import Sheet
from torana.services.kms.ring import KEY, Json, Ring, dry, refuse
from torana.services.kms.rotation import is_due, rotate
from torana.services.ports import Call
from torana.wire.faults import ServiceError

_FORM = b"\x01"
_ID, _VERSION, _NONCE = 16, 2, 12
_SIZES = {"AES_128": 16, "AES_256": 32}
_USAGE = "ENCRYPT_DECRYPT"


class Crypto:
    """The operations."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring

    async def _key(self, call: Call, name: str) -> Json:
        """A key to encrypt with, rotated if its time has come."""

        async def look(sheet: Sheet) -> Json:
            return await self._ring.usable(sheet, call, name, _USAGE)

        key = await self._ring.book.read(look)
        if not is_due(key):
            return key

        async def work(sheet: Sheet) -> Json:
            found = await look(sheet)
            if is_due(found):
                rotate(self._ring, found, "AUTOMATIC")
                sheet.put(KEY, found["KeyId"], found)
            return found

        return await self._ring.book.edit(call, work)

    def _encrypted(self, key: Json, plain: bytes, context: Json | None) -> bytes:
        version = len(key["materials"]) - 1
        head = _FORM + UUID(key["KeyId"]).bytes + version.to_bytes(_VERSION)
        nonce = secrets.token_bytes(_NONCE)
        sealed = AESGCM(self._ring.opened(key, version)).encrypt(
            nonce, plain, _bound(head, context)
        )
        return head + nonce + sealed

    async def _decrypted(
        self, call: Call, blob: bytes, context: Json | None, name: str | None
    ) -> tuple[Json, bytes]:
        start = len(_FORM) + _ID + _VERSION
        head, nonce, sealed = blob[:start], blob[start : start + _NONCE], blob[start + _NONCE :]
        if not head.startswith(_FORM) or len(sealed) < 16:
            raise _invalid()
        id = str(UUID(bytes=head[1 : 1 + _ID]))
        version = int.from_bytes(head[-_VERSION:])

        async def look(sheet: Sheet) -> Json:
            if name is not None:
                wanted = await self._ring.find(sheet, call, name)
                if wanted["KeyId"] != id:
                    raise ServiceError(
                        "IncorrectKeyException",
                        "The key ID in the request does not identify a CMK that can perform "
                        "this operation.",
                    )
            if await sheet.get(KEY, id) is None:
                raise _invalid()
            return await self._ring.usable(sheet, call, id, _USAGE)

        key = await self._ring.book.read(look)
        if version >= len(key["materials"]):
            raise _invalid()
        try:
            cipher = AESGCM(self._ring.opened(key, version))
            return key, cipher.decrypt(nonce, sealed, _bound(head, context))
        except InvalidTag:
            raise _invalid() from None

    async def Encrypt(self, call: Call, params: Json) -> Json:
        _symmetric(params, "EncryptionAlgorithm")
        key = await self._key(call, params["KeyId"])
        dry(params)
        blob = self._encrypted(key, params["Plaintext"], params.get("EncryptionContext"))
        return {
            "CiphertextBlob": blob,
            "KeyId": key["Arn"],
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        }

    async def Decrypt(self, call: Call, params: Json) -> Json:
        _symmetric(params, "EncryptionAlgorithm")
        refuse(params, "Recipient")
        key, plain = await self._decrypted(
            call, _blob(params), params.get("EncryptionContext"), params.get("KeyId")
        )
        dry(params)
        return {
            "KeyId": key["Arn"],
            "Plaintext": plain,
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        }

    async def ReEncrypt(self, call: Call, params: Json) -> Json:
        _symmetric(params, "SourceEncryptionAlgorithm", "DestinationEncryptionAlgorithm")
        source, plain = await self._decrypted(
            call, _blob(params), params.get("SourceEncryptionContext"), params.get("SourceKeyId")
        )
        key = await self._key(call, params["DestinationKeyId"])
        dry(params)
        blob = self._encrypted(key, plain, params.get("DestinationEncryptionContext"))
        return {
            "CiphertextBlob": blob,
            "SourceKeyId": source["Arn"],
            "KeyId": key["Arn"],
            "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
            "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        }

    async def GenerateDataKey(self, call: Call, params: Json) -> Json:
        refuse(params, "Recipient")
        size, spec = params.get("NumberOfBytes"), params.get("KeySpec")
        if (size is None) == (spec is None):
            raise ServiceError(
                "ValidationException", "Please specify either number of bytes or key spec."
            )
        key = await self._key(call, params["KeyId"])
        dry(params)
        plain = secrets.token_bytes(size or _SIZES[str(spec)])
        blob = self._encrypted(key, plain, params.get("EncryptionContext"))
        return {"CiphertextBlob": blob, "Plaintext": plain, "KeyId": key["Arn"]}

    async def GenerateDataKeyWithoutPlaintext(self, call: Call, params: Json) -> Json:
        made = await self.GenerateDataKey(call, params)
        del made["Plaintext"]
        return made

    async def GenerateRandom(self, call: Call, params: Json) -> Json:
        refuse(params, "CustomKeyStoreId", "Recipient")
        if not params.get("NumberOfBytes"):
            raise ServiceError("ValidationException", "Number of bytes is required.")
        return {"Plaintext": secrets.token_bytes(params["NumberOfBytes"])}


def _bound(head: bytes, context: Json | None) -> bytes:
    """What a ciphertext holds only with."""
    return head + msgspec.json.encode(context or {}, order="deterministic")


def _blob(params: Json) -> bytes:
    blob = params.get("CiphertextBlob")
    if not blob:
        raise ServiceError("ValidationException", "CiphertextBlob is required")
    return blob


def _symmetric(params: Json, *names: str) -> None:
    for name in names:
        if params.get(name, "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT":
            raise ServiceError("InvalidKeyUsageException", f"The key does not do {params[name]}")


def _invalid() -> ServiceError:
    return ServiceError("InvalidCiphertextException")
