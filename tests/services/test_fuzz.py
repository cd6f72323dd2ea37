"""Signed requests with odd values for every operation of the services that guard the gateway:
none is answered with a fault of our own.

Seeded, so that a failure can be had again; `TORANA_FUZZ_SECONDS` makes it last longer.
"""

import os
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.wire.samples import Samples, botocore_model, sent_by_botocore
from torana.app.services import Services, build
from torana.auth.signer import SigningCredentials, sign
from torana.message import Reply, Request, read
from torana.net.client import HttpClient
from torana.settings import Settings
from torana.state.memory import MemoryStore
from torana.wire.model import Operation, Service, load

SECONDS = float(os.environ.get("TORANA_FUZZ_SECONDS", "1"))
SEED = int(os.environ.get("TORANA_FUZZ_SEED", "20261129"))
AT_LEAST = 60
"""Requests, however slow the machine."""
FUZZED = {
    "acm": "acm",
    "apigateway": "apigateway",
    "apigatewayv2": "apigateway",
    "cloudtrail": "cloudtrail",
    "cloudwatch": "monitoring",
    "cognito-identity": "cognito-identity",
    "cognito-idp": "cognito-idp",
    "iam": "iam",
    "kms": "kms",
    "logs": "logs",
    "s3": "s3",
    "sns": "sns",
    "sqs": "sqs",
    "sts": "sts",
    "wafv2": "wafv2",
}
"""Services, by the names that requests are signed for."""
ODD: list[Any] = [
    "", "x", "a" * 300, "../..", "%00", "{}", '{"Version": 1}', "arn:aws:iam::000000000000:role/x",
    "arn:aws:x", "é" * 40, "*", "$context", "0", "-1", "null", "[", "a,b", "\ud7ff",
]  # fmt: skip
NUMBERS = [0, -1, 1, 2**31, 2**63 - 1, 10**18]


def spoiled(chance: Random, value: Any) -> Any:
    """The same, with other texts and numbers here and there."""
    if isinstance(value, dict):
        items: list[tuple[Any, Any]] = list(value.items())  # pyright: ignore
        if items and chance.random() < 0.1:
            items.pop(chance.randrange(len(items)))
        return {name: spoiled(chance, item) for name, item in items}
    if isinstance(value, list):
        found = [spoiled(chance, item) for item in value]  # pyright: ignore
        return found if chance.random() < 0.9 else found * chance.randint(0, 3)
    if isinstance(value, bool) or chance.random() < 0.6:
        return value
    if isinstance(value, int):
        return chance.choice(NUMBERS)
    return chance.choice(ODD) if isinstance(value, str) else value


def asked(chance: Random, name: str, service: Service, operation: Operation) -> Request | None:
    """None: what botocore itself would not send."""
    model = botocore_model(name)
    samples = Samples(service, chance.randrange(1000))
    params = spoiled(chance, samples.of(operation.input))
    try:
        request = sent_by_botocore(
            model.operation_model(operation.name), service.metadata.protocol, params
        )
    except Exception:  # noqa: BLE001 - whatever botocore says of what it will not send
        return None
    body = request.body
    if isinstance(body, bytes) and chance.random() < 0.2:
        at = chance.randint(0, len(body))
        bits = [b"", b"\xff", b"}", b'"', b"<", b"&", b"\0", b"null", b"[" * 2000]
        request.body = body[:at] + chance.choice(bits) + body[at + chance.randint(0, 3) :]
    if "host" not in request.headers:
        request.headers.set("Host", "localhost:8081")
    return request


async def heard(found: Services, request: Request, signed_for: str) -> Reply:
    root = SigningCredentials(found.root.access_key_id, found.root.secret_access_key)
    reply = await found.handle(sign(request, root, region="us-east-1", service=signed_for))
    await read(reply.body, 1 << 24)
    return reply


@pytest.mark.timeout(120 + SECONDS)
async def test_no_value_makes_a_service_fail(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    client, chance, statuses = HttpClient(), Random(SEED), dict[int, int]()
    settings = Settings(data=str(tmp_path))
    store = MemoryStore(10_000)
    found = await build(settings, {}, tmp_path / "run", client, store, owner=True)
    services = {name: load(name) for name in FUZZED}
    faults: dict[str, Any] = {}
    try:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end or sum(statuses.values()) < AT_LEAST:
            name, service = chance.choice(list(services.items()))
            operation = chance.choice(list(service.operations.values()))
            request = asked(chance, name, service, operation)
            if request is None:
                continue
            reply = await heard(found, request, FUZZED[name])
            statuses[reply.status] = statuses.get(reply.status, 0) + 1
            if reply.status >= 500 and reply.status != 501:
                faults[f"{name} {operation.name}"] = (request.target, request.body, reply.body)
    finally:
        await found.aclose()
        await client.aclose()
    assert not faults
    assert statuses.keys() >= {200, 400}
