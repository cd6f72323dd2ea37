"""One instance of a function: a process in its box, its Runtime API and its log."""

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct, structs

from torana.functions.environment import reserved
from torana.functions.errors import CannotStart, Failure, exited, timed_out
from torana.functions.isolation import Box
from torana.functions.neighbour import owner_of
from torana.functions.output import Output, Sink, report
from torana.functions.runtime_api import Answer, Lost, RuntimeApi
from torana.functions.runtimes import RUNTIMES
from torana.functions.sandbox import FAILED, NO_PROGRAM, Boxed, Sandbox
from torana.functions.turn import Ending, Turn
from torana.message import Peer, Request, Stream
from torana.model.function import Event, FunctionVersion
from torana.net.limits import Limits
from torana.net.server import Listener, listen
from torana.net.tasks import spawn

_log = logging.getLogger("torana.functions")

_INIT = 10.0
"""Seconds that an init may take at least. Source: Lambda Developer Guide, "Init phase"."""
_LIMITS = Limits(keep_alive=3600.0, body_idle=900.0, write_stall=60.0, connections=16)
_REST = 1.0
"""Seconds that a runtime has at least to ask for the next event once it has answered."""
_WATCH = 0.25
"""Seconds between two looks at a busy instance's memory."""


class Surroundings(Struct, frozen=True):
    """What instances are given by the node."""

    sandbox: Sandbox | None
    """None: instances run elsewhere."""
    folder: Path
    """Of all instances' own folders."""
    variables: Callable[[FunctionVersion], Mapping[str, str]]
    """Region, endpoint and credentials; asked once per instance."""
    sink: Callable[[FunctionVersion], Sink]
    """Where a function's log goes."""
    gone: Callable[[Mapping[str, str]], None] = lambda variables: None
    """Told when the instance that got these variables is gone."""
    took: Callable[[FunctionVersion, str, float], None] = lambda version, arn, seconds: None
    """Told when an invocation by an ARN is over, and how long it took."""


class Outcome(Struct):
    """What came of an invocation. `failed`: the body is an error document."""

    body: bytes | Stream
    failed: bool
    content_type: str = "application/json"
    tail: bytes = b""
    """The end of the log; of a streamed body there is none yet."""
    streamed: bool = False


class Runs(Protocol):
    """An instance, wherever it is. See `Instance`."""

    idle_since: float
    ending: "asyncio.Task[None] | None"

    @property
    def usable(self) -> bool: ...
    async def start(self) -> None: ...
    async def invoke(self, event: Event) -> Outcome: ...
    def leave(self) -> None: ...


Told = Callable[[Any], None]
Make = Callable[[FunctionVersion, Surroundings, Told, Told, Told], Runs]


class InitFailed(Exception):
    """The instance never became ready. `payload` is the error document."""

    def __init__(self, payload: bytes) -> None:
        super().__init__("the function's init failed")
        self.payload = payload


