"""Tokens led back to what they stand for, for whoever may do `torana:Detokenise`."""

from typing import Any

from torana.personal.tokens import key_id
from torana.services.ports import Call
from torana.services.privacy.keys import TokenKeys
from torana.wire.faults import ServiceError

Json = dict[str, Any]
_MOST = 100


class Tokens:
    """The operations."""

    def __init__(self, keys: TokenKeys) -> None:
        self._keys = keys

    async def Detokenise(self, call: Call, params: Json) -> Json:
        tokens: list[str] = params["tokens"]
        if not 1 <= len(tokens) <= _MOST:
            raise ServiceError("BadRequestException", f"tokens must be 1 to {_MOST}")
        return {"values": [await self._value(each) for each in tokens]}

    async def _value(self, token: str) -> Json:
        id = key_id(token)
        if id is None:
            return {"token": token, "state": "MALFORMED"}
        found = await self._keys.find(id)
        if found is None:
            return {"token": token, "state": "ERASED"}
        tenant, key = found
        value = key.value(token)
        if value is None:
            return {"token": token, "state": "MALFORMED"}
        return {"token": token, "state": "FOUND", "tenant": tenant, "value": value.lstrip("\0")}
