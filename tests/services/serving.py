"""A management listener with real sockets, and real AWS clients for it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import boto3
from botocore.config import Config
from msgspec import Struct

from torana.message import Reply, Request
from torana.net.client import HttpClient
from torana.net.server import Listener, listen
from torana.services.assembly import router
from torana.services.background import Background
from torana.services.credentials import FixedCredentials, root_principal
from torana.services.ports import Credential
from torana.services.registry import Parts
from torana.services.router import Router
from torana.settings import Service, Settings
from torana.state.disk import Disk
from torana.state.memory import MemoryStore

ROOT = Credential(
    "AKIATESTTESTTESTTEST",
    "a/secret+of/forty/characters/of/some/sort",
    root_principal("000000000000", "AKIATESTTESTTESTTEST"),
)


class Scores(Struct):
    positive: float
    negative: float
    neutral: float
    mixed: float


class Guess(Struct):
    code: str
    score: float


async def counting_engines(capability: str, items: Sequence[Any], timeout: float) -> list[Any]:
    """Engines whose answers follow from the text by arithmetic: enough to tell texts apart."""
    del timeout
    await asyncio.sleep(0)
    if capability == "sentiment":
        return [by_exclamations(item.text) for item in items]
    if capability == "dominant_language":
        return [
            [Guess("de", 0.25), Guess("en" if item.isascii() else "fr", 0.75)] for item in items
        ]
    raise KeyError(capability)


def by_exclamations(text: str) -> Scores:
    share = text.count("!") / len(text)
    return Scores(0.7 * share + 0.1, 0.2, 0.7 * (1 - share), 0.0)


def parts(
    engines: Callable[..., Any] = counting_engines, languages: frozenset[str] = frozenset()
) -> Parts:
    nowhere = Path("/nonexistent")
    store = MemoryStore(100)
    objects, background = Disk(nowhere), Background()
    return Parts(engines, objects, store, background, nowhere, lambda capability: languages)


def make_router(
    services: dict[str, Service] | None = None,
    of: Parts | None = None,
    environment: dict[str, str] | None = None,
    client: HttpClient | None = None,
) -> Router:
    return router(
        Settings(services=services or {}),
        of or parts(),
        FixedCredentials([ROOT]),
        client or HttpClient(),
        environment or {"HOME": "/nonexistent"},
    )


@asynccontextmanager
async def serving(handler: Callable[[Request], Any]) -> AsyncGenerator[Listener]:
    listener = await listen(handler)
    try:
        yield listener
    finally:
        await listener.close()


def client(
    service: str, port: int, *, key: str = ROOT.access_key_id, secret: str = ROOT.secret_access_key
) -> Any:
    """A boto3 client of the listener. It blocks: call it in a thread (`called`)."""
    return cast(Any, boto3).client(
        service,
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="eu-west-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(
            signature_version="s3v4" if service == "s3" else None,
            retries={"max_attempts": 1},
            connect_timeout=5,
            read_timeout=10,
        ),
    )


async def called(operation: Callable[..., Any], **params: Any) -> dict[str, Any]:
    return await asyncio.to_thread(operation, **params)


def recording(replies: list[Reply], seen: list[Request]) -> Callable[[Request], Any]:
    """A handler that keeps what it is sent and answers in order."""

    async def handle(request: Request) -> Reply:
        await asyncio.sleep(0)
        seen.append(request)
        return replies.pop(0)

    return handle
