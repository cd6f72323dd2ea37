"""Functions made of a few lines, run by a real node's worth of pools."""

import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

from torana.functions.functions import Functions
from torana.functions.instance import Outcome, Surroundings
from torana.functions.isolation import KINDS, Isolation
from torana.functions.output import Sink, line
from torana.functions.pool import Limits
from torana.functions.sandbox import strongest
from torana.model.function import Event, FunctionVersion

PYTHON = f"python3.{sys.version_info.minor}"
READABLE = (sys.prefix, sys.base_prefix)


class Running:
    """Functions under way, and what they logged."""

    def __init__(self, functions: Functions, folder: Path, log: list[str]) -> None:
        self.functions, self.folder, self.log = functions, folder, log

    def define(
        self,
        files: Mapping[str, str],
        runtime: str = PYTHON,
        handler: str = "app.handler",
        **fields: Any,
    ) -> FunctionVersion:
        """A version of a function whose code is these files."""
        revision = uuid4().hex
        folder = self.folder / "code" / revision
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o755)
        arn = f"arn:aws:lambda:us-east-1:000000000000:function:{fields.pop('name', 'f')}"
        name = arn.rpartition(":")[2]
        return FunctionVersion(
            name, "$LATEST", arn, runtime, handler, str(folder), revision, **fields
        )

    def python(self, code: str, **fields: Any) -> FunctionVersion:
        """A Python function of one file."""
        return self.define({"app.py": code}, **fields)

    async def invoke(self, version: FunctionVersion, event: object = None) -> Outcome:
        """One invocation with a JSON event."""
        return await self.functions.invoke(
            version, Event(str(uuid4()), msgspec.json.encode(event), version.arn)
        )

    async def call(self, version: FunctionVersion, event: object = None) -> Any:
        """What the function answers, decoded."""
        outcome = await self.invoke(version, event)
        assert isinstance(outcome.body, bytes)
        return msgspec.json.decode(outcome.body)


@asynccontextmanager
async def running(
    folder: Path,
    *,
    kinds: tuple[Isolation, ...] = KINDS,
    variables: Mapping[str, str] | None = None,
    **limits: Any,
) -> AsyncGenerator[Running]:
    """Functions of a node, until the context ends."""
    log: list[str] = []
    sandbox = await strongest(folder / "instances", READABLE, kinds)

    def sink(version: FunctionVersion) -> Sink:
        return lambda at, stream, text: log.append(line(at, stream, text))

    around = Surroundings(sandbox, folder / "instances", lambda version: variables or {}, sink)
    functions = Functions(around, Limits(**limits))
    try:
        yield Running(functions, folder, log)
    finally:
        await functions.aclose()
