"""The program that runs engines: `python -m torana.engines.host`, started by the pool.

It accepts on a listening socket that it inherits, and ends when the process that started it does.
Exit statuses: 0 told to stop, 70 an engine hung, 75 outgrew its memory.
"""

import argparse
import asyncio
import contextlib
import importlib
import logging
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import msgspec
import uvloop
from msgspec import Raw, Struct

from torana.engines.engine import AnyCapability
from torana.engines.frames import (
    Answer,
    Ask,
    Call,
    Cancel,
    FromHost,
    Leaving,
    Refusal,
    State,
    ToHost,
    Wire,
)
from torana.engines.lane import Job, Lane, No

STOPPED, HUNG, OUTGROWN = 0, 70, 75
_PARENT_POLL = 1.0
"""Seconds between two looks at who our parent is."""
_DECODER: msgspec.msgpack.Decoder[ToHost] = msgspec.msgpack.Decoder(ToHost)

_log = logging.getLogger("torana.engines")


class Orders(Struct, frozen=True):
    """What the pool wants of a host."""

    name: str
    modules: list[str]
    """Each defines a capability as `ENGINE`."""
    memory_limit: int
    """Resident bytes beyond which the host finishes what it has and ends. 0: none."""


class Host:
    """Answers the calls of every connection with the engines it was given."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._wires: dict[Wire[ToHost], dict[int, Job]] = {}
        self._lanes: dict[str, Lane] = {}
        for module in orders.modules:
            engine = cast(AnyCapability, importlib.import_module(module).ENGINE)
            self._lanes[engine.name] = Lane(engine, self._ran, self._hung)
        self._leaving = False
        self._idle = asyncio.Event()
        self._status = asyncio.get_running_loop().create_future()

    async def serve(self, listener: socket.socket) -> int:
        """Serve until told to leave, finish what is under way, and return the exit status."""
        loop = asyncio.get_running_loop()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        loop.add_signal_handler(signal.SIGTERM, self._leave, STOPPED)
        server = await loop.create_unix_server(
            lambda: Wire(_DECODER, self._receive, self._forget), sock=listener
        )
        status = await self._status
        server.close()
        if self._busy():
            await self._idle.wait()
        for wire in list(self._wires):
            wire.close()
        await asyncio.sleep(0)
        return status

    def _leave(self, status: int) -> None:
        if not self._leaving:
            self._leaving = True
            for wire in self._wires:
                wire.send(Leaving())
            self._status.set_result(status)

    def _hung(self) -> None:
        _log.critical("an engine of the host %s hangs: ending it", self._orders.name)
        os._exit(HUNG)

    def _busy(self) -> bool:
        return any(lane.busy for lane in self._lanes.values())

    def _ran(self) -> None:
        """After each run of an engine."""
        self._weigh()
        if self._leaving and not self._busy():
            self._idle.set()

    def _weigh(self) -> None:
        limit = self._orders.memory_limit
        if limit and not self._leaving and (size := resident()) > limit:
            _log.warning(
                "host %s has %d MB resident, its limit is %d: making room for a new one",
                self._orders.name,
                size >> 20,
                limit >> 20,
            )
            self._leave(OUTGROWN)

    def _forget(self, wire: Wire[ToHost]) -> None:
        for job in self._wires.pop(wire, {}).values():
            job.given_up = True

    def _receive(self, wire: Wire[ToHost], frame: ToHost) -> None:
        jobs = self._wires.setdefault(wire, {})
        match frame:
            case Call():
                self._call(wire, jobs, frame)
            case Cancel():
                if job := jobs.pop(frame.call, None):
                    job.given_up = True
            case Ask():
                loads = [lane.load() for lane in self._lanes.values()]
                wire.send(State(frame.call, self._orders.name, os.getpid(), resident(), loads))

    def _call(self, wire: Wire[ToHost], jobs: dict[int, Job], call: Call) -> None:
        def done(result: Raw | No) -> None:
            jobs.pop(call.call, None)
            if not _send(wire, call.call, result):
                _refuse(wire, call.call, No("failed", "the answer is too long to be sent"))

        lane = self._lanes.get(call.capability)
        if self._leaving:
            _refuse(wire, call.call, No("moved", "the host is leaving"))
        elif lane is None:
            _refuse(wire, call.call, No("failed", f"no engine {call.capability!r} here"))
        else:
            try:
                items = lane.read(call.items)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                _refuse(wire, call.call, No("failed", f"bad input: {error}"))
                return
            job = Job(items, time.monotonic() + call.timeout, done)
            jobs[call.call] = job
            if not lane.offer(job):
                del jobs[call.call]
                _refuse(wire, call.call, No("busy", f"{call.capability}: too much is waiting"))


def _send(wire: Wire[ToHost], call: int, result: Raw | No) -> bool:
    if isinstance(result, No):
        _refuse(wire, call, result)
        return True
    return wire.send(Answer(call, result)) or not wire.open


def _refuse(wire: Wire[ToHost], call: int, no: No) -> None:
    frame: FromHost = Refusal(call, no.reason, no.message)
    wire.send(frame)


def resident() -> int:
    """Bytes of memory this process holds (at its peak, where the system does not tell more)."""
    with contextlib.suppress(OSError):
        pages = Path("/proc/self/statm").read_text("ascii").split()[1]
        return int(pages) * resource.getpagesize()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _end_with_parent(pipe: int, parent: int) -> None:
    """End when the pool's end of `pipe` closes or somebody else becomes our parent."""

    def read() -> None:
        while os.read(pipe, 64):
            pass
        os._exit(STOPPED)

    def poll() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_POLL)
        os._exit(STOPPED)

    for watch in (read, poll):
        threading.Thread(target=watch, daemon=True).start()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a host; returns its exit status."""
    parser = argparse.ArgumentParser(prog="torana.engines.host", description=__doc__)
    parser.add_argument("--listen", type=int, required=True, help="inherited listening socket")
    parser.add_argument("--parent", type=int, required=True, help="end when our parent is not it")
    parser.add_argument("--orders", required=True, help="JSON")
    given = parser.parse_args(arguments)
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    _end_with_parent(sys.stdin.fileno(), given.parent)

    async def serve() -> int:
        host = Host(msgspec.json.decode(given.orders, type=Orders))
        return await host.serve(socket.socket(fileno=given.listen))

    status = uvloop.run(serve())
    # Threads that still run an engine must not keep the process.
    logging.shutdown()
    os._exit(status)


if __name__ == "__main__":
    sys.exit(main())
