"""What is particular to the PostgreSQL store."""

import asyncio
import socket
from collections.abc import Iterator

import asyncpg
import pytest

from tests.state.conftest import need_service, postgres_url
from tests.state.proxies import Cut
from torana.state import open_store
from torana.state.store import Change, NewerSchema, StoreUnavailable


@pytest.fixture
def url() -> Iterator[str]:
    yield from postgres_url()


async def test_a_server_that_does_not_answer_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(StoreUnavailable, match=f"127.0.0.1:{port}"):
        await open_store(f"postgresql://nobody@127.0.0.1:{port}/test")


async def test_a_name_that_is_no_schema_is_refused() -> None:
    with pytest.raises(ValueError, match="schema"):
        await open_store('postgresql://127.0.0.1/test?schema=a"b')


async def test_a_schema_of_a_newer_torana_is_refused(url: str) -> None:
    await (await open_store(url)).close()
    schema = url.rpartition("=")[2]
    db = await asyncpg.connect(url.partition("?")[0])
    await db.execute(f'INSERT INTO "{schema}".migrations VALUES (99)')
    await db.close()
    with pytest.raises(NewerSchema, match="99"):
        await open_store(url)


async def test_many_nodes_may_open_a_new_schema_at_once(url: str) -> None:
    stores = await asyncio.gather(*(open_store(url) for _ in range(4)))
    assert [await store.revision() for store in stores] == [0] * 4
    for store in stores:
        await store.close()


async def test_while_the_server_is_away_changes_are_refused_and_watching_waits(url: str) -> None:
    need_service("PostgreSQL", 5432)
    cut = Cut(5432)
    await cut.join()
    store = await open_store(url.replace(":5432", f":{cut.port}"))
    watching = asyncio.ensure_future(anext(store.watch(0)))
    await asyncio.sleep(0.1)
    await cut.cut()
    with pytest.raises(StoreUnavailable):
        await store.commit([Change("api", "a", 0, b"1")])
    assert not watching.done()
    await cut.join()
    revision = await store.commit([Change("api", "a", 0, b"1")])
    assert (await asyncio.wait_for(watching, 5)).revision == revision
    await store.close()
    await cut.cut()
