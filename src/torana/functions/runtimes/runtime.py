"""What a family of runtimes must say about itself."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from torana.functions.isolation import Inside


class RuntimeMissing(Exception):
    """What would run the function is not installed: says what, and how to install it."""


class Program(Struct, frozen=True):
    """What to run."""

    command: tuple[str, ...]
    environment: Mapping[str, str]


class Runtime(Struct, frozen=True):
    """One family. All of its functions raise `RuntimeMissing`."""

    names: tuple[str, ...]
    """The service's identifiers that it serves."""
    program: Callable[[str, str, Inside, int], Program]
    """By identifier, handler, where things are, and memory in megabytes."""
    readable: Callable[[], tuple[str, ...]]
    """Folders of this machine that the program needs, beyond the system's."""
