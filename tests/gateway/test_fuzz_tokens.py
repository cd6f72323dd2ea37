"""Tokens and signatures that hold, changed a little: none is let in, and no fault is ours.

Seeded, so that a failure can be had again; `TORANA_FUZZ_SECONDS` makes it last longer.
"""

import asyncio
import base64
import json
import os
import random
import string
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests.builders import Answer, api, door, ports, proxy, serving
from tests.gateway.authorizers.test_aws_iam import SECRET, identities, statement
from tests.gateway.http_api.serving import ask
from tests.gateway.http_api.test_callers import issuing
from torana.auth.signer import SigningCredentials, sign
from torana.gateway.contract import Identity
from torana.message import Headers, Reply, Request, read
from torana.net.client import HttpClient

SECONDS = float(os.environ.get("TORANA_FUZZ_SECONDS", "1"))
SEED = int(os.environ.get("TORANA_FUZZ_SEED", "20261128"))
BASE = "/restapis/abc/prod/_user_request_"
LETTERS = string.ascii_letters + string.digits + "-_"
ALICE = SigningCredentials("AKIAALICE", SECRET)
DENIED = range(400, 500)
VALUES: list[Any] = [
    "app", 1e99, -1, None, [], {}, "x", True, 2**80, "", "../../etc/passwd", "' OR 1=1", ["x"],
    "http://127.0.0.1:1/",
]  # fmt: skip


