"""Message authentication codes under HMAC keys.

Source: KMS API Reference, "GenerateMac" and "VerifyMac".
"""

import hmac

from torana.services.apigateway.book import Sheet
from torana.services.kms.ring import Json, Ring, dry
from torana.services.ports import Call
from torana.wire.faults import ServiceError


class Macs:
    """The operations."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring

    async def _mac(self, call: Call, params: Json) -> tuple[Json, bytes]:
        async def look(sheet: Sheet) -> Json:
            return await self._ring.usable(sheet, call, params["KeyId"], "GENERATE_VERIFY_MAC")

        key = await self._ring.book.read(look)
        algorithm = params["MacAlgorithm"]
        if algorithm != key["KeySpec"].replace("_", "_SHA_"):
            raise ServiceError(
                "InvalidKeyUsageException",
                f"{key['Arn']} does not do {algorithm}, its spec is {key['KeySpec']}",
            )
        name = "sha" + algorithm.rpartition("_")[2]
        return key, hmac.digest(self._ring.opened(key, 0), params["Message"], name)

    async def GenerateMac(self, call: Call, params: Json) -> Json:
        key, mac = await self._mac(call, params)
        dry(params)
        return {"Mac": mac, "MacAlgorithm": params["MacAlgorithm"], "KeyId": key["Arn"]}

    async def VerifyMac(self, call: Call, params: Json) -> Json:
        key, mac = await self._mac(call, params)
        if not hmac.compare_digest(mac, params["Mac"]):
            raise ServiceError("KMSInvalidMacException")
        dry(params)
        return {"KeyId": key["Arn"], "MacValid": True, "MacAlgorithm": params["MacAlgorithm"]}
