"""Node.js, through the small bootstrap beside this file."""

import shutil
import subprocess
from functools import cache
from pathlib import Path

from torana.functions.isolation import Inside
from torana.functions.runtimes.runtime import Program, Runtime, RuntimeMissing

_BOOTSTRAP = Path(__file__).with_name("bootstrap.mjs")


@cache
def _executable() -> tuple[Path, str]:
    """The program and the service's identifier of what it is; empty when there is none."""
    found = shutil.which("node")
    if found is None:
        return Path(), ""
    asked = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    major = asked.stdout.strip().removeprefix("v").partition(".")[0]
    return Path(found).resolve(), f"nodejs{major}.x"


def _program(name: str, handler: str, inside: Inside, memory: int) -> Program:
    node, own = _executable()
    if name != own:
        raise RuntimeMissing(f"{name} functions need that node in the PATH; found: {own or None}")
    # The heap is a part of the memory; the rest is for code, stacks and buffers.
    heap = max(64, memory * 3 // 4)
    paths = [f"{inside.layers}/nodejs/node_modules"] if inside.layers else []
    environment = {"NODE_PATH": ":".join([*paths, f"{inside.code}/node_modules"])}
    command = (str(node), f"--max-old-space-size={heap}", str(_BOOTSTRAP), handler)
    return Program(command, environment)


def _readable() -> tuple[str, ...]:
    return (str(_BOOTSTRAP.parent), str(_executable()[0].parent.parent))


FAMILY = Runtime(
    names=("nodejs20.x", "nodejs22.x", "nodejs24.x"),
    program=_program,
    readable=_readable,
)
