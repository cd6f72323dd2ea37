"""The life of an API's version: designed, published, deprecated, retired; who owns it.

A version is a stage of an API. Source of what clients are told: RFC 9745 (`Deprecation`), RFC 8594
(`Sunset`), RFC 5829 (`successor-version`).
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal, get_args

from msgspec import Struct

State = Literal["design", "published", "deprecated", "retired"]
STATES: tuple[State, ...] = get_args(State)
NEXT: dict[State, tuple[State, ...]] = {
    "design": ("published", "retired"),
    "published": ("deprecated",),
    "deprecated": ("published", "retired"),
    "retired": ("deprecated",),
}
"""What may follow: what clients use is deprecated before it is retired."""

Kind = Literal["added", "changed", "deprecated", "removed", "fixed", "security"]


class Deprecation(Struct, frozen=True):
    """When something ceases to be recommended, when it ceases to answer, and what to use instead.

    Moments are ISO 8601, a date or a time with its zone; a date begins at midnight, UTC.
    """

    since: str = ""
    sunset: str = ""
    successor: str = ""
    """Address of what takes its place."""
    documentation: str = ""
    """Address of a page about it."""


class Owner(Struct, frozen=True):
    """Who answers for a version."""

    name: str
    contact: str = ""
    """An address: `mailto:`, `https:` and so on."""


class Entry(Struct, frozen=True):
    """A line of the changelog."""

    date: str
    text: str
    kind: Kind = "changed"
    version: str = ""


class Lifecycle(Struct, frozen=True):
    """Everything about a version. What has none is published, by nobody known."""

    state: State = "published"
    deprecation: Deprecation | None = None
    owners: tuple[Owner, ...] = ()
    changelog: tuple[Entry, ...] = ()
    operations: dict[str, Deprecation] = {}
    """Of single operations that are deprecated, by `GET /pets/{id}`, or a route key."""

    def of(self, operation: str) -> Deprecation | None:
        """What holds for an operation: its own deprecation, and the version's for what that leaves
        open."""
        own = self.operations.get(operation)
        whole = self.deprecation if self.state in ("deprecated", "retired") else None
        if own is None or whole is None:
            return own or whole
        return Deprecation(
            own.since or whole.since,
            own.sunset or whole.sunset,
            own.successor or whole.successor,
            own.documentation or whole.documentation,
        )


_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d))?")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!#$%&'()*+,\-./:;=?@A-Z\[\]_a-z~0-9]{1,2000}")


def moment(text: str) -> datetime | None:
    """A moment in time, or None for what is none."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def wrong(given: Lifecycle) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What cannot be: where, and why."""
    if given.state == "deprecated" and not (given.deprecation and given.deprecation.since):
        yield ("state",), "a deprecated version needs deprecation.since"
    if given.deprecation is not None:
        for path, why in wrong_deprecation(given.deprecation):
            yield ("deprecation", *path), why
    for name, each in given.operations.items():
        for path, why in wrong_deprecation(each):
            yield ("operations", name, *path), why
    yield from _wrong_lists(given)


def _wrong_lists(given: Lifecycle) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for index, owner in enumerate(given.owners):
        if not owner.name.strip():
            yield ("owners", index, "name"), "an owner needs a name"
        if owner.contact and not _ADDRESS.fullmatch(owner.contact):
            yield (
                ("owners", index, "contact"),
                f"{owner.contact[:80]!r} is no address, such as mailto:who@example.com",
            )
    for index, entry in enumerate(given.changelog):
        if moment(entry.date) is None:
            yield ("changelog", index, "date"), _no_moment(entry.date)
        if not entry.text.strip():
            yield ("changelog", index, "text"), "an entry needs words"


def wrong_deprecation(given: Deprecation) -> Iterator[tuple[tuple[str, ...], str]]:
    """The same of a deprecation."""
    for name in ("since", "sunset"):
        text = getattr(given, name)
        if text and moment(text) is None:
            yield (name,), _no_moment(text)
    since, sunset = moment(given.since), moment(given.sunset)
    if since is not None and sunset is not None and sunset < since:
        yield ("sunset",), "the sunset cannot be before the deprecation (RFC 9745, 4)"
    for name in ("successor", "documentation"):
        text = getattr(given, name)
        if text and not _ADDRESS.fullmatch(text):
            yield (name,), f"{text[:80]!r} is no address, such as https://api.example.com/v2"


def _no_moment(text: str) -> str:
    return f"{text[:80]!r} is no date, such as 2027-01-31 or 2027-01-31T12:00:00Z"
