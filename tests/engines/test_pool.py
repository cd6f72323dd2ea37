import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.engines.hostile import Order, orders
from torana.engines.client import EngineClient
from torana.engines.engine import EngineBusy, EngineError, EngineFailed, EngineMissing
from torana.engines.pool import EnginePool, PoolSettings

HERE = "tests.engines"
ENGINES = {
    "obey": f"{HERE}.hostile",
    "absent": f"{HERE}.absent",
    "patient": f"{HERE}.patient",
}


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).parents[2]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(root), str(root / "src")]))


@asynccontextmanager
async def running(
    folder: Path, memory_limit: int = 0, warm: tuple[str, ...] = (), processes: int = 1
) -> AsyncGenerator[tuple[EnginePool, EngineClient]]:
    settings = PoolSettings(
        engines=ENGINES,
        memory_limit=memory_limit,
        warm=warm,
        processes={"obey": processes},
        drain=0.5,
    )
    pool = EnginePool(folder, settings)
    await pool.start()
    client = pool.client()
    try:
        yield pool, client
    finally:
        await client.aclose()
        await pool.aclose()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie has ended: only its parent has not looked yet.
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


def sockets(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("*.sock")]


async def gone(pid: int) -> None:
    for _ in range(200):
        if not alive(pid):
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{pid} still lives")


async def test_answers_come_from_another_process_in_order(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, client):
        echoes = await client.run("obey", orders("a", "b", "c"), 10)
        assert [echo.say for echo in echoes] == ["a", "b", "c"]
        assert echoes[0].pid != os.getpid()


async def test_a_host_starts_only_when_somebody_calls(tmp_path: Path) -> None:
    async with running(tmp_path) as (pool, client):
        assert set(pool.starts().values()) == {0}
        await client.run("obey", orders("a"), 10)
        assert pool.starts() == {"obey.0": 1, "absent.0": 0, "patient.0": 0}


async def test_a_warm_engine_is_loaded_before_the_first_call(tmp_path: Path) -> None:
    async with running(tmp_path, warm=("obey",)) as (pool, client):
        await pool.warmed()
        await client.run("obey", [], 5)
        (state,) = await client.state()
        assert [load.loaded for load in state.engines] == [True]
        assert state.engines[0].items == 0


async def test_several_clients_share_a_host(tmp_path: Path) -> None:
    async with running(tmp_path) as (pool, client):
        other = pool.client()
        (mine,), (its,) = await asyncio.gather(
            client.run("obey", orders("a"), 10), other.run("obey", orders("b"), 10)
        )
        await other.aclose()
        assert mine.pid == its.pid


async def test_other_processes_may_call_too(tmp_path: Path) -> None:
    program = f"""
import asyncio, pathlib
from torana.engines.client import EngineClient
async def main():
    client = EngineClient(pathlib.Path({str(tmp_path)!r}), {ENGINES!r})
    print((await client.run("obey", [{{"say": "far"}}], 10))[0].say)
    await client.aclose()
asyncio.run(main())
"""
    async with running(tmp_path):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, stdout=subprocess.PIPE
        )
        output, _ = await process.communicate()
        assert output == b"far\n"


async def test_calls_during_a_run_are_batched_into_the_next_one(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, client):
        await client.run("obey", [], 10)
        slow = asyncio.ensure_future(client.run("obey", [Order(sleep=0.2)], 10))
        await asyncio.sleep(0.1)
        rest = await asyncio.gather(*(client.run("obey", orders(f"{n}"), 10) for n in range(5)))
        assert (await slow)[0].batch == 1
        assert [echo.batch for (echo,) in rest] == [5] * 5
        assert [echo.say for (echo,) in rest] == ["0", "1", "2", "3", "4"]


async def test_a_batch_is_never_larger_than_the_engine_wants(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, client):
        echoes = await client.run("obey", orders(*map(str, range(11))), 10)
        assert [echo.batch for echo in echoes] == [8] * 8 + [3] * 3


async def test_an_idle_engine_may_wait_for_company(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, client):
        await client.run("patient", [], 10)
        first, second = await asyncio.gather(
            client.run("patient", orders("a"), 10), client.run("patient", orders("b"), 10)
        )
        assert [first[0].batch, second[0].batch] == [2, 2]