def decoded(piece: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(piece + "=" * (-len(piece) % 4))
    except ValueError:
        return piece.encode()


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def changed_token(chance: random.Random, token: str) -> str:
    head, body, signature = token.split(".")
    match chance.randrange(8):
        case 0:
            made = json.loads(decoded(head))
            made["alg"] = chance.choice(["none", "None", "HS256", "", None, ["RS256"], 1, "ES256"])
            head = encoded(json.dumps(made).encode())
        case 1:
            made = json.loads(decoded(body))
            made[chance.choice(["aud", "exp", "iss", "scope", "sub", "nbf"])] = chance.choice(
                VALUES
            )
            body = encoded(json.dumps(made).encode())
        case 2:
            made = json.loads(decoded(head))
            made[chance.choice(["kid", "jwk", "jku", "x5u", "crit", "b64"])] = chance.choice(VALUES)
            head = encoded(json.dumps(made).encode())
        case 3:
            signature = chance.choice(["", "AA", encoded(b"\0" * 256), signature[::-1]])
        case 4:
            at = chance.randrange(len(body))
            body = body[:at] + chance.choice(LETTERS) + body[at + 1 :]
        case 5:
            at = chance.randrange(len(signature))
            signature = signature[:at] + chance.choice(LETTERS) + signature[at + 1 :]
        case 6:
            return ".".join(chance.choice([head, body, signature, ""]) for _ in range(4))
        case _:
            body = encoded(chance.choice([b"{}", b"[]", b"null", b"\xff", b"{" * 9000, b'"x"']))
    return f"{head}.{body}.{signature}"


def same_token(one: str, other: str) -> bool:
    """Base64 has several spellings of the same bytes."""
    return [decoded(each) for each in one.split(".")] == [
        decoded(each) for each in other.split(".")
    ]


@pytest.mark.timeout(60 + SECONDS)
async def test_no_changed_token_is_let_in() -> None:
    chance, tried = random.Random(SEED), 0
    async with issuing() as (desk, functions, of):
        whole = desk.token(aud="app", sub="ada")
        assert (await of(ask("/", authorization=f"Bearer {whole}"))).status == 200
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            token = changed_token(chance, whole)
            if same_token(token, whole):
                continue
            word = chance.choice(["Bearer ", "bearer ", "", "Bearer  ", "Basic "])
            before = len(functions.asked)
            reply = await of(ask("/", authorization=f"{word}{token}"))
            tried += 1
            assert reply.status in DENIED, token
            assert len(functions.asked) == before, token
    assert tried > 20


def broken(chance: random.Random, good: Request) -> Request:
    """A signed request with one thing that the signature covers changed."""
    request = Request(good.method, good.target, good.headers.copy(), good.body)
    match chance.randrange(8):
        case 0:
            request.method = chance.choice(["POST", "DELETE", "PUT"])
        case 1:
            request.target = request.target.replace("/a", chance.choice(["/b", "/a/", "/%61/x"]))
        case 2:
            request.target += chance.choice(["&x=1", "&q=2", "&", "&X-Amz-Signature=0"]) + "z"
        case 3:
            request.body = chance.choice([b"", b"other", b"body\0", b"x" * 5000])
        case 4 | 5:
            _break_field(chance, request.headers)
        case _:
            said = request.headers.get("authorization") or ""
            request.headers.set("Authorization", _broken_authorization(chance, said))
    return request


def _break_field(chance: random.Random, fields: Headers) -> None:
    name = chance.choice(["X-Amz-Date", "Host", "X-Said"])
    value = chance.choice(["", "x", "20200101T000000Z", "9" * 40, "other,said"])
    (fields.add if chance.random() < 0.5 else fields.set)(name, value)


def _broken_authorization(chance: random.Random, said: str) -> str:
    match chance.randrange(4):
        case 0:
            at = said.index("Signature=") + 10 + chance.randrange(64)
            return said[:at] + ("0" if said[at] != "0" else "1") + said[at + 1 :]
        case 1:
            names = chance.choice(["host", "x-amz-date", "", "host;host", "x-said;x-amz-date"])
            start, _, rest = said.partition("SignedHeaders=")
            return start + f"SignedHeaders={names}," + rest.partition(",")[2]
        case 2:
            part = chance.choice(["AKIAALICE", "execute-api", "us-east-1", "aws4_request"])
            return said.replace(part, chance.choice(["AKIANOBODY", "s3", "", "x", "é"]))
        case _:
            return said[: chance.randrange(len(said) - 1)]


def guarded(desk: Answer, port: int) -> Answer:
    """A method that wants signatures, of Alice's key, in front of a backend."""
    known = identities(statement("Allow", "*"))

    def find(access_key_id: str, session_token: str) -> Identity | None:
        del session_token
        return known.get(access_key_id)

    of_ports = msgspec.structs.replace(ports(HttpClient()), identify=find)
    uri = f"http://127.0.0.1:{port}/{{proxy}}"
    mapped = {"integration.request.path.proxy": "method.request.path.proxy"}
    method = proxy("/{proxy+}", uri, request_parameters=mapped, authorization_type="AWS_IAM")
    return door(api(method), None, of_ports)


@pytest.mark.timeout(60 + SECONDS)
async def test_no_changed_signed_request_is_let_in() -> None:
    chance, tried, reached = random.Random(SEED), 0, list[str]()

    async def backend(request: Request) -> Reply:
        await read(request.body, 1 << 20)
        reached.append(request.target)
        return Reply(200, Headers(), b"{}")

    async with serving(backend) as behind:
        of = guarded(backend, behind.port)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            now = datetime.now(UTC) - timedelta(seconds=chance.randrange(200))
            fields = Headers([("Host", "abc.execute-api.localhost"), ("X-Said", "said")])
            plain = Request("PATCH", f"{BASE}/a?q=1", fields, b"body")
            good = sign(plain, ALICE, region="us-east-1", service="execute-api", now=now)
            if tried % 20 == 0:
                assert (await of(good)).status == 200
                reached.clear()
            bad = broken(chance, good)
            reply = await of(bad)
            tried += 1
            assert reply.status in DENIED, bad
            assert not reached, bad
    assert tried > 20


def framed(chance: random.Random) -> bytes:
    """A chunked request, most often spoiled."""
    sizes = [
        "5",
        "05",
        "5;x=y",
        "5 ",
        " 5",
        "+5",
        "-5",
        "0x5",
        "5\t",
        "ffffffffffffffffff",
        "g",
        "",
    ]
    ends = ["\r\n", "\r\n", "\r\n", "\n", "\r", "\r\n\r\n", ""]
    chunks = "".join(
        f"{chance.choice(sizes)}{chance.choice(ends)}hello{chance.choice(ends)}"
        for _ in range(chance.randint(0, 3))
    )
    last = chance.choice(["0\r\n\r\n", "0\r\n", "", "00\r\n\r\n", "0\r\nX-Api-Key: a\r\n\r\n"])
    coding = chance.choice(["chunked", "Chunked", "chunked, chunked", "gzip, chunked", "chunked;q"])
    hidden = f"GET {BASE}/hidden HTTP/1.1\r\nHost: a\r\n\r\n"
    head = f"POST {BASE}/seen HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {coding}\r\n"
    head += chance.choice(["", "Connection: close\r\n"])
    length = chance.choice(["", "", "Content-Length: 5\r\n", "Content-Length: 0\r\n"])
    return (head + length + "\r\n" + chunks + last).encode() + (
        hidden.encode() if chance.random() < 0.1 else b""
    )


@pytest.mark.timeout(60 + SECONDS)
async def test_chunks_reach_the_backend_as_they_were_understood() -> None:
    """Whatever the framing, the backend sees whole bodies of what was asked, or nothing."""
    chance = random.Random(SEED)
    reached: list[tuple[str, bytes]] = []

    async def backend(request: Request) -> Reply:
        body = await read(request.body, 1 << 20)
        reached.append((request.target, body))
        return Reply(200, Headers(), b"{}")

    async def one(port: int, end: float) -> None:
        while time.monotonic() < end:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(framed(chance))
            said = b""
            try:
                while piece := await asyncio.wait_for(reader.read(65536), 0.1):
                    said += piece
            except (ConnectionError, TimeoutError):
                pass
            writer.close()
            assert b"HTTP/1.1 50" not in said.replace(b"HTTP/1.1 501", b"")

    async with serving(backend) as behind:
        method = proxy("/seen", f"http://127.0.0.1:{behind.port}/seen")
        hidden = proxy("/hidden", f"http://127.0.0.1:{behind.port}/hidden")
        async with serving(door(api(method, hidden))) as listener:
            end = time.monotonic() + SECONDS
            await asyncio.gather(*(one(listener.port, end) for _ in range(8)))
    assert reached
    whole: set[Any] = {b"", b"hello", b"hello" * 2, b"hello" * 3}
    assert not {body for target, body in reached if target == "/seen"} - whole
