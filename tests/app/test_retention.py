"""What is too old goes, what is not stays; what is kept of somebody is erased, with a report."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.services.apigateway.making import Running, gateway, told
from torana.app.audit_trail import heads
from torana.app.retention import JOBS, Keeping
from torana.data_settings import Encryption, Retention
from torana.llm import batches
from torana.llm.files import Files
from torana.llm.spend import Ledger, Spent, read
from torana.sealing import Vault
from torana.services.privacy import TokenKeys
from torana.services.seal import KeyFile
from torana.settings import Audit, BadSettings, Settings
from torana.state import open_objects
from torana.state.memory import MemoryStore
from torana.state.store import Change
from torana.telemetry.logbook import LogBook
from torana.telemetry.trail.files import check

DAY = 86400.0
ANN = "ann@example.org"


async def test_days_jobs_files_and_keys_of_tokens_go_when_they_are_too_old(tmp_path: Path) -> None:
    now = time.time()
    settings = Settings(data=str(tmp_path), retention=Retention(usage=2, jobs=3, tokens=4))
    store, objects = MemoryStore(100), open_objects(f"file://{tmp_path}/objects", sweep=False)
    tokens = TokenKeys(store, KeyFile(tmp_path / "master.key"))
    made = await tokens.of("ann")
    (tmp_path / "usage").mkdir()
    for days in (0, 1, 2, 3):
        day = time.strftime("%Y-%m-%d", time.gmtime(now - days * DAY))
        (tmp_path / "usage" / f"usage-{day}.jsonl").touch()
    for name, age, status in (("old", 4, "completed"), ("new", 1, "completed"), ("on", 9, "")):
        body: dict[str, Any] = {"created_at": now - age * DAY}
        body |= {"status": status} if status else {}
        await store.commit([Change(batches.KIND, name, 0, json.dumps(body).encode())])

    async def one() -> AsyncIterator[bytes]:
        yield b"x"

    await Files(objects).put("ann", "f", "batch", one())
    keeping = Keeping(settings, store, objects, tokens)
    await keeping.tidy(now)
    assert len([*(tmp_path / "usage").iterdir()]) == 3
    assert [each.id async for each in store.scan(batches.KIND)] == ["new", "on"]
    assert len(await Files(objects).listed("ann")) == 1 and await tokens.there("ann")
    await keeping.tidy(now + 5 * DAY)
    assert await Files(objects).listed("ann") == [] and not await tokens.there("ann")
    assert (await tokens.of("ann")).value(made.token("x")) is None
    await objects.close()


def test_jobs_that_are_not_over_have_no_end() -> None:
    comprehend, transcribe = JOBS["comprehend-job"], JOBS["transcribe-job"]
    assert comprehend({"JobStatus": "IN_PROGRESS", "SubmitTime": 1.0}) is None
    assert comprehend({"JobStatus": "STOPPED", "SubmitTime": 1.0}) == 1.0
    assert comprehend({"JobStatus": "COMPLETED", "SubmitTime": 1.0, "EndTime": 2.0}) == 2.0
    assert transcribe({"completed": 0.0}) is None


async def test_files_of_log_groups_are_begun_anew_while_others_append(tmp_path: Path) -> None:
    settings = Settings(data=str(tmp_path), retention=Retention(access_logs=2))
    store = MemoryStore(100)
    objects = open_objects(f"file://{tmp_path}/objects", sweep=False)
    keeping = Keeping(settings, store, objects, TokenKeys(store, KeyFile(tmp_path / "k")))
    path, now = tmp_path / "logs" / "a.log", time.time()
    path.parent.mkdir()
    with path.open("a") as appending:
        appending.write("first\n")
        appending.flush()
        await keeping.tidy(now)
        await keeping.tidy(now + 1 * DAY)
        assert path.read_text() == "first\n"
        await keeping.tidy(now + 3 * DAY)
        appending.write("second\n")
    aside = path.with_name("a.log.1")
    assert (path.read_text(), aside.read_text()) == ("second\n", "first\n")
    os.utime(path.with_name("a.log.begun"), (now + 3 * DAY, now + 3 * DAY))
    await keeping.tidy(now + 3 * DAY)
    assert not aside.exists()


async def test_log_events_go_by_their_groups_own_retention_or_the_settings(tmp_path: Path) -> None:
    now = time.time()
    book = LogBook(tmp_path / "logs.db")
    book.days = lambda group: 3 if group == "a" else 0
    await book.open()
    for group in ("a", "b"):
        old, new = int((now - 4 * DAY) * 1000), int((now - DAY) * 1000)
        await book.put([(group, "s", [(old, "old"), (new, "new")])])
    await book.tidy()
    pages = [await book.page(group, [], 0, 1 << 53) for group in (1, 2)]
    assert [[each.text for each in page] for page in pages] == [["new"], ["old", "new"]]
    await book.close()


async def test_nothing_of_an_erased_event_is_left_in_the_file(tmp_path: Path) -> None:
    book = LogBook(tmp_path / "logs.db")
    await book.open()
    await book.put([("g", "s", [(1, f"{number} Lovelace") for number in range(500)])])
    await book.put([("g", "s", [(1, "stays")])])
    assert await book.erase(lambda text: "Lovelace" in text, dry=True) == 500
    assert await book.erase(lambda text: "Lovelace" in text) == 500
    await book.close()
    held = (tmp_path / "logs.db").read_bytes()
    assert b"stays" in held and b"Lovelace" not in held


async def test_a_short_retention_of_the_audit_must_be_meant(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"audit.short_retention = true if you mean it"):
        async with gateway(tmp_path, audit=Audit(retention_days=7)):
            raise AssertionError
    async with gateway(tmp_path, audit=Audit(retention_days=7, short_retention=True)):
        pass


async def test_everything_that_is_kept_of_somebody_is_erased(tmp_path: Path) -> None:
    async with gateway(tmp_path, encryption=Encryption()) as found:
        vault = found.node._encryption.vault  # pyright: ignore[reportPrivateUsage]
        await asyncio.to_thread(keep, found)
        ledger = Ledger(tmp_path / "usage", vault.cover("usage"))
        for key, end_user in ((ANN, ""), ("bob", "+14155550132")):
            ledger.add(Spent(time.time(), key, "fast", "up", "m", 200, 7, end_user=end_user))
        torana = found.client("torana")
        dry = await asyncio.to_thread(torana.erase_subject, subject=ANN, dryRun=True)
        report = await asyncio.to_thread(torana.erase_subject, subject=ANN)
        ledger.add(Spent(time.time(), "carl", "fast", "up", "m", 200, 7))
        ledger.close()
        erased = {each["kind"]: each["count"] for each in report["erased"]}
        assert {each["kind"]: each["count"] for each in dry["erased"]}.keys() == erased.keys()
        assert erased == {
            "api-key": 1,
            "ledger-line": 2,
            "log-event": 2,
            "record-of-change": erased["record-of-change"],
            "trace-segment": 1,
            "user-pool-user": 1,
        }
        assert erased["record-of-change"] >= 3
        await asyncio.to_thread(nothing_is_left, found)
        spent = [*read(tmp_path / "usage", cover=vault.cover("usage"))]
        assert [each.key for each in spent] == ["*" * len(ANN), "bob", "carl"]
        assert [each.end_user for each in spent] == ["", "*" * 12, ""]
        assert sum(each.input for each in spent) == 21
        again = await asyncio.to_thread(torana.erase_subject, subject=ANN)
        assert again["erased"] == []
        with pytest.raises(ClientError) as refused:
            await asyncio.to_thread(torana.erase_subject, subject="x")
        assert told(refused.value)[0] == "BadRequestException"
        await the_trail_still_holds(found, vault)


def keep(found: Running) -> None:
    idp, logs, xray = (found.client(each) for each in ("cognito-idp", "logs", "xray"))
    pool = idp.create_user_pool(PoolName="p")["UserPool"]["Id"]
    idp.admin_create_user(
        UserPoolId=pool,
        Username=ANN,
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": "phone_number", "Value": "+14155550132"}],
    )
    found.client().create_api_key(name=ANN)
    found.client().create_api_key(name=f"not-{ANN}")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    now = int(time.time())
    texts = (f"by {ANN}, yes", "call +14155550132", f"by jo{ANN}", "nothing")
    events = [{"timestamp": now * 1000, "message": text} for text in texts]
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)
    segment = {"id": f"{1:016x}", "trace_id": f"1-{now:08x}-{1:024x}", "name": "n", "user": ANN}
    document = json.dumps({**segment, "start_time": now, "end_time": now + 1})
    xray.put_trace_segments(TraceSegmentDocuments=[document])


def nothing_is_left(found: Running) -> None:
    idp, logs, xray = (found.client(each) for each in ("cognito-idp", "logs", "xray"))
    [pool] = idp.list_user_pools(MaxResults=5)["UserPools"]
    assert idp.list_users(UserPoolId=pool["Id"])["Users"] == []
    keys = found.client().get_api_keys()["items"]
    assert [each["name"] for each in keys] == [f"not-{ANN}"]
    left = logs.filter_log_events(logGroupName="g")["events"]
    assert [each["message"] for each in left] == [f"by jo{ANN}", "nothing"]
    now = time.time()
    assert xray.get_trace_summaries(StartTime=now - 60, EndTime=now + 60)["TraceSummaries"] == []
    told = json.dumps(found.client("cloudtrail").lookup_events()["Events"], default=str)
    assert "+14155550132" not in told and f'"{ANN}' not in told
    assert "EraseSubject" in told


async def the_trail_still_holds(found: Running, vault: Vault) -> None:
    node = found.node
    trail = node._services.trail.trail  # pyright: ignore[reportPrivateUsage]
    key = (found.data / "audit.key").read_bytes()
    known = {chain: at async for chain, at in heads(node._store, trail.node)}  # pyright: ignore[reportPrivateUsage]
    report = check(trail.folder, key, known, vault.cover("audit"))
    assert report.broken == [] and report.lines > 5
