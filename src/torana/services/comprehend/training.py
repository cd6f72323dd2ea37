"""What the training of classifiers and of entity recognisers have in common."""

from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec import Struct

from torana.message import BodyTooLarge, read
from torana.services.ports import Busy, Failed, Missing
from torana.state.objects import ObjectError, ObjectStore

LONGEST = 3600.0
"""Seconds of a training."""
_MOST_BYTES = 48 * 1024 * 1024
"""Of all documents of a training."""
_PAGE = 1000

S = TypeVar("S", bound=Struct)


class Trained(Protocol):
    """What is told of every training."""

    @property
    def version(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def started(self) -> float: ...
    @property
    def ended(self) -> float: ...


class Unusable(Exception):
    """The documents cannot be trained on; says why."""


def now() -> float:
    """Unix time."""
    return datetime.now(UTC).timestamp()


async def texts(objects: ObjectStore, uri: str) -> list[tuple[str, str]]:
    """Key and text of every file under an address. Raises `Unusable` and what the store raises."""
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    files = await objects.keys(bucket, prefix, "", _PAGE)
    if not files or len(files) == _PAGE:
        raise Unusable(f"{uri}: there must be at least one file and fewer than {_PAGE}")
    found: list[tuple[str, str]] = []
    left = _MOST_BYTES
    for file in files:
        try:
            data = await read(objects.read(file, 0, file.size), left)
            found.append((file.key, data.decode("utf-8-sig")))
        except BodyTooLarge:
            raise Unusable(f"The documents have more than {_MOST_BYTES} bytes") from None
        except UnicodeDecodeError:
            raise Unusable(f"{file.key} is not UTF-8") from None
        left -= len(data)
    return found


async def outcome(wanted: S, training: Coroutine[Any, Any, S]) -> S:
    """How a training ended: whatever goes wrong is told in the message."""
    wrong = ""
    try:
        wanted = await training
    except (ObjectError, ConnectionError) as error:
        wrong = f"The documents failed: {error}"
    except (Unusable, Missing, Failed) as error:
        wrong = str(error)
    except (Busy, TimeoutError):
        wrong = "The engine has too much to do"
    told = {"status": "IN_ERROR", "message": wrong} if wrong else {}
    return msgspec.structs.replace(wanted, ended=now(), **told)


def progress(of: Trained) -> dict[str, Any]:
    """The members that the service writes of either, where there is something to tell."""
    shown: dict[str, Any] = {}
    if of.version:
        shown["VersionName"] = of.version
    if of.message:
        shown["Message"] = of.message
    if of.started:
        shown["TrainingStartTime"] = moment(of.started)
    if of.ended:
        shown |= {"TrainingEndTime": moment(of.ended), "EndTime": moment(of.ended)}
    return shown


def moment(value: float) -> datetime:
    """Unix time, as the wire wants it."""
    return datetime.fromtimestamp(value, UTC)
