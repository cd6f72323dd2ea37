"""Where endpoints' variants run: containers at an address, or inference code in boxes of its own.

A container answers `GET /ping` and `POST /invocations`. Inference code comes with its model in a
`model.tar.gz` and runs in the box that functions have. Source: Amazon SageMaker Developer Guide,
"Use your own inference code with hosting services".
"""

import asyncio
import base64
import hashlib
import shutil
import tarfile
import tempfile
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from random import choices
from re import match
from time import monotonic, time
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec
from msgspec import Struct

from torana.message import BodyTooLarge, Headers, Reply, Request, read
from torana.model.function import Event, FunctionVersion
from torana.net.client import Client, Timeouts
from torana.services.documents import keep
from torana.services.lambda_.ports import Runner
from torana.services.ports import Busy, Failed, Missing
from torana.services.sagemaker.book import ENDPOINT, Json
from torana.state.objects import ObjectError, ObjectStore
from torana.state.store import Store

_SECONDS = 60.0
"""That an invocation may take. Source: Developer Guide, "How Containers Serve Requests"."""
_STREAMED = 480.0
_PING, _PAUSE = 2.0, 1.0
_MOST_MODEL = 20 * 1024**3
_MOST = 25 * 1024 * 1024
_MEMORY = 4096
"""Megabytes of an instance, unless the model's environment sets `SAGEMAKER_MODEL_SERVER_MEMORY`."""


class Ask(Struct, frozen=True):
    """An invocation."""

    body: bytes
    content_type: str
    accept: str
    attributes: str = ""
    stream: bool = False


class Told(Struct, frozen=True):
    """What a model answered. `body` of an answer that is streamed is a stream."""

    status: int
    body: Any
    content_type: str
    variant: str
    attributes: str = ""


class CannotServe(Exception):
    """A variant cannot be brought up; says why."""


