"""A gateway that encrypts what it keeps: nothing of it is readable on the disk, everything is
through the gateway, and the wrong key is told."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.services.apigateway.making import Running, gateway
from torana.cli.main import main
from torana.data_settings import Encryption, MasterKey
from torana.settings import BadSettings

MARK = "Ada-Lovelace-1815"
GROUP = {"logGroupName": "/app"}


def keep(client: Callable[[str], Any], number: int) -> None:
    """Something with the mark in it, in every way that clients have."""
    s3, sqs, logs, xray = map(client, ("s3", "sqs", "logs", "xray"))
    if number == 1:
        s3.create_bucket(Bucket="jobs")
        sqs.create_queue(QueueName="letters")
        logs.create_log_group(**GROUP)
        logs.create_log_stream(**GROUP, logStreamName="s")
    s3.put_object(Bucket="jobs", Key=f"o{number}", Body=f"{MARK} {number} ".encode() * 9000)
    queue = sqs.get_queue_url(QueueName="letters")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody=f"{MARK} {number}")
    now = int(time.time())
    event = {"timestamp": now * 1000, "message": f"{MARK} {number}"}
    logs.put_log_events(**GROUP, logStreamName="s", logEvents=[event])
    segment = {"id": f"{number:016x}", "trace_id": f"1-{now:08x}-{number:024x}", "name": MARK}
    document = json.dumps({**segment, "start_time": now, "end_time": now + 1})
    xray.put_trace_segments(TraceSegmentDocuments=[document])


def kept(client: Callable[[str], Any], numbers: int) -> None:
    """All of it is there."""
    s3, sqs, logs = map(client, ("s3", "sqs", "logs"))
    for number in range(1, numbers + 1):
        body = s3.get_object(Bucket="jobs", Key=f"o{number}", Range="bytes=65500-65600")["Body"]
        whole = f"{MARK} {number} ".encode() * 9000
        assert body.read() == whole[65500:65601]
    queue = sqs.get_queue_url(QueueName="letters")["QueueUrl"]
    waiting = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0)
    said = [f"{MARK} {number}" for number in range(1, numbers + 1)]
    assert sorted(each["Body"] for each in waiting["Messages"]) == said
    events = logs.filter_log_events(**GROUP)["events"]
    assert sorted(each["message"] for each in events) == said


def readable(folder: Path) -> list[str]:
    return [
        str(file.relative_to(folder))
        for file in folder.rglob("*")
        if file.is_file() and MARK.encode() in file.read_bytes()
    ]


async def use(running: Running, work: Callable[..., None], number: int) -> None:
    made: dict[str, Any] = {}
    client: Callable[[str], Any] = lambda name: made.setdefault(name, running.client(name))  # noqa: E731
    await asyncio.to_thread(work, client, number)


async def test_nothing_kept_is_readable_and_all_of_it_is_after_rotation_and_another_master_key(
    tmp_path: Path,
) -> None:
    data, runner = tmp_path / "data", CliRunner()
    async with gateway(data, encryption=Encryption()) as running:
        await use(running, keep, 1)
        await use(running, kept, 1)
        await running.node.observatory.flush()
    assert readable(data) == []
    lines = [line for file in (data / "audit").iterdir() for line in file.read_bytes().splitlines()]
    assert lines and all(line.startswith(b"torana1:") for line in lines)

    config = tmp_path / "torana.toml"
    config.write_text("[encryption]\n")

    def torana(*args: str) -> str:
        found = runner.invoke(main, [*args, "--config", str(config), "--data", str(data)])
        assert found.exit_code == 0, found.output + found.stderr
        return found.stdout

    assert "chains hold" in await asyncio.to_thread(torana, "audit", "verify")
    assert len((await asyncio.to_thread(torana, "encryption", "rotate")).split()) == 6
    audit = str(next((data / "audit").iterdir()))
    assert '"CreateQueue"' in await asyncio.to_thread(torana, "encryption", "read", audit)

    other = MasterKey(str(data / "encryption.key"))
    moved = Encryption(str(tmp_path / "other.key"), previous=other)
    await asyncio.sleep(2.1)
    async with gateway(data, encryption=moved) as running:
        await use(running, keep, 2)
        await use(running, kept, 2)
    assert readable(data) == []
    # The old master key is of no more use; and encryption may be left off from here on.
    with pytest.raises(BadSettings, match=r"is wrapped with file:.*the settings name file:"):
        async with gateway(data, encryption=Encryption()):
            raise AssertionError
    (data / "encryption.key").unlink()
    with pytest.raises(BadSettings, match=r"encryption\.key is not there"):
        async with gateway(data, encryption=Encryption()):
            raise AssertionError
    with pytest.raises(BadSettings, match=r"there is no \[encryption\]"):
        async with gateway(data):
            raise AssertionError
    left = Encryption(str(tmp_path / "other.key"), covers=())
    async with gateway(data, encryption=left) as running:
        await use(running, keep, 3)
        await use(running, kept, 3)


async def test_a_key_of_kms_wraps_the_data_keys(
    tmp_path: Path,
) -> None:
    async with gateway(tmp_path / "kms") as keeper:
        kms = keeper.client("kms")
        key = (await asyncio.to_thread(kms.create_key))["KeyMetadata"]["KeyId"]
        endpoint = f"http://127.0.0.1:{keeper.node.management.port}"
        file = {"AWS_SHARED_CREDENTIALS_FILE": str(keeper.data / "credentials")}
        wanted = Encryption(
            kms_key=key, kms_endpoint=endpoint, kms_profile="torana", covers=("store",)
        )
        for number in (1, 2):
            async with gateway(tmp_path / "data", environment=file, encryption=wanted) as running:
                await use(running, keep, number)
        await asyncio.to_thread(kms.disable_key, KeyId=key)
        with pytest.raises(BadSettings, match=r"KMS refuses Decrypt with .*DisabledException"):
            async with gateway(tmp_path / "data", environment=file, encryption=wanted):
                raise AssertionError
