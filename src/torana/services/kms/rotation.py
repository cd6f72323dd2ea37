"""Rotation: fresh material for what is encrypted from now on; older material goes on decrypting.

Source: KMS Developer Guide, "Rotating AWS KMS keys".
"""

from time import time

from torana.services.apigateway.book import Sheet
from torana.services.kms.ring import DAY, KEY, Json, Ring, page, unsupported
from torana.services.moments import moment
from torana.services.ports import Call
from torana.wire.faults import ServiceError

_MOST_BY_HAND = 25


class Rotation:
    """The operations."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring

    async def _rotatable(self, sheet: Sheet, call: Call, params: Json) -> Json:
        key = await self._ring.usable(sheet, call, params["KeyId"], "ENCRYPT_DECRYPT")
        if key["KeySpec"] != "SYMMETRIC_DEFAULT":
            raise unsupported(f"{key['Arn']} cannot be rotated")
        return key

    async def EnableKeyRotation(self, call: Call, params: Json) -> Json:
        days = params.get("RotationPeriodInDays", 365)

        async def work(sheet: Sheet) -> Json:
            key = await self._rotatable(sheet, call, params)
            key["rotates"] = {"days": days, "next": time() + days * DAY}
            sheet.put(KEY, key["KeyId"], key)
            return {}

        return await self._ring.book.edit(call, work)

    async def DisableKeyRotation(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            key = await self._rotatable(sheet, call, params)
            key.pop("rotates", None)
            sheet.put(KEY, key["KeyId"], key)
            return {}

        return await self._ring.book.edit(call, work)

    async def GetKeyRotationStatus(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            key = await self._ring.find(sheet, call, params["KeyId"])
            rotates = key.get("rotates")
            shown: Json = {"KeyRotationEnabled": rotates is not None, "KeyId": key["Arn"]}
            if rotates is not None:
                shown["RotationPeriodInDays"] = rotates["days"]
                shown["NextRotationDate"] = moment(rotates["next"])
            return shown

        return await self._ring.book.read(work)

    async def RotateKeyOnDemand(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            key = await self._rotatable(sheet, call, params)
            made = [each for each in key.get("rotations", ()) if each["type"] == "ON_DEMAND"]
            if len(made) >= _MOST_BY_HAND:
                raise ServiceError(
                    "LimitExceededException", f"{key['Arn']} was rotated {len(made)} times"
                )
            rotate(self._ring, key, "ON_DEMAND")
            sheet.put(KEY, key["KeyId"], key)
            return {"KeyId": key["Arn"]}

        return await self._ring.book.edit(call, work)

    async def ListKeyRotations(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            key = await self._ring.find(sheet, call, params["KeyId"])
            found = [
                {
                    "KeyId": key["Arn"],
                    "RotationDate": moment(each["at"]),
                    "RotationType": each["type"],
                    "place": f"{place:06}",
                }
                for place, each in enumerate(key.get("rotations", ()))
            ]
            shown = page(found, params, "Rotations", "place")
            for each in shown["Rotations"]:
                del each["place"]
            return shown

        return await self._ring.book.read(work)


def rotate(ring: Ring, key: Json, kind: str) -> None:
    """Give a key fresh material."""
    key["materials"].append(ring.material(key["KeySpec"]))
    key.setdefault("rotations", []).append({"at": time(), "type": kind})
    if "rotates" in key:
        key["rotates"]["next"] = time() + key["rotates"]["days"] * DAY


def is_due(key: Json) -> bool:
    """Whether the time has come to rotate a key by itself."""
    return "rotates" in key and key["rotates"]["next"] <= time()
