"""Data protection of log groups through boto3: masked wherever events leave, counted, and shown
to who may see them."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.services.test_logs import logs

MAIL, HIDDEN = "mail ann@example.org", "mail ***************"


def policy(*identifiers: str, log_group: str = "", **more: Any) -> str:
    arns = [f"arn:aws:dataprotection::aws:data-identifier/{each}" for each in identifiers]
    own = [each["Name"] for each in more.get("Configuration", {}).get("CustomDataIdentifier", ())]
    to = {"CloudWatchLogs": {"LogGroup": log_group}} if log_group else {}
    audit = {"Audit": {"FindingsDestination": to}}
    statements = [
        {"Sid": name, "DataIdentifier": arns + own, "Operation": operation}
        for name, operation in (("a", audit), ("b", {"Deidentify": {"MaskConfig": {}}}))
    ]
    return json.dumps({"Name": "p", "Version": "2021-06-01", "Statement": statements, **more})


async def test_what_a_policy_finds_is_masked_wherever_events_leave(tmp_path: Path) -> None:
    async with logs(tmp_path) as node:
        await node.stream()
        await node("create_log_group", logGroupName="findings")
        await node.put(f"old {MAIL}")
        node.clock.now += 1
        own = {"CustomDataIdentifier": [{"Name": "Staff", "Regex": r"S-\d{4}"}]}
        document = policy("EmailAddress", "PkcsPrivateKey", log_group="findings", Configuration=own)
        put = await node(
            "put_data_protection_policy", logGroupIdentifier="g", policyDocument=document
        )
        got = await node("get_data_protection_policy", logGroupIdentifier="g")
        assert got["policyDocument"] == put["policyDocument"] == document
        [group, _] = (await node("describe_log_groups"))["logGroups"][::-1]
        assert group["dataProtectionStatus"] == "ACTIVATED"
        key = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----"
        await node.put(MAIL, "nothing", "by S-1234", key, at=2)
        seen = [f"old {MAIL}", HIDDEN, "nothing", "by ******", "*" * len(key)]
        assert await node.found() == seen
        assert await node.found("ann") == [f"old {MAIL}"]
        stream = {"logGroupName": "g", "logStreamName": "s"}
        events = (await node("get_log_events", **stream))["events"]
        assert [each["message"] for each in events] == seen
        rows = await node.query("fields @message | sort @timestamp")
        assert [each["@message"] for each in rows] == seen
        shown = [f"old {MAIL}", MAIL, "nothing", "by S-1234", key]
        assert await node.found(unmask=True) == shown
        await told_of_what_was_found(node)
        await node("delete_data_protection_policy", logGroupIdentifier="g")
        assert await node.found() == shown
        gone = await node("get_data_protection_policy", logGroupIdentifier="g")
        assert "policyDocument" not in gone


async def told_of_what_was_found(node: Any) -> None:
    [points] = [p for p in node.recorder.take() if p.series.name == "LogEventsWithFindings"]
    assert points.values.count == 3
    found = await node("filter_log_events", logGroupName="findings")
    lines = [json.loads(each["message"]) for each in found["events"]]
    assert [each["dataIdentifiers"] for each in lines][:2] == [
        [{"name": "EmailAddress", "count": 1, "detections": [{"start": 5, "end": 20}]}],
        [{"name": "Staff", "count": 1, "detections": [{"start": 3, "end": 9}]}],
    ]


async def test_policies_that_cannot_be_are_refused(tmp_path: Path) -> None:
    whole = json.loads(policy("EmailAddress"))
    audit, hide = whole["Statement"]
    other = {**hide, "DataIdentifier": ["EmailAddress", "IpAddress"]}
    async with logs(tmp_path) as node:
        await node("create_log_group", logGroupName="g")
        for document, why in (
            ("{", "cannot be read"),
            (json.dumps({**whole, "Version": "1"}), "cannot be read"),
            (json.dumps({**whole, "Statement": [audit]}), "needs one statement with Audit"),
            (json.dumps({**whole, "Statement": [audit, other]}), "must match exactly"),
            (policy("LatLong"), "LatLong is not known here. Known: Address"),
            (json.dumps(whole).replace("{}", '{"S3": {"Bucket": "b"}}', 1), "not to S3"),
            (policy("IpAddress", log_group="gone"), "log group does not exist"),
        ):
            with pytest.raises(ClientError, match=why):
                await node(
                    "put_data_protection_policy", logGroupIdentifier="g", policyDocument=document
                )
