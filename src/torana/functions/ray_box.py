"""What runs on a node of a Ray cluster: an actor that holds one instance, in a box of that node.

Everything that travels is bytes (MessagePack), so that both ends read it by its types.
"""

import asyncio
import io
import shutil
import tarfile
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from uuid import uuid4

import msgspec
from msgspec import Struct, structs

from torana.functions import runtimes
from torana.functions.instance import InitFailed, Instance, Surroundings
from torana.functions.isolation import KINDS
from torana.functions.output import Sink
from torana.functions.runtime_api import StreamFailed
from torana.functions.sandbox import Sandbox, strongest
from torana.model.function import Event, FunctionVersion

Logged = tuple[float, str, str]
"""Unix time, the instance's stream, the text."""
_AGAIN = 5.0
"""Seconds that a runtime may take from its answer to asking again."""


class Started(Struct):
    """How the init went. `failure`: its error document."""

    lines: list[Logged]
    failure: bytes | None = None


class Head(Struct):
    """How an answer begins; one that is not streamed is whole."""

    failed: bool
    content_type: str
    body: bytes
    tail: bytes
    streamed: bool


class Last(Struct):
    """How an invocation ended. `broken`: the error document of a stream that broke off."""

    lines: list[Logged]
    seconds: float
    alive: bool
    broken: bytes | None = None


class RayBox:
    """The actor. One event at a time."""

    def __init__(
        self, version: bytes, code: bytes, layers: bytes | None, revision: str, folder: str
    ) -> None:
        """`code` and `layers`: as `packed`. `folder`: of this node, for functions."""
        self._version = msgspec.msgpack.decode(version, type=FunctionVersion)
        self._folder, self._revision = Path(folder), revision
        self._code, self._layers = code, layers
        self._instance: Instance | None = None
        self._lines: list[Logged] = []
        self._seconds = 0.0
        self._free = asyncio.Event()

    async def start(self, variables: Mapping[str, str]) -> bytes:
        """Start the instance. Raises `CannotStart` and `OSError`."""
        at = self._folder / "code" / self._revision
        await asyncio.to_thread(unpacked, self._code, at)
        layers: tuple[str, ...] = ()
        if self._layers is not None:
            below = at.with_name(f"{at.name}-layers")
            await asyncio.to_thread(unpacked, self._layers, below)
            layers = (str(below),)
        self._code, self._layers = b"", None
        version = structs.replace(self._version, folder=str(at), layers=layers)
        around = Surroundings(
            await self._sandbox(),
            self._folder / "instances",
            lambda version: variables,
            self._sink,
            took=self._took,
        )
        made = Instance(version, around, lambda _: self._free.set(), lambda _: None, lambda _: None)
        self._instance = made
        try:
            await made.start()
        except InitFailed as failed:
            return msgspec.msgpack.encode(Started(self._taken(), failed.payload))
        return msgspec.msgpack.encode(Started(self._taken()))

    async def _sandbox(self) -> Sandbox:
        folder = self._folder / "instances"
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        readable = {path for each in runtimes.FAMILIES for path in each.readable()}
        return await strongest(folder, sorted(readable), KINDS)

    def _sink(self, version: FunctionVersion) -> Sink:
        return lambda at, stream, text: self._lines.append((at, stream, text))

    def _took(self, version: FunctionVersion, arn: str, seconds: float) -> None:
        self._seconds = seconds

    def _taken(self) -> list[Logged]:
        taken, self._lines = self._lines, []
        return taken

    async def invoke(self, event: bytes) -> AsyncGenerator[bytes]:
        """A `Head`, the pieces of a stream, a `Last`."""
        instance = self._instance
        assert instance is not None
        self._free.clear()
        outcome = await instance.invoke(msgspec.msgpack.decode(event, type=Event))
        body, broken = outcome.body, None
        whole = body if isinstance(body, bytes) else b""
        head = Head(outcome.failed, outcome.content_type, whole, outcome.tail, outcome.streamed)
        yield msgspec.msgpack.encode(head)
        if not isinstance(body, bytes):
            try:
                async for piece in body:
                    yield piece
            except StreamFailed as error:
                broken = error.payload
        if instance.ending is None and not instance.usable:
            try:
                await asyncio.wait_for(self._free.wait(), _AGAIN)
            except TimeoutError:
                instance.leave()
        last = Last(self._taken(), self._seconds, instance.usable, broken)
        yield msgspec.msgpack.encode(last)

    async def end(self) -> bytes:
        """Kill the instance; gives what it logged last."""
        if self._instance is not None:
            await self._instance.end()
        return msgspec.msgpack.encode(Last(self._taken(), 0.0, False))


def packed(folder: Path) -> bytes:
    """A folder's files."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        archive.add(folder, ".")
    return made.getvalue()


def unpacked(archive: bytes, at: Path) -> None:
    """The files at their place on this node: whole, or not there."""
    if at.exists():
        return
    at.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    fresh = at.with_name(f"{at.name}.{uuid4().hex}")
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(fresh, filter="tar")
    try:
        fresh.rename(at)
    except OSError:
        # Another instance was first.
        shutil.rmtree(fresh, ignore_errors=True)
