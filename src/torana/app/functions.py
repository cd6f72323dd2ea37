"""The functions of a node: run by one process, and asked for by all of them.

The process that owns the management listener runs the functions. Workers of the front door reach
it over a unix socket, with the requests of the Lambda API itself.
"""

import asyncio
import hashlib
import logging
import signal
import threading
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from torana.app.function_meter import FunctionMeter
from torana.app.privacy import log_hider
from torana.functions import functions, runtimes
from torana.functions.errors import CannotStart, Throttled
from torana.functions.instance import Outcome, Surroundings
from torana.functions.isolation import KINDS
from torana.functions.output import Sink, line
from torana.functions.pool import Counts, Limits
from torana.functions.ray_instance import RayCluster, RayInstance, RayOptions
from torana.functions.runtime_api import StreamFailed
from torana.functions.sandbox import Sandbox, strongest
from torana.model.function import Event, FunctionVersion
from torana.net.tasks import spawn
from torana.sealing import Cover
from torana.services.iam.identities import Identities
from torana.services.lambda_.book import Book
from torana.services.lambda_.code import Codes
from torana.services.lambda_.ports import Place
from torana.services.lambda_.queue import Queue
from torana.services.lambda_.sources import Sources
from torana.services.ports import Busy, Failed, Missing
from torana.services.seal import KeyFile
from torana.settings import BadSettings, Function, Ray, Settings, secret
from torana.state.objects import ObjectStore
from torana.state.store import Store
from torana.telemetry.groups import Keeper
from torana.telemetry.lines import Lines
from torana.telemetry.recorder import Recorder

_log = logging.getLogger("torana")
_LOOK = 0.5
"""Seconds between two looks at folders that are watched."""


