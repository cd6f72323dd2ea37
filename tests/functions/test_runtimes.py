"""Handlers written for Lambda run unchanged."""

import asyncio
import shutil
from pathlib import Path

import msgspec
import pytest

from tests.functions.running import running
from torana.functions.runtime_api import StreamFailed
from torana.message import read

ECHO = """
import os
def handler(event, context):
    return {"event": event, "name": context.function_name, "arn": context.invoked_function_arn,
            "id": context.aws_request_id, "memory": context.memory_limit_in_mb,
            "left": context.get_remaining_time_in_millis(), "pid": os.getpid()}
"""


async def test_python_handler_gets_its_event_and_context(tmp_path: Path) -> None:
    async with running(tmp_path) as node:
        version = node.python(ECHO, memory=256, timeout=5)
        said = await node.call(version, {"a": [1, "ä"]})
    assert said["event"] == {"a": [1, "ä"]}
    assert (said["name"], said["arn"], said["memory"]) == ("f", version.arn, "256")
    assert 4000 < said["left"] <= 5000


async def test_second_invocation_is_served_by_the_same_instance(tmp_path: Path) -> None:
    counting = "n = 0\ndef handler(event, context):\n    global n\n    n += 1\n    return n\n"
    async with running(tmp_path) as node:
        version = node.python(counting)
        assert [await node.call(version) for _ in range(3)] == [1, 2, 3]
        assert node.functions.counts.cold_starts == 1


async def test_python_exception_is_a_failed_outcome_with_its_type(tmp_path: Path) -> None:
    code = "def handler(event, context):\n    raise KeyError('no such pet')\n"
    async with running(tmp_path) as node:
        outcome = await node.invoke(node.python(code))
    assert outcome.failed
    assert isinstance(outcome.body, bytes)
    said = msgspec.json.decode(outcome.body)
    assert (said["errorType"], said["errorMessage"]) == ("KeyError", "'no such pet'")


async def test_log_holds_start_output_end_and_report(tmp_path: Path) -> None:
    code = "def handler(event, context):\n    print('hello', event)\n"
    async with running(tmp_path) as node:
        outcome = await node.invoke(node.python(code), 7)
    lines = outcome.tail.decode().splitlines()
    assert [line.split(" ")[0] for line in lines] == ["START", "hello", "END", "REPORT"]
    assert "hello 7" in lines[1]
    for part in ("Duration: ", "Billed Duration: ", "Memory Size: 128 MB", "Init Duration: "):
        assert part in lines[3]
    assert all("[$LATEST]" in line for line in node.log)


NODE = """
import { appendFileSync } from 'node:fs';
export const handler = async (event, context) => {
  console.log('got', event.name);
  return { hello: event.name, fn: context.functionName, left: context.getRemainingTimeInMillis() };
};
export const thrower = async () => { throw new RangeError('too far'); };
export const callback = (event, context, done) => {
  setTimeout(() => done(null, 'later'), 20);
};
export const rejecting = async () => { Promise.reject(new Error('nobody looks')); await new Promise(
  (resolve) => setTimeout(resolve, 500)); };
export const streaming = awslambda.streamifyResponse(async (event, out) => {
  out.setContentType('text/plain');
  for (const piece of ['one ', 'two ', 'three']) {
    out.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  out.end();
});
export const breaking = awslambda.streamifyResponse(async (event, out) => {
  out.write('begun');
  await new Promise((resolve) => setTimeout(resolve, 30));
  throw new TypeError('broke off');
});
"""
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


@needs_node
async def test_node_handlers_async_throwing_and_with_callback(tmp_path: Path) -> None:
    async with running(tmp_path) as node:

        def version(name: str) -> object:
            return node.define({"index.mjs": NODE}, "nodejs20.x", f"index.{name}", name=name)

        said = await node.call(version("handler"), {"name": "ö"})  # pyright: ignore[reportArgumentType]
        assert (said["hello"], said["fn"]) == ("ö", "handler")
        assert any("\tINFO\tgot ö" in line for line in node.log)
        failed = await node.call(version("thrower"))  # pyright: ignore[reportArgumentType]
        assert (failed["errorType"], failed["errorMessage"]) == ("RangeError", "too far")
        assert await node.call(version("callback")) == "later"  # pyright: ignore[reportArgumentType]
        lost = await node.call(version("rejecting"))  # pyright: ignore[reportArgumentType]
        assert lost["errorType"] == "Runtime.UnhandledPromiseRejection"


