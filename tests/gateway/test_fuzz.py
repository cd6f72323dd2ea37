"""Strange paths, fields, signatures, keys and bodies against a front door with guarded methods.

No request gets through a guard, and none is answered with a 5xx of the gateway's own. Seeded, so
that a failure can be had again; `TORANA_FUZZ_SECONDS` makes it last longer.
"""

import asyncio
import os
import random
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from tests.builders import api, door, ports, proxy, serving
from torana.auth.policy import Caller
from torana.gateway.contract import Identity
from torana.message import Headers, Reply, Request, read
from torana.net.client import HttpClient

SECONDS = float(os.environ.get("TORANA_FUZZ_SECONDS", "1"))
SEED = int(os.environ.get("TORANA_FUZZ_SEED", "20261127"))
GUARDED = ("closed", "signed", "keyed")
BASE = "/restapis/abc/prod/_user_request_"
NAMES = ["free", "closed", "signed", "keyed", "x", "Closed", "cl%6fsed", "%63losed", "closed%00"]
ODD = [
    "..", ".", "", "%2e%2e", ".%2E", "%2e", "..;", "%2f", "%2F..%2Fclosed", "%5c..%5c", "\\", "%00",
    "%252e%252e", "%c0%ae%c0%ae", "%zz", "%", ";a=b", "*", "{proxy+}", "$", "a" * 3000, "%ff", "é",
    "%E2%80%AE", "?", "#", "..%00", "closed/../free", "free/../closed", "%2e%2e/closed", "//",
]  # fmt: skip
VERBS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "get", "TRACE", "FOO"]
QUOTE = chr(34)
STREAMED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
KEY = "AKIATESTTESTTESTTEST"
POLICY: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "execute-api:*", "Resource": "*"},
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "execute-api:*",
            "Resource": ["execute-api:/prod/*/closed/*", "execute-api:/prod/*/closed"],
        },
    ],
}


def path(chance: random.Random) -> str:
    pieces = [chance.choice(NAMES if chance.random() < 0.6 else ODD) for _ in range(1, 6)]
    found = "/" + "/".join(pieces[: chance.randint(1, 5)])
    base = (
        BASE if chance.random() < 0.9 else chance.choice([BASE + "/..", "/restapis/abc/prod", ""])
    )
    return base + found


def authorization(chance: random.Random) -> str:
    day = datetime.now(UTC).strftime("%Y%m%d")
    scope = f"{day}/us-east-1/{chance.choice(['execute-api', 'lambda', ''])}/aws4_request"
    pieces = [
        f"Credential={chance.choice([KEY, '', 'ASIA', KEY + '/x', 'é'])}/{scope}",
        f"SignedHeaders={chance.choice(['host;x-amz-date', 'host', '', ';;;', 'a' * 500])}",
        f"Signature={chance.choice(['0' * 64, '', 'z', QUOTE])}",
    ]
    chance.shuffle(pieces)
    algorithm = chance.choice(["AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", "Bearer", "Basic", ""])
    return f"{algorithm} {', '.join(pieces[: chance.randint(0, 3)])}"


def fields(chance: random.Random) -> list[str]:
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    some = [
        f"Authorization: {authorization(chance)}",
        f"X-Amz-Date: {chance.choice([now, '', 'yesterday', '99999999T999999Z'])}",
        f"X-Amz-Security-Token: {chance.choice(['x', 'A' * 4000, '%%%', '='])}",
        f"x-api-key: {chance.choice(['', 'x', '0' * 500, 'é', KEY])}",
        f"X-Amz-Content-Sha256: {chance.choice(['UNSIGNED-PAYLOAD', STREAMED, 'x'])}",
        f"Content-Type: {chance.choice(['application/json', ';;;', 'multipart/form-data', ''])}",
        f"Accept: {chance.choice(['*/*', 'image/*;q=x', ''])}",
        f"X-Forwarded-For: {chance.choice(['127.0.0.1', '::', '1' * 300, ','])}",
        "X-HTTP-Method-Override: GET",
        f"X-Original-URL: {BASE}/closed/x",
        "Content-Encoding: gzip",
        "Cache-Control: max-age=0",
        f"Cookie: {chance.choice(['a=b', ';;;', QUOTE])}",
    ]
    return chance.sample(some, chance.randint(0, 5))