class ModelFailed(Exception):
    """The model did not answer, or with an error of its own (`status`)."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def is_address(image: str) -> bool:
    """Whether an image is a container that runs somewhere."""
    parts = urlsplit(image)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def is_runtime(image: str) -> bool:
    """Whether an image is a runtime of functions."""
    return match(r"python3\.\d+$", image) is not None


class Hosts:
    """Brings endpoints up and asks them. `folder`: for models' files."""

    def __init__(
        self,
        store: Store,
        objects: ObjectStore,
        runner: Runner | None,
        client: Client | None,
        folder: Path,
    ) -> None:
        self._store, self._objects, self._runner = store, objects, runner
        self._client, self._folder = client, folder / "sagemaker"

    # From Creating to InService.

    async def resume(self) -> None:
        """Bring up what an earlier process served, or was about to."""
        async for document in self._store.scan(ENDPOINT.store):
            found: Json = msgspec.json.decode(document.body)
            if found["EndpointStatus"] in ("Creating", "Updating"):
                await self.bring_up(document.id)
            for each in found["variants"]:
                if "version" in each and self._runner is not None:
                    version = msgspec.convert(each["version"], FunctionVersion)
                    await self._runner.prepare(version)

    async def bring_up(self, name: str) -> None:
        """Whatever goes wrong ends in the endpoint's failure reason."""
        found = await self.endpoint(name)
        if found is None:
            return
        wanted: Json = found.get("next") or found
        try:
            variants = [await self._ready(name, each) for each in wanted["variants"]]
        except (CannotServe, ObjectError, ConnectionError, Missing) as error:
            # What served before an update goes on.
            status = "InService" if "next" in found else "Failed"
            await self._keep(name, {"EndpointStatus": status, "FailureReason": str(error)})
            return
        news = {**wanted, "variants": variants, "EndpointStatus": "InService"}
        before = found if "next" in found else None
        await self._keep(name, {**news, "FailureReason": None})
        if before is not None:
            await self.take_down(before)

    async def _keep(self, name: str, news: Json) -> None:
        found = await self.endpoint(name)
        if found is None:
            return
        kept = {**found, **news, "EndpointName": name, "LastModifiedTime": time()}
        kept.pop("next", None)
        await keep(self._store, ENDPOINT.store, name, msgspec.json.encode(kept))

    async def endpoint(self, name: str) -> Json | None:
        """An endpoint's document."""
        found = await self._store.get(ENDPOINT.store, name)
        return found and msgspec.json.decode(found.body)

    async def take_down(self, endpoint: Json) -> None:
        """End what runs for an endpoint, and forget its files."""
        for each in endpoint["variants"]:
            version = each.get("version")
            if version and self._runner is not None:
                self._runner.forget(version["arn"])
                await asyncio.to_thread(shutil.rmtree, version["folder"], ignore_errors=True)

    async def _ready(self, name: str, variant: Json) -> Json:
        """The variant, once it answers. Raises `CannotServe`."""
        image: str = variant["container"]["Image"]
        if is_runtime(image):
            version = await self._unpacked(name, variant)
            variant = {**variant, "version": msgspec.to_builtins(version)}
        end, why = monotonic() + variant["start"], ""
        while monotonic() < end:
            why = await self._ping(variant, end - monotonic())
            if not why:
                return variant
            if is_runtime(image):
                break
            await asyncio.sleep(_PAUSE)
        raise CannotServe(
            f"The primary container for production variant {variant['VariantName']} did not pass "
            f"the ping health check: {why}"
        )

    async def _ping(self, variant: Json, left: float) -> str:
        """Why it does not answer; empty if it does."""
        try:
            if "version" in variant:
                async with asyncio.timeout(left):
                    await self._function(variant, b"{}")
                return ""
            reply = await self._send(variant, Request("GET", "/ping", Headers(), b""), _PING)
            await read(reply.body, _MOST)
            return "" if reply.status == 200 else f"it answers with status {reply.status}"
        except TimeoutError:
            return "it does not answer in time"
        except (ModelFailed, OSError, Missing) as error:
            return str(error) or type(error).__name__

    # A model's files.

    async def _unpacked(self, name: str, variant: Json) -> FunctionVersion:
        """What runs the inference code. Raises `CannotServe`."""
        container: Json = variant["container"]
        runtime: str = container["Image"]
        if self._runner is None:
            raise CannotServe("Functions do not run here")
        self._runner.check(runtime, "torana_inference.handler")
        bucket, _, key = container["ModelDataUrl"].removeprefix("s3://").partition("/")
        found = await self._objects.get(bucket, key)
        if found.size > _MOST_MODEL:
            raise CannotServe(f"The model has more than {_MOST_MODEL} bytes")
        folder = (self._folder / f"{name}-{uuid4().hex[:12]}").absolute()
        with tempfile.TemporaryFile() as file:
            async for piece in self._objects.read(found, 0, found.size):
                await asyncio.to_thread(file.write, piece)
            file.seek(0)
            await asyncio.to_thread(_unpack, file, folder)
        given: dict[str, str] = container.get("Environment") or {}
        memory = given.get("SAGEMAKER_MODEL_SERVER_MEMORY", "")
        hashed = hashlib.sha256(f"{folder}".encode()).hexdigest()
        id = f"sagemaker-{name}-{variant['VariantName']}"
        return FunctionVersion(
            id,
            "$LATEST",
            f"arn:aws:sagemaker:::{folder.name}/{variant['VariantName']}",
            runtime,
            "torana_inference.handler",
            str(folder),
            hashed,
            timeout=max(float(variant["start"]), _SECONDS),
            memory=int(memory) if memory.isdigit() else _MEMORY,
            environment=given,
            role=variant.get("role") or "",
            reserved=variant["count"],
            warm=variant["count"],
        )

    # Invocations.

    async def ask(self, endpoint: Json, ask: Ask, wanted: str = "") -> Told:
        """Raises `ModelFailed`, and `LookupError` for a variant that is not there."""
        variant = _chosen(endpoint["variants"], wanted)
        try:
            if "version" in variant:
                async with asyncio.timeout(_SECONDS):
                    return await self._ask_function(variant, ask)
            return await self._ask_container(variant, ask)
        except TimeoutError:
            text = "Invocation timed out while waiting for a response from container"
            raise ModelFailed(0, text) from None
        except OSError as error:
            raise ModelFailed(0, f"The container cannot be reached: {error}") from None

    async def _ask_function(self, variant: Json, ask: Ask) -> Told:
        event: Json = {
            "body": base64.b64encode(ask.body).decode(),
            "contentType": ask.content_type,
            "accept": ask.accept,
        }
        told = await self._function(variant, msgspec.json.encode(event))
        body = base64.b64decode(told["body"])
        return Told(200, body, told["contentType"], variant["VariantName"])

    async def _function(self, variant: Json, payload: bytes) -> Json:
        assert self._runner is not None
        version = msgspec.convert(variant["version"], FunctionVersion)
        try:
            found = await self._runner.invoke(version, Event(str(uuid4()), payload, version.arn))
        except (Busy, Failed) as error:
            raise ModelFailed(503, str(error)) from None
        body = found.body if isinstance(found.body, bytes) else b"{}"
        told: Json = msgspec.json.decode(body)
        if found.failed:
            raise ModelFailed(500, told.get("errorMessage") or "The inference code failed")
        if told["status"] != 200:
            raise ModelFailed(told["status"], told["error"])
        return told

    async def _ask_container(self, variant: Json, ask: Ask) -> Told:
        fields = [("Content-Type", ask.content_type), ("Accept", ask.accept)]
        if ask.attributes:
            fields.append(("X-Amzn-SageMaker-Custom-Attributes", ask.attributes))
        request = Request("POST", "/invocations", Headers(fields), ask.body)
        reply = await self._send(variant, request, _STREAMED if ask.stream else _SECONDS)
        streamed = ask.stream and reply.status < 400
        try:
            body = reply.body if streamed else await read(reply.body, _MOST)
        except BodyTooLarge:
            raise ModelFailed(0, f"The answer has more than {_MOST} bytes") from None
        if reply.status >= 400:
            assert isinstance(body, bytes)
            raise ModelFailed(reply.status, body[:1024].decode("utf-8", "replace"))
        told = reply.headers.get
        return Told(
            reply.status,
            body,
            told("content-type") or "application/octet-stream",
            variant["VariantName"],
            told("x-amzn-sagemaker-custom-attributes") or "",
        )

    async def _send(self, variant: Json, request: Request, seconds: float) -> Reply:
        if self._client is None:
            raise ConnectionError("containers cannot be reached from here")
        image: str = variant["container"]["Image"]
        url = urlsplit(image)
        port = url.port or (443 if url.scheme == "https" else 80)
        request.headers.add("Host", url.netloc.rpartition("@")[2])
        request.target = url.path.rstrip("/") + request.target
        origin = self._client.origin(url.scheme, url.hostname or "", port)
        return await origin.send(request, Timeouts(5.0, seconds, seconds, seconds))


