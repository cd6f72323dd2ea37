"""Buckets."""

import re
from datetime import UTC, datetime

from torana.services.ports import Call
from torana.services.s3.refusals import Params, bad, only, translated
from torana.state.objects import Bucket, ObjectStore
from torana.wire.faults import ServiceError

_NAME = re.compile(r"(?!xn--|\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class Buckets:
    """The operations on buckets. Source: "Bucket naming rules" (S3 User Guide)."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    async def CreateBucket(self, call: Call, params: Params) -> Params:
        """An empty bucket."""
        name: str = params["Bucket"]
        only(call, params, "Bucket", "CreateBucketConfiguration")
        if not _NAME.fullmatch(name) or ".." in name:
            text = "The specified bucket is not valid."
            raise ServiceError("InvalidBucketName", text, status=400, fields={"BucketName": name})
        wanted = params.get("CreateBucketConfiguration", {})
        with translated():
            await self._objects.create_bucket(name, wanted.get("LocationConstraint") or call.region)
        return {"Location": f"/{name}"}

    async def DeleteBucket(self, call: Call, params: Params) -> Params:
        """Only an empty one."""
        only(call, params, "Bucket")
        with translated():
            await self._objects.delete_bucket(params["Bucket"])
        return {}

    async def HeadBucket(self, call: Call, params: Params) -> Params:
        """Whether it is there."""
        only(call, params, "Bucket")
        with translated():
            return {"BucketRegion": (await self._objects.bucket(params["Bucket"])).region}

    async def GetBucketLocation(self, call: Call, params: Params) -> Params:
        """The region; none for us-east-1."""
        only(call, params, "Bucket")
        with translated():
            region = (await self._objects.bucket(params["Bucket"])).region
        return {} if region == "us-east-1" else {"LocationConstraint": region}

    async def ListBuckets(self, call: Call, params: Params) -> Params:
        """By name."""
        most: int = params.get("MaxBuckets", 10_000)
        if most < 1:
            raise bad("MaxBuckets must be between 1 and 10000")
        prefix, after = params.get("Prefix", ""), params.get("ContinuationToken", "")
        region = params.get("BucketRegion")
        found: list[Bucket] = [
            bucket
            for bucket in await self._objects.buckets()
            if bucket.name.startswith(prefix)
            and not bucket.name.startswith(".")
            and bucket.name > after
            and region in (None, bucket.region)
        ]
        answer: Params = {
            "Buckets": [_bucket(bucket) for bucket in found[:most]],
            "Owner": {"ID": call.principal.account},
        }
        if "Prefix" in params:
            answer["Prefix"] = prefix
        if len(found) > most:
            answer["ContinuationToken"] = found[most - 1].name
        return answer


def _bucket(bucket: Bucket) -> Params:
    created = datetime.fromtimestamp(bucket.created, UTC)
    return {"Name": bucket.name, "CreationDate": created, "BucketRegion": bucket.region}
