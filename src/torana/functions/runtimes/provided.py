"""Any program that speaks the Runtime API: the executable `bootstrap` beside the code."""

from torana.functions.isolation import Inside
from torana.functions.runtimes.runtime import Program, Runtime


def _program(name: str, handler: str, inside: Inside, memory: int) -> Program:
    return Program((f"{inside.code}/bootstrap",), {})


FAMILY = Runtime(
    names=("provided.al2023", "provided.al2"),
    program=_program,
    readable=lambda: (),
)
