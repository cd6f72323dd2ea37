"""Credentials of functions, in the process that runs them and in the others of the gateway."""

import asyncio
from pathlib import Path

import pytest

from tests.services.serving import ROOT
from torana.auth.sigv4 import SignatureError
from torana.services.iam.directory import Directory
from torana.services.iam.endings import Endings
from torana.services.iam.identities import Identities
from torana.services.seal import KeyFile
from torana.state.memory import MemoryStore

ROLE = "arn:aws:iam::000000000000:role/worker"
NOW = [1_800_000_000.0]


async def process(store: MemoryStore, folder: Path, node: str, *, runs: bool) -> Identities:
    directory = Directory(store, "000000000000")
    await directory.load()
    return Identities(
        ROOT,
        directory,
        KeyFile(folder / "iam.key"),
        lambda: NOW[0],
        node=node,
        runs=runs,
        ended=Endings(store).note,
    )


async def test_every_process_knows_them_until_they_are_over(tmp_path: Path) -> None:
    store = MemoryStore(100)
    hub = await process(store, tmp_path, "a", runs=True)
    worker = await process(store, tmp_path, "a", runs=False)
    neighbour = await process(store, tmp_path, "b", runs=True)
    again = await process(store, tmp_path, "a", runs=True)
    made = hub.open(ROLE, "f")
    asked = (made.access_key_id, made.session_token)
    for each in (hub, worker, neighbour):
        found = each.known(*asked)
        assert found is not None
        assert found.secret_access_key == made.secret_access_key
        assert found.principal.arn == "arn:aws:sts::000000000000:assumed-role/worker/f"
    assert again.known(*asked) is None, "a later process of the node runs other instances"
    assert worker.known("ASIAOTHER", made.session_token) is None
    hub.close(made.access_key_id)
    assert hub.known(*asked) is None
    for each in (worker, neighbour):
        for _ in range(200):
            if each.known(*asked) is None:
                break
            await asyncio.sleep(0.01)
        assert each.known(*asked) is None
    for each in (hub, worker, neighbour, again):
        await each.directory.aclose()


async def test_elsewhere_they_end_by_themselves(tmp_path: Path) -> None:
    store = MemoryStore(100)
    hub = await process(store, tmp_path, "a", runs=True)
    worker = await process(store, tmp_path, "a", runs=False)
    made = hub.open(ROLE, "f", trusted=True)
    before, NOW[0] = NOW[0], NOW[0] + 13 * 3600
    try:
        assert hub.known(made.access_key_id, made.session_token) is not None
        with pytest.raises(SignatureError):
            worker.known(made.access_key_id, made.session_token)
    finally:
        NOW[0] = before
        await hub.directory.aclose()
        await worker.directory.aclose()
