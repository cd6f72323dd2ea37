"""Python, through AWS' own runtime interface client, in the interpreter that runs the gateway."""

import importlib.util
import sys

from torana.functions.isolation import Inside
from torana.functions.runtimes.runtime import Program, Runtime, RuntimeMissing

_OWN = f"python{sys.version_info.major}.{sys.version_info.minor}"


def _program(name: str, handler: str, inside: Inside, memory: int) -> Program:
    if name != _OWN:
        raise RuntimeMissing(f"{name} functions need a gateway on that Python; this one is {_OWN}")
    if importlib.util.find_spec("awslambdaric") is None:
        raise RuntimeMissing("Python functions need awslambdaric: pip install 'torana[functions]'")
    paths = [inside.code]
    if inside.layers:
        layer = f"{inside.layers}/python"
        paths += [layer, f"{layer}/lib/{_OWN}/site-packages"]
    environment = {"PYTHONPATH": ":".join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    return Program((sys.executable, "-m", "awslambdaric", handler), environment)


def _readable() -> tuple[str, ...]:
    return tuple(dict.fromkeys((sys.prefix, sys.base_prefix)))


FAMILY = Runtime(
    names=("python3.11", "python3.12", "python3.13", "python3.14"),
    program=_program,
    readable=_readable,
)
