"""What a function does to itself stays with it; its caller gets the service's error."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from tests.functions.running import running
from torana.functions.errors import Throttled
from torana.functions.isolation import KINDS

WELL = "def handler(event, context):\n    return event\n"


def alive(marker: str) -> list[int]:
    """Processes whose command line holds the marker."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if marker.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


async def until_gone(marker: str, seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not alive(marker):
            return True
        await asyncio.sleep(0.05)
    return False


async def test_endless_loop_is_cut_off_at_its_timeout_and_replaced(tmp_path: Path) -> None:
    code = (
        "def handler(event, context):\n    while event == 'spin':\n        pass\n    return event\n"
    )
    async with running(tmp_path) as node:
        version = node.python(code, timeout=1)
        started = time.perf_counter()
        said = await node.call(version, "spin")
        assert 0.9 < time.perf_counter() - started < 4
        assert said["errorType"] == "Sandbox.Timedout"
        assert said["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
        assert await node.call(version, "well") == "well"
        assert any("Status: timeout" in line for line in node.log)


async def test_exit_in_a_handler_is_a_runtime_exit_error(tmp_path: Path) -> None:
    code = "import os\ndef handler(event, context):\n    os._exit(3) if event else None\n"
    async with running(tmp_path) as node:
        version = node.python(code)
        said = await node.call(version, 1)
        assert said["errorType"] == "Runtime.ExitError"
        assert said["errorMessage"].endswith("Runtime exited with error: exit status 3")
        assert await node.call(version, 0) is None


async def test_init_error_is_told_to_the_caller(tmp_path: Path) -> None:
    async with running(tmp_path) as node:
        said = await node.call(node.python("import no_such_module\n"))
        assert said["errorType"] == "Runtime.ImportModuleError"
        assert "no_such_module" in said["errorMessage"]
        said = await node.call(node.python("def other(e, c): pass\n"))
        assert said["errorType"] == "Runtime.HandlerNotFound"


async def test_crash_loop_at_init_is_not_started_over_and_over(tmp_path: Path) -> None:
    async with running(tmp_path) as node:
        version = node.python("import os\nos._exit(1)\n")
        started = time.monotonic()
        calls = 0
        while time.monotonic() - started < 2.5:
            said = await node.call(version)
            assert said["errorType"] == "Runtime.ExitError"
            calls += 1
            await asyncio.sleep(0.01)
        tries = sum("INIT_REPORT" in line for line in node.log)
        assert calls > 50
        assert tries <= 6


async def test_memory_hog_is_killed_and_replaced(tmp_path: Path) -> None:
    code = (
        "import time\nkept = []\ndef handler(event, context):\n"
        "    while event == 'hog':\n        kept.append(bytearray(b'x') * (8 << 20))\n"
        "        time.sleep(0.02)\n    return event\n"
    )
    async with running(tmp_path) as node:
        version = node.python(code, memory=128, timeout=20)
        said = await node.call(version, "hog")
        assert said["errorType"] == "Runtime.ExitError"
        assert said["errorMessage"].endswith("signal: killed")
        assert await node.call(version, "well") == "well"


async def test_memory_taken_at_once_is_refused_by_the_system(tmp_path: Path) -> None:
    code = "def handler(event, context):\n    return len(bytearray(2 << 30))\n"
    async with running(tmp_path) as node:
        said = await node.call(node.python(code, memory=128, timeout=10))
        assert said["errorType"] == "MemoryError"


async def test_response_over_six_megabytes_is_refused(tmp_path: Path) -> None:
    code = "def handler(event, context):\n    return 'x' * event\n"
    async with running(tmp_path) as node:
        version = node.python(code, timeout=10)
        said = await node.call(version, 7_000_000)
        assert said["errorType"] == "Function.ResponseSizeTooLarge"
        assert said["errorMessage"].startswith("Response payload size (7000002 bytes) exceeded")
        assert await node.call(version, 10) == "x" * 10


FORKER = """
import os, sys, subprocess
def handler(event, context):
    for _ in range(3):
        subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(120)', event],
                         start_new_session=True)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execv(sys.executable, [sys.executable, '-c', 'import time; time.sleep(120)', event])
        os._exit(0)
    os._exit(9) if event.endswith('die') else None
"""


@pytest.mark.parametrize("kind", [KINDS[0], KINDS[1], KINDS[2]], ids=lambda kind: kind.name)
async def test_what_a_handler_forked_ends_with_it(tmp_path: Path, kind: object) -> None:
    try:
        node_of = running(tmp_path, kinds=(kind,))  # pyright: ignore[reportArgumentType]
        async with node_of as node:
            marker = f"forked-{os.getpid()}-{time.monotonic_ns()}"
            await node.invoke(node.python(FORKER), marker)
            assert alive(marker)
            lost = f"{marker}-die"
            await node.invoke(node.python(FORKER, name="g"), lost)
            assert await until_gone(lost)
        assert await until_gone(marker)
    except OSError as error:
        pytest.skip(f"{error}")


async def test_fork_bomb_is_bounded(tmp_path: Path) -> None:
    code = (
        "import os, time\ndef handler(event, context):\n    n = 0\n    try:\n"
        "        while n < 2000:\n            if os.fork() == 0:\n                time.sleep(30)\n"
        "            n += 1\n    except BlockingIOError:\n        return n\n    return n\n"
    )
    async with running(tmp_path) as node:
        if "user of its own" not in node.functions.isolation:
            pytest.skip("processes are only counted for users of their own")
        assert await node.call(node.python(code, timeout=15, memory=4096)) < 300


SNOOP = """
import os
def handler(event, context):
    seen = []
    for path in event:
        try:
            seen.append(open(path).read())
        except OSError as error:
            seen.append(type(error).__name__)
    return {"seen": seen, "uid": os.getuid(), "env": sorted(os.environ)}
"""


async def test_function_sees_neither_our_files_nor_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORANA_SECRET", "not yours")
    secret = tmp_path / "credentials"
    secret.write_text("secret")
    async with running(tmp_path) as node:
        if node.functions.isolation == "limits only":
            pytest.skip("nothing hides files here")
        paths = [str(secret), f"/proc/{os.getpid()}/environ", "/etc/shadow", "/root/.bashrc"]
        said = await node.call(node.python(SNOOP), paths)
    assert set(said["seen"]) <= {"FileNotFoundError", "PermissionError"}
    assert "TORANA_SECRET" not in said["env"]


async def test_neither_code_nor_system_can_be_written_only_tmp(tmp_path: Path) -> None:
    code = (
        "import os, tempfile\ndef handler(event, context):\n    seen = []\n"
        "    for at in (os.environ['LAMBDA_TASK_ROOT'], '/usr', tempfile.gettempdir()):\n"
        "        try:\n            open(at + '/new', 'w').write('x'); seen.append('written')\n"
        "        except OSError as error:\n            seen.append('refused')\n    return seen\n"
    )
    async with running(tmp_path) as node:
        if node.functions.isolation == "limits only":
            pytest.skip("nothing protects files here")
        assert await node.call(node.python(code)) == ["refused", "refused", "written"]


async def test_two_hundred_sleeping_invocations_leave_the_loop_free(tmp_path: Path) -> None:
    async with running(tmp_path, concurrency=40, queue_seconds=50) as node:
        code = "import time\ndef handler(event, context):\n    time.sleep(0.3)\n    return event\n"
        version = node.python(code, timeout=30)
        late: list[float] = []

        async def pulse() -> None:
            while True:
                before = time.perf_counter()
                await asyncio.sleep(0.01)
                late.append(time.perf_counter() - before - 0.01)

        beating = asyncio.create_task(pulse())  # noqa: TID251 - a test may
        answers = await asyncio.gather(*(node.call(version, n) for n in range(200)))
        beating.cancel()
        assert answers == list(range(200))
        assert sorted(late)[len(late) * 95 // 100] < 0.1


async def test_beyond_its_reserved_concurrency_a_function_is_throttled(tmp_path: Path) -> None:
    async with running(tmp_path, queue_seconds=0.2) as node:
        code = "import time\ndef handler(event, context):\n    time.sleep(event)\n"
        version = node.python(code, reserved=1)
        await node.invoke(version, 0)
        first = asyncio.ensure_future(node.invoke(version, 1.5))
        await asyncio.sleep(0.1)
        with pytest.raises(Throttled) as refused:
            await node.invoke(version, 0)
        assert refused.value.reason == "ReservedFunctionConcurrentInvocationLimitExceeded"
        assert not (await first).failed


async def test_instances_of_others_make_room_when_the_machine_is_full(tmp_path: Path) -> None:
    async with running(tmp_path, concurrency=1, queue_seconds=0.2) as node:
        one, two = node.python(WELL, name="one"), node.python(WELL, name="two")
        assert await node.call(one, 1) == 1
        assert await node.call(two, 2) == 2
        assert node.functions.gauges()["functions_instances"] == 1


async def test_idle_instances_end(tmp_path: Path) -> None:
    async with running(tmp_path, idle_seconds=0.2) as node:
        assert await node.call(node.python(WELL), 1) == 1
        assert node.functions.gauges()["functions_instances"] == 1
        await asyncio.sleep(2.5)
        assert node.functions.gauges()["functions_instances"] == 0


async def test_caller_that_leaves_does_not_stop_the_function(tmp_path: Path) -> None:
    async with running(tmp_path) as node:
        code = (
            "import time\ndef handler(event, context):\n    time.sleep(event)\n    print('done')\n"
        )
        version = node.python(code, timeout=60)
        await node.call(version, 0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await node.invoke(version, 0.6)
        await asyncio.sleep(1)
        assert sum(line.endswith(" done") for line in node.log) == 2
        await node.call(version, 0)
        assert node.functions.counts.cold_starts == 1


async def test_kept_instances_are_replaced_and_not_ended_when_idle(tmp_path: Path) -> None:
    async with running(tmp_path, idle_seconds=0.2) as node:
        code = "import os\ndef handler(event, context):\n    os._exit(1) if event else None\n"
        version = node.python(code, warm=2)
        node.functions.prepare(version)
        await asyncio.sleep(2.5)
        assert node.functions.ready(version.arn, "$LATEST") == (2, 2)
        await node.invoke(version, 1)
        await asyncio.sleep(2.5)
        assert node.functions.ready(version.arn, "$LATEST") == (2, 2)


async def test_package_without_a_bootstrap_is_an_invalid_entrypoint(tmp_path: Path) -> None:
    async with running(tmp_path) as node:
        version = node.define({"README": "nothing to run"}, "provided.al2023", "any")
        said = await node.call(version)
        assert said["errorType"] == "Runtime.InvalidEntrypoint"
        assert "Couldn't find valid bootstrap(s)" in said["errorMessage"]


async def test_callers_of_replaced_code_are_still_served(tmp_path: Path) -> None:
    async with running(tmp_path) as node:
        slow = "import time\ndef handler(event, context):\n    time.sleep(0.3)\n    return event\n"
        old = node.python(slow, reserved=1)
        asked = [asyncio.ensure_future(node.call(old, n)) for n in range(4)]
        await asyncio.sleep(0.25)
        assert await node.call(node.python(WELL), "new") == "new"
        assert await asyncio.gather(*asked) == [0, 1, 2, 3]
        await asyncio.sleep(0.5)
        assert node.functions.gauges()["functions_instances"] == 1


async def test_stranger_gets_no_events_of_an_instance(tmp_path: Path) -> None:
    async with running(tmp_path) as node:
        if "user of its own" not in node.functions.isolation:
            pytest.skip("only users of their own can be told apart")
        code = "import os\ndef handler(event, context):\n    return os.environ[event]\n"
        version = node.python(code)
        address = await node.call(version, "AWS_LAMBDA_RUNTIME_API")
        host, _, port = address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readline()).split()[1] == b"403"
        writer.close()
        await writer.wait_closed()
        assert await node.call(version, "_HANDLER") == "app.handler"
