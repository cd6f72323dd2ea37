"""What a version promised its clients: that nothing breaks them under the same major number."""

import asyncio
import logging
import re
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from torana.model.lifecycle import Lifecycle
from torana.openapi.compare import Change, breaks, compare, definition
from torana.openapi.syntax import parse

_log = logging.getLogger("torana")
_SHOWN = 10

Policy = Literal["allow", "warn", "refuse"]
"""What is done when a published version breaks its clients."""


def number(version: str) -> tuple[int, ...]:
    """`v1.10.2` as numbers, to be sorted by."""
    return tuple(int(each) for each in re.findall(r"\d{1,9}", version))


def major(version: str) -> int:
    """The first number; 0 where there is none."""
    return next(iter(number(version)), 0)


def refusal(of: str, found: tuple[Change, ...]) -> str:
    """Why a definition may not take the place of another."""
    breaking = [str(each) for each in found if each.level == "breaking"]
    shown = "\n".join(breaking[:_SHOWN])
    more = f"\n… and {len(breaking) - _SHOWN} more" if len(breaking) > _SHOWN else ""
    return (
        f"This breaks clients of {of}, and has the same major version; raise it, or publish it as "
        f"another stage:\n{shown}{more}"
    )


class Definition(Struct, frozen=True):
    """What a version serves, or is to serve."""

    version: str
    text: Callable[[], str]


async def broken(
    policy: Policy, of: str, life: Lifecycle | None, old: Definition, new: Definition
) -> str | None:
    """Why a published version may not change from one definition to another, or None."""
    return await asyncio.to_thread(judged, policy, of, life, old, new)


def judged(
    policy: Policy, of: str, life: Lifecycle | None, old: Definition, new: Definition
) -> str | None:
    """`broken`, at once."""
    if policy == "allow" or life is None or life.state not in ("published", "deprecated"):
        return None
    if major(old.version) != major(new.version):
        return None
    found = compared(old.text(), new.text())
    if not breaks(found):
        return None
    said = refusal(of, found)
    if policy == "refuse":
        return said
    _log.warning("%s", said)
    return None


def compared(old: str, new: str) -> tuple[Change, ...]:
    """Two documents' differences. Raises `SyntaxMistake`."""
    return compare(definition(parse(old, "").value), definition(parse(new, "").value))