class FunctionHost:
    """Runs functions for the Lambda service. Implements its `Runner`."""

    def __init__(
        self,
        settings: Settings,
        environment: Mapping[str, str],
        store: Store,
        objects: ObjectStore,
        identities: Identities,
        recorder: Recorder,
        keep: Keeper,
        cover: Cover | None = None,
    ) -> None:
        """Raises `BadSettings`."""
        self._settings, self._environment, self._identities = settings, environment, identities
        self._folder = settings.folder() / "functions"
        self._endpoint = ""
        self._meter, self._keep, self._cover = FunctionMeter(recorder), keep, cover
        self._front_port = settings.port
        self._place = Place(settings.region, settings.account)
        self._defined: dict[str, FunctionVersion] = {}
        self._functions: functions.Functions | None = None
        self._opening = asyncio.Lock()
        self._cluster: RayCluster | None = None
        self._logs: dict[str, Lines] = {}
        self._watching: asyncio.Task[None] | None = None
        self.read()
        codes = Codes(store, objects, self._folder / "code")
        seal = KeyFile(settings.folder() / "functions.key")
        self.book = Book(store, codes, seal, self, self._place, lambda: self._defined)
        self.sources = Sources(self.book)
        self.queue = Queue(self.book, store, node_name(settings.folder()))

    async def start(self) -> None:
        """Know what is stored."""
        functions.clean(self._folder / "instances")
        await self.book.load()
        if self._settings.watch and self._settings.functions:
            self._watching = spawn(self._watch(), "watch the functions")

    async def serve(self, endpoint: str, front_port: int | None = None) -> None:
        """Go on with what was accepted, and start what is to be kept, now that functions can
        reach the AWS services at `endpoint` and function URLs at the front door's port."""
        self._endpoint = endpoint
        self._front_port = front_port or self._front_port
        await self.queue.load()
        await self.sources.load()
        await self._prepare()

    async def _prepare(self) -> None:
        for version in await self.book.provisioned():
            await self.prepare(version)

    async def prepare(self, version: FunctionVersion) -> None:
        """See `Runner`."""
        found = self._functions or await self._open()
        found.prepare(version)

    def read(self) -> None:
        """Look at the folders of the configuration file. Raises `BadSettings`."""
        self._defined = {
            name: self._version(name, given) for name, given in self._settings.functions.items()
        }

    def _version(self, name: str, given: Function) -> FunctionVersion:
        folder = Path(given.folder).absolute()
        if not folder.is_dir():
            raise BadSettings(f"functions.{name}.folder: {folder} is not a folder")
        try:
            self.check(given.runtime, given.handler)
        except Missing as error:
            raise BadSettings(f"functions.{name}: {error}") from error
        return FunctionVersion(
            name,
            "$LATEST",
            self._place.function(name),
            given.runtime,
            given.handler,
            str(folder),
            _revision(folder),
            given.timeout,
            given.memory,
            given.storage,
            {key: secret(value, self._environment) for key, value in given.environment.items()},
            role=given.role,
            reserved=given.reserved_concurrency,
            warm=given.warm,
        )

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            before = self._defined
            try:
                await asyncio.to_thread(self.read)
            except (BadSettings, OSError) as error:
                _log.error("the running functions go on: %s", error)
                continue
            changed = [name for name, each in self._defined.items() if before.get(name) != each]
            if changed:
                _log.info("functions with other code: %s", ", ".join(changed))
                await self._prepare()

    async def invoke(self, version: FunctionVersion, event: Event) -> Outcome:
        """See `Runner`."""
        self._meter.started(version)
        try:
            found = self._functions or await self._open()
            outcome = await found.invoke(version, event)
            self._meter.invoked(version, event, failed=outcome.failed)
            return outcome
        except Throttled as error:
            self._meter.throttled(version, event)
            raise Busy(error.reason) from error
        except runtimes.RuntimeMissing as error:
            raise Missing(str(error)) from error
        except (CannotStart, OSError) as error:
            raise Failed(f"{version.name} cannot be started: {error}") from error
        finally:
            self._meter.ended(version)

    async def _open(self) -> functions.Functions:
        """Find out how functions can be boxed in here, at the first invocation."""
        async with self._opening:
            if self._functions is None:
                wanted = self._settings.function_limits
                limits = Limits(
                    concurrency=wanted.concurrency,
                    queue_seconds=wanted.queue_seconds,
                    idle_seconds=wanted.idle_seconds,
                    starts=wanted.starts,
                )
                remote = self._settings.ray
                self._functions = await (
                    self._here(limits) if remote is None else self._on_ray(remote, limits)
                )
        return self._functions

    async def _here(self, limits: Limits) -> functions.Functions:
        """In the strongest kind of box that works on this machine."""
        folder = self._folder / "instances"
        readable = {path for each in runtimes.FAMILIES for path in each.readable()}
        sandbox = await strongest(folder, sorted(readable), KINDS)
        _log.info("functions run in this kind of box: %s", sandbox.kind.name)
        return functions.Functions(self._around(sandbox), limits)

    async def _on_ray(self, wanted: Ray, limits: Limits) -> functions.Functions:
        """On a cluster. Raises `CannotStart`."""
        options = RayOptions(wanted.address, wanted.folder, wanted.cpus)
        self._cluster = cluster = await asyncio.to_thread(RayCluster, options)
        _take_signals_back()
        _log.info("functions run on the Ray cluster at %s", wanted.address)
        make = partial(RayInstance, cluster)
        return functions.Functions(self._around(None), limits, make, f"Ray at {wanted.address}")

    def _around(self, sandbox: Sandbox | None) -> Surroundings:
        folder = self._folder / "instances"
        return Surroundings(
            sandbox, folder, self._variables, self._sink, self._gone, self._meter.took
        )

    def check(self, runtime: str, handler: str) -> None:
        """See `Runner`."""
        try:
            functions.check(runtime, handler)
        except runtimes.RuntimeMissing as error:
            raise Missing(str(error)) from error

    def takes(self, role: str) -> bool:
        """See `Runner`."""
        found = self._identities.acting(role, "lambda.amazonaws.com", "torana", trusted=False)
        return found is not None

    def forget(self, arn: str, version: str | None = None) -> None:
        """See `Runner`."""
        if self._functions is not None:
            self._functions.forget(arn, version)

    def ready(self, arn: str, version: str) -> tuple[int, int]:
        """See `Runner`."""
        return self._functions.ready(arn, version) if self._functions else (0, 0)

    def url(self, id: str) -> str:
        """See `Runner`."""
        scheme, port = ("https", 443) if self._settings.tls else ("http", 80)
        shown = "" if self._front_port == port else f":{self._front_port}"
        return f"{scheme}://{id}.lambda-url.{self._settings.domain_suffix}{shown}/"

    def broken_off(self, error: Exception) -> bytes | None:
        """See `Runner`."""
        return error.payload if isinstance(error, StreamFailed) else None

    def _variables(self, version: FunctionVersion) -> dict[str, str]:
        """Region, endpoint and credentials of an instance."""
        remote = self._settings.ray
        own = self._identities.open(
            version.role, version.name, trusted=version.name in self._defined
        )
        return {
            "AWS_REGION": self._place.region,
            "AWS_DEFAULT_REGION": self._place.region,
            "AWS_ENDPOINT_URL": (remote and remote.endpoint) or self._endpoint,
            "AWS_ACCESS_KEY_ID": own.access_key_id,
            "AWS_SECRET_ACCESS_KEY": own.secret_access_key,
            "AWS_SESSION_TOKEN": own.session_token,
        }

    def _gone(self, variables: Mapping[str, str]) -> None:
        self._identities.close(variables.get("AWS_ACCESS_KEY_ID", ""))

    def _sink(self, version: FunctionVersion) -> Sink:
        group, file = f"/aws/lambda/{version.name}", self._file(version.name)

        def put(at: float, stream: str, text: str) -> None:
            self._keep(group, stream, ((at, text),))
            if file is not None:
                file.write(line(at, stream, text))

        return put

    def _file(self, name: str) -> Lines | None:
        if not self._settings.observing.log_files:
            return None
        found = self._logs.get(name)
        if found is None:
            path = self._settings.folder() / "logs" / f"_aws_lambda_{name}.log"
            most = self._settings.observing.log_file_bytes
            found = self._logs[name] = Lines(
                str(path), most, self._cover, log_hider(self._settings)
            )
        return found

    @property
    def isolation(self) -> str:
        """The kind of box that functions run in; empty until one was run."""
        return self._functions.isolation if self._functions else ""

    @property
    def limit(self) -> int:
        """Instances of all functions together."""
        return self._settings.function_limits.concurrency

    def numbers(self) -> tuple[dict[str, float], dict[str, float]]:
        """Gauges and counters, by name."""
        found = self._functions
        if found is None:
            return {}, {}
        counts: Counts = found.counts
        return found.gauges(), {
            f"functions_{name}": getattr(counts, name) for name in Counts.__struct_fields__
        }

    def reload(self) -> None:
        """Look at the folders again, and open the logs anew, after a rotation."""
        try:
            self.read()
        except (BadSettings, OSError) as error:
            _log.error("the running functions go on: %s", error)
        for log in self._logs.values():
            log.reopen()

    async def aclose(self) -> None:
        """End every instance."""
        if self._watching is not None:
            self._watching.cancel()
        await self.sources.aclose()
        await self.queue.aclose()
        await self.book.aclose()
        if self._functions is not None:
            await self._functions.aclose()
        if self._cluster is not None:
            await asyncio.to_thread(self._cluster.close)
        for log in self._logs.values():
            log.close()


def _take_signals_back() -> None:
    """Ray puts handlers of its own in the place of ours, which drain."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            own = signal.getsignal(number)
            if own is not None:
                signal.signal(number, own)


def _revision(folder: Path) -> str:
    """Changes whenever a file of the folder does."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            stat = path.stat()
            found.update(f"{path}\0{stat.st_mtime_ns}\0{stat.st_size}\0".encode())
    return found.hexdigest()


def node_name(folder: Path) -> str:
    """This node in a store that others may share."""
    return hashlib.sha256(str(folder).encode()).hexdigest()[:16]