@needs_node
async def test_node_response_stream_arrives_in_pieces(tmp_path: Path) -> None:
    async with running(tmp_path) as node:
        version = node.define({"index.mjs": NODE}, "nodejs20.x", "index.streaming")
        outcome = await node.invoke(version)
        assert outcome.streamed
        assert outcome.content_type == "text/plain"
        assert not isinstance(outcome.body, bytes)
        pieces = [piece async for piece in outcome.body]
        assert b"".join(pieces) == b"one two three"
        assert len(pieces) > 1
        again = await node.invoke(version)
        assert await read(again.body, 100) == b"one two three"
    assert node.functions.counts.cold_starts == 1


@needs_node
async def test_node_stream_that_breaks_off_says_so(tmp_path: Path) -> None:
    async with running(tmp_path) as node:
        version = node.define({"index.mjs": NODE}, "nodejs20.x", "index.breaking")
        outcome = await node.invoke(version)
        with pytest.raises(StreamFailed) as failed:
            await read(outcome.body, 100)
    assert msgspec.json.decode(failed.value.payload)["errorType"] == "TypeError"


BOOTSTRAP = """#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
  event=$(curl -sS -D /tmp/head "$api/next")
  id=$(sed -n 's/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: *//p' /tmp/head | tr -d '\\r')
  curl -sS -o /dev/null -d "{\\"got\\":$event,\\"handler\\":\\"$_HANDLER\\"}" "$api/$id/response"
done
"""


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_any_executable_that_speaks_the_runtime_api_runs(tmp_path: Path) -> None:
    async with running(tmp_path) as node:
        version = node.define({"bootstrap": BOOTSTRAP}, "provided.al2023", "what.ever")
        if "jail" not in node.functions.isolation:
            pytest.skip("the script writes to /tmp")
        assert await node.call(version, {"n": 1}) == {"got": {"n": 1}, "handler": "what.ever"}
        assert await node.call(version, 2) == {"got": 2, "handler": "what.ever"}


NATIVE = r"""
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
static char text[65536];
static int ask(const char *request) {
  struct sockaddr_in to = {.sin_family = AF_INET};
  char host[64];
  int port, s = socket(AF_INET, SOCK_STREAM, 0), size = 0, n;
  sscanf(getenv("AWS_LAMBDA_RUNTIME_API"), "%63[^:]:%d", host, &port);
  to.sin_port = htons(port);
  inet_pton(AF_INET, host, &to.sin_addr);
  if (connect(s, (struct sockaddr *)&to, sizeof to)) exit(3);
  write(s, request, strlen(request));
  while ((n = read(s, text + size, sizeof text - 1 - size)) > 0) size += n;
  text[size] = 0;
  close(s);
  return size;
}
int main(void) {
  for (;;) {
    char request[66000], id[64] = "", *line, *body;
    ask("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    line = strcasestr(text, "lambda-runtime-aws-request-id: ");
    sscanf(line + 31, "%63[0-9a-f-]", id);
    body = strstr(text, "\r\n\r\n") + 4;
    snprintf(request, sizeof request, "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\n"
      "Host: a\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n{\"native\":%s}",
      id, strlen(body) + 11, body);
    ask(request);
  }
}
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
async def test_native_bootstrap_runs(tmp_path: Path) -> None:
    source = tmp_path / "bootstrap.c"
    source.write_text("#define _GNU_SOURCE\n" + NATIVE)
    async with running(tmp_path) as node:
        version = node.define({"README": "native"}, "provided.al2023", "any")
        built = f"{version.folder}/bootstrap"
        compiler = await asyncio.create_subprocess_exec("cc", "-w", "-o", built, str(source))
        assert await compiler.wait() == 0
        assert await node.call(version, [1, 2]) == {"native": [1, 2]}
