"""Every change of the control plane is written down: who, what, before and after."""

import json
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from tests.services.apigateway.making import Asking, Running, gateway, told


async def changes(running: Running, **wanted: Any) -> list[dict[str, Any]]:
    """What CloudTrail tells, the newest first."""
    found = await Asking(running.client("cloudtrail")).lookup_events(**wanted)
    return [
        {"name": each["EventName"], **json.loads(each["CloudTrailEvent"])}
        for each in found["Events"]
    ]


async def test_a_change_is_told_with_its_author_its_before_and_its_after(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask = Asking(running.client())
        api = (await ask.create_rest_api(name="one"))["id"]
        change = [{"op": "replace", "path": "/name", "value": "two"}]
        await ask.update_rest_api(restApiId=api, patchOperations=change)
        update, create = await changes(running)
        assert (update["name"], create["name"]) == ("UpdateRestApi", "CreateRestApi")
        assert update["userIdentity"]["arn"] == "arn:aws:iam::000000000000:root"
        assert update["sourceIPAddress"] == "127.0.0.1"
        assert "Boto3" in update["userAgent"]
        [edit] = update["serviceEventDetails"]["edits"]
        assert (edit["before"]["name"], edit["after"]["name"]) == ("one", "two")
        before = {each["before"] for each in create["serviceEventDetails"]["edits"]}
        assert before == {None}


async def test_what_is_refused_leaves_no_record(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask = Asking(running.client())
        try:
            await ask.create_rest_api(name="x", description="")
        except ClientError as error:
            assert told(error)[0] == "BadRequestException"
        assert await changes(running) == []


async def test_records_hold_no_key(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask = Asking(running.client())
        key = await ask.create_api_key(name="k", value="s3cret-s3cret-s3cret-s3cret")
        [record] = await changes(running)
        assert key["id"] in json.dumps(record)
        assert "s3cret" not in json.dumps(record)
        assert "valueHash" not in json.dumps(record)


async def test_records_are_found_by_name_and_page_by_page(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask = Asking(running.client())
        made = [(await ask.create_rest_api(name=f"n{n}"))["id"] for n in range(5)]
        await ask.delete_rest_api(restApiId=made[2])
        by_name = [{"AttributeKey": "EventName", "AttributeValue": "DeleteRestApi"}]
        [deleted] = await changes(running, LookupAttributes=by_name)
        edits = deleted["serviceEventDetails"]["edits"]
        assert {each["after"] for each in edits} == {None}
        by_api = [{"AttributeKey": "ResourceName", "AttributeValue": made[2]}]
        names = [each["name"] for each in await changes(running, LookupAttributes=by_api)]
        assert names == ["DeleteRestApi", "CreateRestApi"]
        trail = Asking(running.client("cloudtrail"))
        first = await trail.lookup_events(MaxResults=4)
        rest = await trail.lookup_events(MaxResults=4, NextToken=first["NextToken"])
        assert (len(first["Events"]), len(rest["Events"])) == (4, 2)
        assert "NextToken" not in rest