def _chosen(variants: list[Json], wanted: str) -> Json:
    if wanted:
        for each in variants:
            if each["VariantName"] == wanted:
                return each
        raise LookupError(wanted)
    if len(variants) == 1:
        return variants[0]
    weights = [each["weight"] for each in variants]
    return choices(variants, weights if sum(weights) else None)[0]  # noqa: S311  nothing secret


def _unpack(file: Any, folder: Path) -> None:
    """The model and what runs it. Raises `CannotServe`."""
    folder.mkdir(mode=0o755, parents=True)
    try:
        with tarfile.open(fileobj=file) as archive:
            archive.extractall(folder, filter="data")
    except (tarfile.TarError, OSError) as error:
        raise CannotServe(f"The model's archive cannot be unpacked: {error}") from None
    source = files("torana.services.sagemaker").joinpath("inference.py").read_text("utf-8")
    (folder / "torana_inference.py").write_text(source)
    needed = folder / "code" / "requirements.txt"
    if needed.is_file():
        for line in needed.read_text().splitlines():
            named = match(r"\s*([A-Za-z0-9][\w.-]*)", line)
            if named:
                _check_installed(named[1])


def _check_installed(name: str) -> None:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        raise CannotServe(
            f"requirements.txt asks for {name}, which is not installed beside the gateway"
        ) from None