class Instance:
    """Starts once, serves one event at a time, ends once."""

    def __init__(
        self,
        version: FunctionVersion,
        around: Surroundings,
        idle: Callable[["Instance"], None],
        answered: Callable[["Instance"], None],
        gone: Callable[["Instance"], None],
    ) -> None:
        """`idle` is called whenever the instance can take an event, `answered` when it has given
        its answer and is about to, `gone` when it ends."""
        self.version = version
        self.idle_since = 0.0
        self.id = secrets.token_hex(16)
        self.ending: asyncio.Task[None] | None = None
        """Set once it ends or has ended."""
        self._around, self._idle = around, idle
        self._answered, self._gone = answered, gone
        self._api = RuntimeApi(self._asked, self._trusted)
        day = time.strftime("%Y/%m/%d", time.gmtime())
        self._stream = f"{day}/[{version.version}]{self.id}"
        self._output = Output(around.sink(version), self._stream)
        self._boxed: Boxed | None = None
        self._listener: Listener | None = None
        self._known: deque[Peer] = deque(maxlen=4)
        self._variables: Mapping[str, str] = {}
        self._init_seconds: float | None = None
        self._used = 0
        self._weighed = 0.0
        self._patience: asyncio.TimerHandle | None = None
        """Ends a runtime that has answered and does not ask for the next event."""
        self._turn: Turn | None = None

    async def start(self) -> None:
        """Returns when the runtime asks for its first event.

        Raises `InitFailed`, and `CannotStart`; the instance has ended then.
        """
        started = time.perf_counter()
        limit = max(_INIT, self.version.timeout)
        try:
            await self._launch()
            async with asyncio.timeout(limit):
                error = await asyncio.shield(self._api.ready)
        except TimeoutError:
            payload = timed_out(self.id, limit).payload()
        except Lost as lost:
            if lost.status == FAILED:
                await self.end()
                raise CannotStart("the sandbox could not be set up") from lost
            payload = self._ended_early(lost.status).payload()
        except OSError as error:
            await self.end()
            raise CannotStart(str(error)) from error
        except BaseException:
            await self.end()
            raise
        else:
            if error is None:
                self._init_seconds = time.perf_counter() - started
                return
            payload = error
        self._output.drain()
        took = (time.perf_counter() - started) * 1000
        self._output.say(f"INIT_REPORT Init Duration: {took:.2f} ms\tPhase: init\tStatus: error")
        await self.end()
        raise InitFailed(payload)

    def _ended_early(self, status: int) -> Failure:
        if status != NO_PROGRAM:
            return exited(self.id, status)
        return Failure(
            "Runtime.InvalidEntrypoint",
            f"RequestId: {self.id} Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap]",
        )

    async def _launch(self) -> None:
        version, sandbox = self.version, self._around.sandbox
        assert sandbox is not None
        runtime = RUNTIMES[version.runtime]
        layers = Path(version.layers[0]) if version.layers else None
        box = Box(
            self._around.folder / self.id,
            Path(version.folder),
            layers,
            runtime.readable(),
            version.memory,
            version.storage,
        )
        inside = sandbox.inside(box)
        program = runtime.program(version.runtime, version.handler, inside, version.memory)
        self._listener = await listen(self._api.handle, limits=_LIMITS)
        self._variables = self._around.variables(version)
        environment = {
            **reserved(version, self._stream),
            "LAMBDA_TASK_ROOT": inside.code,
            "TMPDIR": inside.temp,
            "HOME": inside.temp,
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._listener.port}",
            **self._variables,
            **program.environment,
            **version.environment,
        }
        try:
            self._boxed = await sandbox.start(
                box, program.command, environment, self._output.writes
            )
        except OSError:
            self._output.abandon()
            raise
        self._output.started()
        spawn(self._watch(self._boxed), f"function {version.name}")

    async def _watch(self, boxed: Boxed) -> None:
        status = await boxed.wait()
        self._api.lose(status)
        await self.end()

    def _asked(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
        self.idle_since = time.monotonic()
        if self._init_seconds is not None or self._api.ready.done():
            self._idle(self)

    def _trusted(self, request: Request) -> bool:
        """Whether it is our process that asks: known by its user, where it has its own."""
        boxed = self._boxed
        if boxed is None or not boxed.uid:
            return boxed is not None
        # The object is the connection's; an equal one may be a later connection's.
        if any(request.peer is each for each in self._known):
            return True
        if owner_of(request.peer.port, request.peer.local_port) != boxed.uid:
            _log.warning("a stranger asked for the events of %s", self.version.name)
            return False
        self._known.append(request.peer)
        return True

    async def invoke(self, event: Event) -> Outcome:
        """One event. Never raises for what the function does."""
        version, output = self.version, self._output
        loop = asyncio.get_running_loop()
        output.drain()
        output.forget()
        output.say(f"START RequestId: {event.request_id} Version: {version.version}")
        until = int((time.time() + version.timeout) * 1000)
        if self._turn is not None:
            # A stream whose connection broke, and nobody has read that far yet.
            self._turn.over(None)
        timer = loop.call_later(version.timeout, self._expire, event.request_id)
        watcher = loop.call_later(_WATCH, self._weigh, event.request_id)
        turn = Turn(event.request_id, timer, watcher, self._finish, event.arn)
        self._turn = turn
        try:
            answer = await self._api.invoke(structs.replace(event, deadline_ms=until))
        except Lost as lost:
            failure = turn.failure or exited(event.request_id, lost.status)
            turn.over(failure)
            return Outcome(failure.payload(), True, tail=output.tail())
        if answer.streamed:
            assert not isinstance(answer.body, bytes)
            return Outcome(Ending(answer.body, turn), False, answer.content_type, streamed=True)
        turn.over(None)
        return _outcome(answer, output.tail())

    def _weigh(self, request_id: str) -> None:
        """Look at the memory now and then, and end those that hold too much."""
        turn = self._turn
        if turn is None or turn.request_id != request_id or self._boxed is None:
            return
        if self._look() > self.version.memory << 20:
            turn.failure = exited(request_id, -9)
            self.leave()
        else:
            loop = asyncio.get_running_loop()
            turn.watcher = loop.call_later(_WATCH, self._weigh, request_id)

    def _look(self) -> int:
        """Bytes of memory in use now. Not free, so not done for every short invocation."""
        self._weighed = time.perf_counter()
        used = self._boxed.resident() if self._boxed is not None and self.ending is None else 0
        self._used = max(self._used, used)
        return used

    def _expire(self, request_id: str) -> None:
        turn = self._turn
        if turn is not None and turn.request_id == request_id:
            turn.failure = timed_out(request_id, self.version.timeout)
            self.leave()

    def _finish(self, turn: Turn, failure: Failure | None) -> None:
        """Log how an invocation ended."""
        output = self._output
        output.drain()
        seconds = time.perf_counter() - turn.started
        if turn.started + seconds - self._weighed > _WATCH:
            self._look()
        if failure is not None:
            output.say(failure.message)
        output.say(f"END RequestId: {turn.request_id}")
        output.say(
            report(
                turn.request_id,
                seconds,
                self.version.memory,
                self._used,
                self._init_seconds,
                _STATUS.get(failure.type, "") if failure else "",
            )
        )
        self._around.took(self.version, turn.arn, seconds)
        self._init_seconds = None
        self._turn = None
        if failure is None and self.ending is None and not self.usable:
            left = max(self.version.timeout - seconds, _REST)
            self._patience = asyncio.get_running_loop().call_later(left, self.leave)
            self._answered(self)

    @property
    def usable(self) -> bool:
        """Whether it can take an event now."""
        return self.ending is None and self._api.waits

    def leave(self) -> None:
        """End, without waiting for it: from now on no event is taken."""
        if self.ending is None:
            if self._patience is not None:
                self._patience.cancel()
            self.ending = spawn(self._end(), f"ending {self.version.name}")
            self._gone(self)

    async def end(self) -> None:
        """Kill the process with everything it started; returns when it is gone."""
        self.leave()
        assert self.ending is not None
        await asyncio.shield(self.ending)

    async def _end(self) -> None:
        if self._boxed is not None:
            await self._boxed.end()
        self._api.lose(-9)
        if self._listener is not None:
            await self._listener.close()
        self._output.drain()
        self._output.close()
        self._around.gone(self._variables)


_STATUS = {
    "Sandbox.Timedout": "Status: timeout",
    "Runtime.ExitError": "Status: error\tError Type: Runtime.ExitError",
}


def _outcome(answer: Answer, tail: bytes) -> Outcome:
    assert isinstance(answer.body, bytes)
    return Outcome(answer.body, answer.failed, answer.content_type, tail)
