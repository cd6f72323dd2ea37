"""Who gets into the console, how long for, and what a page elsewhere cannot do."""

import json
from pathlib import Path

import pytest

from tests.console.opening import opened
from torana.console.sessions import IDLE, LONGEST, Sessions
from torana.state.memory import MemoryStore


async def test_the_access_key_of_the_first_start_signs_in(tmp_path: Path) -> None:
    async with opened(tmp_path) as console:
        assert (await console.browser.get("/console/session")).json() is None
        assert (await console.sign_in()).status_code == 200
        said = (await console.browser.get("/console/session")).json()
    assert said["arn"] == "arn:aws:iam::000000000000:root"
    assert "apigateway" in said["services"]


async def test_a_wrong_secret_and_an_unknown_key_are_refused_alike(tmp_path: Path) -> None:
    async with opened(tmp_path) as console:
        wrong = await console.sign_in("no")
        form = {"accessKeyId": "AKIANOBODY", "secretAccessKey": "no"}
        unknown = await console.browser.post("/console/session", json=form)
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert "set-cookie" not in wrong.headers


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(tmp_path: Path) -> None:
    async with opened(tmp_path) as console:
        cookie = (await console.sign_in()).headers["set-cookie"]
        port = console.running.node.management.port
    assert cookie.startswith(f"torana-{port}=")
    assert {"Path=/console", "HttpOnly", "SameSite=Strict"} <= set(cookie.split("; "))


async def test_guessing_is_slowed_down(tmp_path: Path) -> None:
    async with opened(tmp_path) as console:
        statuses = [(await console.sign_in("no")).status_code for _ in range(11)]
        right = await console.sign_in()
    assert statuses == [401] * 10 + [429]
    assert right.status_code == 429


async def test_a_change_needs_the_pages_own_proof(tmp_path: Path) -> None:
    async with opened(tmp_path) as console:
        await console.sign_in()
        del console.browser.headers["x-torana-csrf"]
        refused = await console.call("apigateway", "CreateRestApi", name="forged")
    assert (refused.status_code, refused.json()["code"]) == (403, "Forged")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_requests_from_other_sites_are_refused(tmp_path: Path, site: str) -> None:
    async with opened(tmp_path) as console:
        await console.sign_in()
        said = {"sec-fetch-site": site}
        refused = await console.browser.get("/console/served", headers=said)
    assert (refused.status_code, refused.json()["code"]) == (403, "Forged")


async def test_signing_out_ends_the_session_for_whoever_kept_the_cookie(tmp_path: Path) -> None:
    async with opened(tmp_path) as console:
        await console.sign_in()
        kept = dict(console.browser.cookies)
        assert (await console.browser.delete("/console/session")).status_code == 200
        console.browser.cookies.update(kept)
        again = await console.browser.get("/console/served")
    assert (again.status_code, again.json()["code"]) == (401, "SignedOut")


async def test_a_session_outlives_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as console:
        await console.sign_in()
        port = console.running.node.management.port
        kept = console.browser.cookies[f"torana-{port}"]
    async with opened(tmp_path) as console:
        port = console.running.node.management.port
        console.browser.cookies[f"torana-{port}"] = kept
        assert (await console.browser.get("/console/session")).json() is not None


async def test_sessions_end_when_unused_and_after_half_a_day() -> None:
    now = [1000.0]
    sessions = Sessions(MemoryStore(100), lambda: now[0])
    idle, busy = await sessions.open("AKIA1"), await sessions.open("AKIA2")
    while now[0] < 1000 + LONGEST - IDLE / 2:
        now[0] += IDLE / 2
        assert await sessions.find(busy) is not None
    assert await sessions.find(idle) is None
    now[0] = 1000 + LONGEST
    assert await sessions.find(busy) is None


async def test_a_user_may_do_what_policies_say(tmp_path: Path) -> None:
    async with opened(tmp_path) as console:
        await console.sign_in()
        await console.call("iam", "CreateUser", UserName="anna")
        made = await console.call("iam", "CreateAccessKey", UserName="anna")
        key = made.json()["AccessKey"]
        form = {"accessKeyId": key["AccessKeyId"], "secretAccessKey": key["SecretAccessKey"]}
        assert (await console.browser.post("/console/session", json=form)).status_code == 401
        actions = ["torana:UseConsole", "apigateway:GET"]
        allow = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        name = {"UserName": "anna", "PolicyName": "reads"}
        await console.call("iam", "PutUserPolicy", **name, PolicyDocument=policy)

        entered = await console.browser.post("/console/session", json=form)
        console.browser.headers["x-torana-csrf"] = entered.json()["csrf"]
        assert (await console.call("apigateway", "GetRestApis")).status_code == 200
        assert (await console.browser.get("/console/served")).status_code == 200
        refused = [
            await console.call("apigateway", "CreateRestApi", name="mine"),
            await console.browser.get("/console/live"),
            await console.browser.get("/console/llm"),
            await console.browser.post("/console/llm/v1/chat/completions", json={}),
            await console.browser.get("/console/desk/keys"),
            await console.browser.post("/console/desk/keys", json={}),
        ]
    assert [reply.status_code for reply in refused] == [403] * len(refused)
    assert {reply.json()["code"] for reply in refused} == {"AccessDeniedException"}


async def test_only_a_hash_of_the_cookie_is_kept() -> None:
    store = MemoryStore(100)
    secret = await Sessions(store).open("AKIA1")
    kept = [each async for each in store.scan("console.session")]
    assert len(kept) == 1
    assert secret not in kept[0].id + kept[0].body.decode()
