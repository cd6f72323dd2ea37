"""Keys: made, described, switched off, deleted, tagged.

Source: KMS API Reference.
"""

from time import time

import msgspec

from torana.services.apigateway.book import Sheet
from torana.services.kms.ring import (
    ALIAS,
    BYTES,
    DAY,
    KEY,
    Json,
    Ring,
    page,
    refuse,
    standing,
    unsupported,
)
from torana.services.moments import moment
from torana.services.ports import Call
from torana.wire.faults import ServiceError


class Keys:
    """The operations."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring

    async def CreateKey(self, call: Call, params: Json) -> Json:
        refuse(params, "Policy", "CustomKeyStoreId", "MultiRegion", "XksKeyId")
        if params.get("Origin", "AWS_KMS") != "AWS_KMS":
            raise unsupported("Origin must be AWS_KMS: key material is made here")
        spec = params.get("KeySpec") or params.get("CustomerMasterKeySpec") or "SYMMETRIC_DEFAULT"
        if spec not in BYTES:
            raise unsupported(f"KeySpec {spec} is not supported here; {', '.join(BYTES)} are")
        fits = "ENCRYPT_DECRYPT" if spec == "SYMMETRIC_DEFAULT" else "GENERATE_VERIFY_MAC"
        usage = params.get("KeyUsage", "ENCRYPT_DECRYPT")
        if usage != fits:
            raise ServiceError(
                "ValidationException", f"KeyUsage {usage} is not compatible with KeySpec {spec}"
            )

        async def work(sheet: Sheet) -> Json:
            key = self._ring.make(call, spec, usage)
            key["Description"] = params.get("Description") or ""
            key["Tags"] = {tag["TagKey"]: tag["TagValue"] for tag in params.get("Tags") or ()}
            sheet.put(KEY, key["KeyId"], key)
            return {"KeyMetadata": _shown(call, key)}

        return await self._ring.book.edit(call, work)

    async def DescribeKey(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            key = await self._ring.find(sheet, call, params["KeyId"])
            return {"KeyMetadata": _shown(call, key)}

        return await self._ring.book.read(work)

    async def ListKeys(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = [
                {"KeyId": id, "KeyArn": key["Arn"]}
                async for id, key in sheet.scan(KEY)
                if key.get("DeletionDate", float("inf")) > time()
            ]
            return page(found, params, "Keys", "KeyId")

        return await self._ring.book.read(work)

    async def _change(self, call: Call, params: Json, **members: object) -> Json:
        async def work(sheet: Sheet) -> Json:
            key = await self._ring.find(sheet, call, params["KeyId"])
            standing(key)
            key.update(members)
            sheet.put(KEY, key["KeyId"], key)
            return {}

        return await self._ring.book.edit(call, work)

    async def EnableKey(self, call: Call, params: Json) -> Json:
        return await self._change(call, params, KeyState="Enabled")

    async def DisableKey(self, call: Call, params: Json) -> Json:
        return await self._change(call, params, KeyState="Disabled")

    async def UpdateKeyDescription(self, call: Call, params: Json) -> Json:
        return await self._change(call, params, Description=params["Description"])

    async def ScheduleKeyDeletion(self, call: Call, params: Json) -> Json:
        days = params.get("PendingWindowInDays", 30)
        if not 7 <= days <= 30:
            raise ServiceError(
                "ValidationException", "PendingWindowInDays must be between 7 and 30"
            )

        async def work(sheet: Sheet) -> Json:
            key = await self._ring.find(sheet, call, params["KeyId"])
            standing(key)
            key["KeyState"], key["DeletionDate"] = "PendingDeletion", time() + days * DAY
            sheet.put(KEY, key["KeyId"], key)
            return {
                "KeyId": key["Arn"],
                "DeletionDate": moment(key["DeletionDate"]),
                "KeyState": "PendingDeletion",
                "PendingWindowInDays": days,
            }

        await self._forget(call)
        return await self._ring.book.edit(call, work)

    async def _forget(self, call: Call) -> None:
        """Delete the keys whose time has come; nobody finds them any more."""

        async def work(sheet: Sheet) -> None:
            gone = {
                id
                async for id, key in sheet.scan(KEY)
                if key.get("DeletionDate", float("inf")) <= time()
            }
            for id in gone:
                sheet.delete(KEY, id)
            async for name, alias in sheet.scan(ALIAS):
                if alias["TargetKeyId"] in gone:
                    sheet.delete(ALIAS, name)

        await self._ring.book.edit(call, work)

    async def CancelKeyDeletion(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            key = await self._ring.find(sheet, call, params["KeyId"])
            if key["KeyState"] != "PendingDeletion":
                raise ServiceError(
                    "KMSInvalidStateException", f"{key['Arn']} is not pending deletion."
                )
            key["KeyState"] = "Disabled"
            del key["DeletionDate"]
            sheet.put(KEY, key["KeyId"], key)
            return {"KeyId": key["Arn"]}

        return await self._ring.book.edit(call, work)

    async def GetKeyPolicy(self, call: Call, params: Json) -> Json:
        """The one that every key here has: the account may do everything."""

        async def work(sheet: Sheet) -> Json:
            key = await self._ring.find(sheet, call, params["KeyId"])
            statement = {
                "Sid": "Enable IAM User Permissions",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{key['Arn'].split(':')[4]}:root"},
                "Action": "kms:*",
                "Resource": "*",
            }
            policy = {"Version": "2012-10-17", "Id": "key-default-1", "Statement": [statement]}
            return {"Policy": msgspec.json.encode(policy).decode(), "PolicyName": "default"}

        return await self._ring.book.read(work)

    async def ListKeyPolicies(self, call: Call, params: Json) -> Json:
        await self.DescribeKey(call, params)
        return {"PolicyNames": ["default"], "Truncated": False}

    async def TagResource(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            key = await self._ring.find(sheet, call, params["KeyId"])
            key["Tags"] |= {tag["TagKey"]: tag["TagValue"] for tag in params["Tags"]}
            sheet.put(KEY, key["KeyId"], key)
            return {}

        return await self._ring.book.edit(call, work)

    async def UntagResource(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            key = await self._ring.find(sheet, call, params["KeyId"])
            for name in params["TagKeys"]:
                key["Tags"].pop(name, None)
            sheet.put(KEY, key["KeyId"], key)
            return {}

        return await self._ring.book.edit(call, work)

    async def ListResourceTags(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            key = await self._ring.find(sheet, call, params["KeyId"])
            tags = [{"TagKey": name, "TagValue": key["Tags"][name]} for name in sorted(key["Tags"])]
            return page(tags, params, "Tags", "TagKey")

        return await self._ring.book.read(work)


def _shown(call: Call, key: Json) -> Json:
    shown: Json = {
        "AWSAccountId": call.principal.account,
        "KeyId": key["KeyId"],
        "Arn": key["Arn"],
        "CreationDate": moment(key["CreationDate"]),
        "Enabled": key["KeyState"] == "Enabled",
        "Description": key["Description"],
        "KeyUsage": key["KeyUsage"],
        "KeyState": key["KeyState"],
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "CustomerMasterKeySpec": key["KeySpec"],
        "KeySpec": key["KeySpec"],
        "MultiRegion": False,
    }
    if key["KeySpec"] == "SYMMETRIC_DEFAULT":
        shown["EncryptionAlgorithms"] = ["SYMMETRIC_DEFAULT"]
    else:
        shown["MacAlgorithms"] = [key["KeySpec"].replace("_", "_SHA_")]
    if "DeletionDate" in key:
        shown["DeletionDate"] = moment(key["DeletionDate"])
    return shown