async def test_an_engine_with_threads_does_as_many_runs_at_once(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, client):
        await client.run("patient", [], 10)
        full = [Order(sleep=0.1)] * 4
        first, second = await asyncio.gather(
            client.run("patient", full, 10), client.run("patient", full, 10)
        )
        assert first[0].thread != second[0].thread


async def test_a_killed_host_fails_the_call_it_had_and_the_next_works(tmp_path: Path) -> None:
    async with running(tmp_path) as (pool, client):
        (echo,) = await client.run("obey", orders("a"), 10)
        doomed = asyncio.ensure_future(client.run("obey", [Order(sleep=2)], 10))
        await asyncio.sleep(0.1)
        os.kill(echo.pid, signal.SIGKILL)
        with pytest.raises(EngineFailed, match="ended during the call"):
            await doomed
        (again,) = await client.run("obey", orders("b"), 10)
        assert again.say == "b"
        assert again.pid != echo.pid
        assert pool.starts()["obey.0"] == 2
        assert client.counts["obey"].failures == 1


async def test_a_poisonous_input_hurts_only_its_own_call(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, client):
        await client.run("obey", [], 10)
        slow = asyncio.ensure_future(client.run("obey", [Order(sleep=0.2)], 10))
        await asyncio.sleep(0.1)
        good, bad = await asyncio.gather(
            client.run("obey", orders("good"), 10),
            client.run("obey", [Order(fail="poison")], 10),
            return_exceptions=True,
        )
        await slow
        assert not isinstance(good, BaseException)
        assert good[0].say == "good"
        assert isinstance(bad, EngineFailed)
        assert "poison" in str(bad)


async def test_a_call_past_its_deadline_raises_and_the_engine_goes_on(tmp_path: Path) -> None:
    async with running(tmp_path) as (pool, client):
        await client.run("obey", [], 10)
        with pytest.raises(TimeoutError):
            await client.run("obey", [Order(sleep=0.5)], 0.1)
        assert [echo.say for echo in await client.run("obey", orders("a"), 10)] == ["a"]
        assert pool.starts()["obey.0"] == 1
        assert client.counts["obey"].late == 1


async def test_work_nobody_waits_for_any_more_is_not_begun(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, client):
        await client.run("obey", [], 10)
        slow = asyncio.ensure_future(client.run("obey", [Order(sleep=0.4)], 10))
        await asyncio.sleep(0.05)
        with pytest.raises(TimeoutError):
            await client.run("obey", orders("a"), 0.1)
        cancelled = asyncio.ensure_future(client.run("obey", orders("b"), 10))
        await asyncio.sleep(0.05)
        cancelled.cancel()
        await slow
        await client.run("obey", orders("c"), 10)
        (state,) = await client.state()
        assert state.engines[0].items == 2


async def test_a_full_queue_is_busy_at_once(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, client):
        await client.run("obey", [], 10)
        slow = asyncio.ensure_future(client.run("obey", [Order(sleep=0.3)], 10))
        await asyncio.sleep(0.05)
        waiting = asyncio.ensure_future(client.run("obey", orders(*"abcdefghijklmnop"), 10))
        await asyncio.sleep(0.05)
        with pytest.raises(EngineBusy, match="obey"):
            await client.run("obey", orders("one too many"), 10)
        assert len(await waiting) == 16
        await slow
        assert client.counts["obey"].busy == 1


async def test_a_process_has_only_so_many_calls_under_way(tmp_path: Path) -> None:
    async with running(tmp_path):
        client = EngineClient(tmp_path, ENGINES, pending=1)
        slow = asyncio.ensure_future(client.run("obey", [Order(sleep=0.2)], 10))
        await asyncio.sleep(0.05)
        with pytest.raises(EngineBusy, match="this process"):
            await client.run("obey", orders("a"), 10)
        await slow
        await client.aclose()


async def test_a_missing_package_is_named_with_the_mend(tmp_path: Path) -> None:
    async with running(tmp_path) as (pool, client):
        for _ in range(2):
            with pytest.raises(EngineMissing, match=r"no_such_package.*torana\[engines\]"):
                await client.run("absent", ["a"], 10)
        assert pool.starts()["absent.0"] == 1


