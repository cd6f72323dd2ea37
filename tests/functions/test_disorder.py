"""Runtimes that do not keep to the order of the Runtime API, and callers that leave."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from tests.functions.running import Running, running
from torana.message import read
from torana.model.function import FunctionVersion

ASIDE = """
import http.client, json, os, socket, sys, time
HOST, PORT = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
AT = "/2018-06-01/runtime/invocation/"
STREAMING = {"Lambda-Runtime-Function-Response-Mode": "streaming",
             "Lambda-Runtime-Function-Error-Body": "no base64", "Transfer-Encoding": "chunked"}

def ask(method, path, body=None, headers={}):
    on = http.client.HTTPConnection(HOST, int(PORT))
    on.request(method, AT + path, body, headers, encode_chunked=True)
    said = on.getresponse()
    return said.status, json.loads(said.read())

def begun(id, body):
    on = socket.create_connection((HOST, int(PORT)))
    head = f"POST {AT}{id}/response HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: {len(body)}"
    on.sendall(head.encode() + b"\\r\\n\\r\\n" + body[:1])
    return on
"""


def aside(node: Running, code: str, **fields: object) -> FunctionVersion:
    """A function that may speak to its Runtime API beside its runtime."""
    return node.python(f"{ASIDE}\ndef handler(event, context):\n    {code}\n", **fields)


async def test_no_event_is_given_before_the_one_before_is_answered(tmp_path: Path) -> None:
    async with running(tmp_path) as node:
        version = aside(node, "return ask('GET', 'next')")
        status, said = await node.call(version)
        assert (status, said["errorType"]) == (403, "InvalidStateTransition")
        assert await node.call(version) == [status, said]


async def test_of_two_answers_at_once_the_one_that_is_whole_first_counts(tmp_path: Path) -> None:
    code = (
        "id = context.aws_request_id\n    on = begun(id, b'[1]')\n    time.sleep(0.1)\n"
        "    ask('POST', id + '/response', b'[2]')\n"
        "    on.sendall(b'1]')\n"
        "    print('then', on.recv(100).split()[1].decode(), flush=True)\n"
    )
    async with running(tmp_path) as node:
        version = aside(node, code)
        assert await node.call(version) == [2]
        assert await node.call(version) == [2]
        assert sum(line.endswith(" then 400") for line in node.log) >= 1


async def test_what_is_printed_without_a_line_feed_is_not_the_next_callers(tmp_path: Path) -> None:
    async with running(tmp_path) as node:
        version = aside(node, "sys.stdout.write(event); sys.stdout.flush()")
        tails = [(await node.invoke(version, event)).tail.decode() for event in ("one", "two")]
        for own, other, tail in (("one", "two", tails[0]), ("two", "one", tails[1])):
            assert own in tail.splitlines()
            assert other not in tail


async def test_runtime_that_answers_and_asks_no_more_is_ended_at_its_timeout(
    tmp_path: Path,
) -> None:
    code = "ask('POST', context.aws_request_id + '/response', b'1'); time.sleep(60)"
    async with running(tmp_path) as node:
        version = aside(node, code, timeout=1, reserved=1)
        assert await node.call(version) == 1
        assert await node.call(version) == 1
        assert node.functions.counts.cold_starts == 2


async def test_stream_that_nobody_waits_for_is_said_to_its_end(tmp_path: Path) -> None:
    code = (
        "time.sleep(event)\n"
        "    piece = (b'x' * 100_000 for _ in range(10))\n"
        "    ask('POST', context.aws_request_id + '/response', piece, STREAMING)\n"
        "    print('said', flush=True)"
    )
    async with running(tmp_path, queue_seconds=5) as node:
        version = aside(node, code, timeout=30, reserved=1)
        outcome = await node.invoke(version, 0)
        assert len(await read(outcome.body, 1 << 20)) == 1_000_000
        left = asyncio.ensure_future(node.invoke(version, 0.2))
        for _ in range(500):
            if sum(" START " in line for line in node.log) == 2:
                break
            await asyncio.sleep(0.01)
        left.cancel()
        again = await node.invoke(version, 0)
        assert len(await read(again.body, 1 << 20)) == 1_000_000
        assert sum(line.endswith(" said") for line in node.log) >= 2


async def test_stream_that_takes_too_long_is_logged_as_timed_out(tmp_path: Path) -> None:
    code = (
        "piece = (time.sleep(n) or b'x' for n in (0, 60))\n"
        "    ask('POST', context.aws_request_id + '/response', piece, STREAMING)"
    )
    async with running(tmp_path) as node:
        outcome = await node.invoke(aside(node, code, timeout=1))
        with pytest.raises(ConnectionError):
            await read(outcome.body, 100)
        assert any("Task timed out after 1.00 seconds" in line for line in node.log)
        assert any("Status: timeout" in line for line in node.log)


async def test_one_answer_of_many_reaches_each_caller(tmp_path: Path) -> None:
    """Whatever else goes on in the instances."""
    code = (
        "print('at', event, end='' if event % 3 else None, flush=True)\n"
        "    os._exit(1) if event % 7 == 0 else None\n"
        "    time.sleep(event % 4 / 100)\n"
        "    ask('GET', 'next') if event % 5 == 0 else None\n"
        "    return event"
    )
    async with running(tmp_path, concurrency=3, queue_seconds=50) as node:
        version = aside(node, code, timeout=20)

        async def call(event: int) -> None:
            async with asyncio.timeout(0.01 if event % 11 == 0 else 50):
                outcome = await node.invoke(version, event)
            assert isinstance(outcome.body, bytes)
            if event % 7:
                assert msgspec.json.decode(outcome.body) == event
            else:
                assert outcome.failed
            lines = outcome.tail.decode().splitlines()
            assert [line for line in lines if line.startswith("at ")] == [f"at {event}"]

        results = await asyncio.gather(*map(call, range(1, 40)), return_exceptions=True)
        failed = [each for each in results if each and not isinstance(each, TimeoutError)]
        assert failed == []
        await asyncio.sleep(0.3)
        gauges = node.functions.gauges()
        assert gauges["functions_instances"] == gauges["functions_instances_idle"]
