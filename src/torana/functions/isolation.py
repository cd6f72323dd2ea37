"""Kinds of boxes for a function's process, and what one box is made for."""

from pathlib import Path

from msgspec import Struct


class Isolation(Struct, frozen=True):
    """What a kind of box is made of."""

    name: str
    jail: bool = False
    """Own mounts, processes, IPC and a root of only what is needed."""
    userns: bool = False
    """Through a user namespace, for those who are not root."""
    own_user: bool = False
    """A user id of its own for every instance."""
    landlock: bool = False
    seccomp: bool = False


KINDS = (
    Isolation("jail with a user of its own", jail=True, own_user=True, seccomp=True),
    Isolation("jail in a user namespace", jail=True, userns=True, seccomp=True),
    Isolation("user of its own, landlock", own_user=True, landlock=True, seccomp=True),
    Isolation("landlock", landlock=True, seccomp=True),
    Isolation("user of its own", own_user=True),
    Isolation("limits only"),
)
"""The strongest first."""


class Box(Struct, frozen=True):
    """One instance's box. Paths are the host's."""

    home: Path
    """A folder of the instance's own, for its temp folder and its root."""
    code: Path
    layers: Path | None
    readable: tuple[str, ...]
    """What the runtime needs besides the system's own folders."""
    memory: int
    """Megabytes."""
    storage: int


class Inside(Struct, frozen=True):
    """Where things are for the process in the box."""

    code: str
    layers: str
    temp: str