async def test_input_of_the_wrong_shape_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, client):
        with pytest.raises(EngineFailed, match="bad input"):
            await client.run("obey", [{"sleep": "long"}], 10)


async def test_a_hung_engine_is_ended_and_replaced(tmp_path: Path) -> None:
    async with running(tmp_path) as (pool, client):
        with pytest.raises(EngineFailed):
            await client.run("obey", [Order(sleep=30)], 20)
        assert (await client.run("obey", orders("a"), 10))[0].say == "a"
        assert pool.starts()["obey.0"] == 2


async def test_a_host_that_outgrows_its_memory_is_replaced_without_a_lost_call(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, memory_limit=150 << 20) as (pool, client):
        (before,) = await client.run("obey", orders("a"), 10)
        fat = asyncio.ensure_future(client.run("obey", [Order(eat=200 << 20)], 10))
        others = [client.run("obey", orders(f"{n}"), 10) for n in range(10)]
        says = [echo.say for (echo,) in await asyncio.gather(*others)]
        await fat
        (after,) = await client.run("obey", orders("b"), 10)
        assert says == [f"{n}" for n in range(10)]
        assert after.pid != before.pid
        assert pool.starts()["obey.0"] == 2


async def test_processes_of_a_host_share_the_work(tmp_path: Path) -> None:
    async with running(tmp_path, processes=2) as (_, client):
        both = await asyncio.gather(*(client.run("obey", [Order(sleep=0.2)], 10) for _ in range(2)))
        assert both[0][0].pid != both[1][0].pid


async def test_closing_the_pool_leaves_nothing_behind(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, client):
        (echo,) = await client.run("obey", orders("a"), 10)
    assert not alive(echo.pid)
    assert sockets(tmp_path) == []


async def test_closing_waits_for_what_is_under_way(tmp_path: Path) -> None:
    async with running(tmp_path) as (pool, client):
        await client.run("obey", [], 10)
        slow = asyncio.ensure_future(client.run("obey", [Order("done", sleep=0.2)], 10))
        await asyncio.sleep(0.05)
        await pool.aclose()
        assert (await slow)[0].say == "done"


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_hosts_die_with_their_pool_even_when_it_is_killed(tmp_path: Path, loop: str) -> None:
    program = f"""
import asyncio, pathlib, {loop}
from torana.engines.pool import EnginePool, PoolSettings
async def main():
    pool = EnginePool(pathlib.Path({str(tmp_path)!r}), PoolSettings(engines={ENGINES!r}))
    await pool.start()
    print((await pool.client().run("obey", [{{"say": "hi"}}], 10))[0].pid, flush=True)
    await asyncio.sleep(60)
{loop}.run(main())
"""
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=subprocess.PIPE
    )
    assert owner.stdout is not None
    host = int(await owner.stdout.readline())
    assert alive(host)
    owner.kill()
    await owner.wait()
    await gone(host)


async def test_a_folder_has_one_pool(tmp_path: Path) -> None:
    async with running(tmp_path):
        with pytest.raises(EngineError, match="another process"):
            await EnginePool(tmp_path, PoolSettings(engines=ENGINES)).start()


async def test_without_a_pool_the_error_says_so(tmp_path: Path) -> None:
    client = EngineClient(tmp_path, ENGINES)
    with pytest.raises(EngineFailed, match="does the pool run"):
        await client.run("obey", orders("a"), 1)


async def test_nonsense_on_the_socket_only_cuts_that_connection(tmp_path: Path) -> None:
    async with running(tmp_path) as (pool, client):
        await client.run("obey", orders("a"), 10)
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.connect(str(tmp_path / "obey.0.sock"))
            stranger.sendall(b"\xff\xff\xff\xff nonsense")
            stranger.settimeout(5)
            assert await asyncio.to_thread(stranger.recv, 1) == b""
        assert (await client.run("obey", orders("b"), 10))[0].say == "b"
        assert pool.starts()["obey.0"] == 1


async def test_a_path_too_long_for_a_socket_address_works(tmp_path: Path) -> None:
    async with running(tmp_path / ("long" * 30)) as (_, client):
        assert (await client.run("obey", orders("a"), 10))[0].say == "a"
