"""A Lambda service with real sockets, a real store and real processes, and boto3 for it."""

import io
import sys
import zipfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.services.serving import ROOT, called, client, parts
from torana.app.functions import FunctionHost
from torana.net.client import HttpClient
from torana.net.server import listen
from torana.services.assembly import router
from torana.services.iam.directory import Directory
from torana.services.iam.identities import Identities
from torana.services.router import Router
from torana.services.seal import KeyFile
from torana.settings import Settings
from torana.state import open_objects, open_store
from torana.telemetry.groups import Groups
from torana.telemetry.recorder import Recorder

PYTHON = f"python3.{sys.version_info.minor}"
ROLE = "arn:aws:iam::000000000000:role/worker"


def zipped(files: Mapping[str, str]) -> bytes:
    """A deployment package."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, text)
    return data.getvalue()


class Lambdas:
    """A listener with the service behind it."""

    def __init__(self, host: FunctionHost, router: Router, port: int) -> None:
        self.host, self.router, self.port = host, router, port
        self.client = client("lambda", port)

    async def __call__(self, operation: str, **params: Any) -> dict[str, Any]:
        """An operation through boto3."""
        return await called(getattr(self.client, operation), **params)

    async def create(self, code: str, name: str = "f", **fields: Any) -> dict[str, Any]:
        """A Python function of one file."""
        fields = {"Runtime": PYTHON, "Handler": "app.handler", "Role": ROLE, **fields}
        content = {"ZipFile": zipped({"app.py": code})}
        return await self("create_function", FunctionName=name, Code=content, **fields)

    async def invoke(self, name: str = "f", **params: Any) -> tuple[dict[str, Any], bytes]:
        """The answer and its payload."""
        answer = await self("invoke", FunctionName=name, **params)
        return answer, answer["Payload"].read()


@asynccontextmanager
async def lambdas(data: Path, **settings: Any) -> AsyncGenerator[Lambdas]:
    """The service over what is in a data folder, until the context ends."""
    chosen = Settings(data=str(data), **settings)
    store = await open_store(f"sqlite:///{data / 'torana.db'}")
    objects = open_objects(f"file://{data / 'objects'}", sweep=True)
    http = HttpClient()
    directory = Directory(store, chosen.account)
    await directory.load()
    identities = Identities(ROOT, directory, KeyFile(data / "iam.key"))
    host = FunctionHost(chosen, {}, store, objects, identities, Recorder(), Groups())
    await host.start()
    made = msgspec.structs.replace(
        parts(),
        objects=objects,
        store=store,
        functions=(host.book, host.queue, host.limit, host.sources),
    )
    routed = router(chosen, made, identities, http, {"HOME": "/nonexistent"})
    listener = await listen(routed.handle)
    await host.serve(f"http://127.0.0.1:{listener.port}")
    try:
        yield Lambdas(host, routed, listener.port)
    finally:
        await listener.close()
        await host.aclose()
        await directory.aclose()
        await made.background.aclose()
        await objects.close()
        await http.aclose()
        await store.close()