def query(chance: random.Random) -> str:
    some = [
        "a=b", "X-Amz-Signature=0", f"X-Amz-Credential={KEY}", "X-Amz-Expires=-1", "%", "&&",
        "X-Amz-Algorithm=AWS4-HMAC-SHA256", "a=%ff", "X-Amz-Security-Token=x", "proxy=closed",
    ]  # fmt: skip
    if chance.random() < 0.5:
        return ""
    return "?" + "&".join(chance.sample(some, chance.randint(0, 6)))


def message(chance: random.Random) -> bytes:
    body = chance.choice([b"", b"{}", b'{"a":', b"\xff\x00", b"[" * 500, b"\x1f\x8b" + b"x" * 50])
    head = [f"{chance.choice(VERBS)} {path(chance)}{query(chance)} HTTP/1.1", "Host: localhost"]
    head += fields(chance)
    head.append(f"Content-Length: {len(body)}")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@asynccontextmanager
async def guarded(reached: list[str]) -> AsyncGenerator[int]:
    """A front door whose backend tells what reaches it; its port."""

    async def upstream(request: Request) -> Reply:
        await read(request.body, 1 << 20)
        reached.append(request.target)
        return Reply(200, Headers(), b"{}")

    def identify(access_key_id: str, session_token: str) -> Identity | None:
        arn = "arn:aws:iam::000000000000:user/ada"
        known = Identity(KEY, "secret", arn, "AIDA", Caller((arn,), "000000000000"))
        return known if access_key_id == KEY else None

    async with serving(upstream) as behind:
        guards: dict[str, dict[str, Any]] = {
            "free": {},
            "closed": {},
            "signed": {"authorization_type": "AWS_IAM"},
            "keyed": {"api_key_required": True},
        }
        methods = [
            proxy(
                f"/{name}/{{proxy+}}",
                f"http://127.0.0.1:{behind.port}/{name}/{{proxy}}",
                request_parameters={"integration.request.path.proxy": "method.request.path.proxy"},
                **guard,
            )
            for name, guard in guards.items()
        ]
        http = HttpClient()
        of_ports = msgspec.structs.replace(ports(http), identify=identify)
        async with serving(door(api(*methods, policy=POLICY), None, of_ports)) as listener:
            yield listener.port
        await http.aclose()


async def status(port: int, data: bytes) -> int:
    """What is said to a request; 0: the connection was closed without a word."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        line = await asyncio.wait_for(reader.readline(), 10)
        return int(line.split()[1]) if line else 0
    finally:
        writer.close()


@pytest.mark.timeout(60 + SECONDS)
async def test_no_guard_is_passed_and_no_fault_is_ours() -> None:
    chance, reached = random.Random(SEED), list[str]()
    end, tried, said = time.monotonic() + SECONDS, 0, set[int]()
    async with guarded(reached) as port:
        while time.monotonic() < end:
            data = message(chance)
            found = await status(port, data)
            tried += 1
            said.add(found)
            assert found < 500, data
            inside = [each for each in reached if each.split("/")[1].lower() in GUARDED]
            assert not inside, (data, inside)
            paths = [each.partition("?")[0] + "/" for each in reached]
            assert not [each for each in paths if "/../" in each], data
            reached.clear()
    assert tried > 20
    assert {200, 403} <= said


async def test_what_the_policy_sees_is_what_the_backend_gets() -> None:
    same = [
        ("/free/a%2fb", "/free/a%2fb"),
        ("/free/./a", "/free/a"),
        ("/free/b/../a", "/free/a"),
        ("/closed/../free/a", "/free/a"),
        ("/free/%2e%2e/closed/a", None),
        ("/free/..%2fclosed/a", None),
        ("/free/../closed/a", None),
        ("/cl%6fsed/a", None),
        ("/signed/../closed/a", None),
        ("/free/%2e%2e/signed/a", None),
    ]
    reached: list[str] = []
    async with guarded(reached) as port:
        for asked, arrives in same:
            request = f"GET {BASE}{asked} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
            found = await status(port, request)
            assert (found == 200, reached) == (arrives is not None, [arrives] if arrives else [])
            reached.clear()
