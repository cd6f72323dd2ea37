"""Each test that asks for a `store_url` runs on every store; services may be absent or required."""

import os
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest


def need_service(name: str, port: int) -> None:
    """Skip where a service is not running, unless the run says that it must be."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        if os.environ.get("TORANA_REQUIRE_SERVICES") == "1":
            pytest.fail(f"{name} is not running on port {port}")
        pytest.skip(f"{name} is not running on port {port}")


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty store of each sort."""
    if request.param == "memory":
        yield "memory:"
    elif request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/torana.db"
    else:
        yield from postgres_url()


@pytest.fixture(params=["sqlite", "postgresql"])
def shared_store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty store that several processes can open."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/torana.db"
    else:
        yield from postgres_url()


def postgres_url() -> Iterator[str]:
    """The address of an empty schema, dropped afterwards."""
    need_service("PostgreSQL", 5432)
    schema = f"t_{uuid.uuid4().hex[:12]}"
    yield f"postgresql://postgres@127.0.0.1:5432/test?schema={schema}"
    import asyncio

    import asyncpg

    async def drop() -> None:
        connection = await asyncpg.connect("postgresql://postgres@127.0.0.1:5432/test")
        await connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
        await connection.close()

    asyncio.run(drop())
