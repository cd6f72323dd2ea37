"""A place in a document: its value, where it stands, and what is to be said about it."""

from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import unquote

from torana.openapi.mistakes import Mistake
from torana.openapi.spot import Path, Spot, SyntaxMistake
from torana.openapi.syntax import Parsed

_MOST_FINDINGS = 500
_MOST_HOPS = 32
_MOST_PARTS = 6_000_000
_ABSENT = object()


class Sheet:
    """One document under reading: what was found so far, and which extensions were understood."""

    __slots__ = (
        "_counts",
        "_findings",
        "_left",
        "_parsed",
        "file",
        "understood",
        "variables",
        "version",
    )

    def __init__(self, parsed: Parsed, file: str) -> None:
        self._parsed = parsed
        self._counts: dict[bool, int] = {}
        self._left = _MOST_PARTS
        self._findings: dict[tuple[bool, Path, str, str], str] = {}
        self.file = file
        self.version = ""
        """`2.0`, `3.0` or `3.1`."""
        self.understood: set[Path] = set()
        self.variables: list[tuple[Place, str]] = []
        """Stage variables that addresses need, and where."""

    def root(self) -> "Place":
        """The whole document."""
        return Place(self, None, "", self._parsed.value)

    def note(self, wrong: bool, path: Path, rule: str, message: str, mend: str) -> None:
        """Keep a finding, once."""
        if not self.is_full(wrong):
            self._findings.setdefault((wrong, path, rule, message), mend)
            self._counts[wrong] = self._counts.get(wrong, 0) + 1

    def is_full(self, wrong: bool) -> bool:
        """Whether enough mistakes (or warnings) were found to stop looking for words."""
        return self._counts.get(wrong, 0) >= _MOST_FINDINGS

    def spend(self, parts: int) -> None:
        """References let a small document unfold without end. Raises `SyntaxMistake`."""
        self._left -= parts
        if self._left < 0:
            raise SyntaxMistake(
                Spot(1, 1), f"the document unfolds to more than {_MOST_PARTS} parts"
            )

    def mistakes(self) -> tuple[Mistake, ...]:
        """What makes the document invalid, by line."""
        return self._found(True)

    def warnings(self) -> tuple[Mistake, ...]:
        """What is accepted but does not do what it says, by line."""
        return self._found(False)

    def _found(self, wrong: bool) -> tuple[Mistake, ...]:
        found: list[Mistake] = []
        marks = self._parsed.marks() if self._findings else None
        for (is_wrong, path, rule, message), mend in self._findings.items():
            if is_wrong is wrong and marks is not None:
                spot = marks.locate(path)
                found.append(Mistake(self.file, spot.line, spot.column, rule, message, mend))
        return tuple(sorted(found))


class Place:
    """A value and the way to it."""

    __slots__ = ("key", "parent", "sheet", "value")

    def __init__(self, sheet: Sheet, parent: "Place | None", key: str | int, value: Any) -> None:
        self.sheet = sheet
        self.parent = parent
        self.key = key
        self.value = value

    @property
    def path(self) -> Path:
        """Keys from the root."""
        keys: list[str | int] = []
        place = self
        while place.parent is not None:
            keys.append(place.key)
            place = place.parent
        return tuple(reversed(keys))

    def fail(self, rule: str, message: str, mend: str = "") -> None:
        """A mistake: the document will be refused."""
        self.sheet.note(True, self.path, rule, message, mend)

    def warn(self, rule: str, message: str, mend: str = "") -> None:
        """Something that is accepted but should be known."""
        self.sheet.note(False, self.path, rule, message, mend)

    @property
    def is_mapping(self) -> bool:
        """Whether it has members."""
        return isinstance(self.value, dict)

    @property
    def is_list(self) -> bool:
        """Whether it has elements."""
        return isinstance(self.value, list)

    def find(self, key: str) -> "Place | None":
        """A member, or None when it is absent or null."""
        if not isinstance(self.value, dict):
            return None
        value = cast(dict[str, Any], self.value).get(key)
        return None if value is None else Place(self.sheet, self, key, value)

    def extension(self, name: str) -> "Place | None":
        """An extension that whoever asks understands."""
        found = self.find(name)
        if found is not None:
            self.sheet.understood.add(found.path)
        return found

    def items(self) -> Iterator[tuple[str, "Place"]]:
        """The members; a mistake when this is no mapping."""
        if not isinstance(self.value, dict):
            self.fail("type", f"{self.name()} must be a mapping, not {kind(self.value)}")
            return
        members = cast(dict[str, Any], self.value)
        self.sheet.spend(len(members))
        for key, value in members.items():
            yield key, Place(self.sheet, self, key, value)

    def elements(self) -> Iterator["Place"]:
        """The elements; a mistake when this is no list."""
        if not isinstance(self.value, list):
            self.fail("type", f"{self.name()} must be a list, not {kind(self.value)}")
            return
        elements = cast(list[Any], self.value)
        self.sheet.spend(len(elements))
        for index, value in enumerate(elements):
            yield Place(self.sheet, self, index, value)

    def members(self, key: str) -> Iterator[tuple[str, "Place"]]:
        """The members of a member, none when it is absent."""
        found = self.find(key)
        return iter(()) if found is None else found.items()

    def listed(self, key: str) -> Iterator["Place"]:
        """The elements of a member, none when it is absent."""
        found = self.find(key)
        return iter(()) if found is None else found.elements()

    def text(self, key: str, default: str = "") -> str:
        """A member that is text."""
        found = self.find(key)
        return default if found is None else (found.as_text() or default)

    def as_text(self) -> str | None:
        """This as text; numbers count. A mistake and None when it is anything else."""
        if isinstance(self.value, str):
            return self.value
        if isinstance(self.value, int | float) and not isinstance(self.value, bool):
            return str(self.value)
        self.fail("type", f"{self.name()} must be text, not {kind(self.value)}", "put it in quotes")
        return None

    def flag(self, key: str, default: bool = False) -> bool:
        """A member that is true or false."""
        found = self.find(key)
        return default if found is None else bool(found.as_flag())

    def as_flag(self) -> bool | None:
        """This as a truth value, also when it is written in quotes."""
        value: Any = self.value
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if isinstance(value, bool):
            return value
        self.fail("type", f"{self.name()} must be true or false, not {kind(value)}")
        return None

    def follow(self) -> "Place | None":
        """What stands here, or what its `$ref` refers to. A mistake and None when nothing does."""
        place = self
        for _ in range(_MOST_HOPS):
            reference = place.find("$ref")
            if reference is None:
                return place
            target = reference.target()
            if target is None:
                return None
            place = target
        self.fail("reference", "the reference goes round in a circle")
        return None

    def target(self) -> "Place | None":
        """What this JSON pointer (`#/components/…`) points at."""
        pointer = self.as_text()
        if pointer is None:
            return None
        if not pointer.startswith("#/"):
            self.fail(
                "reference",
                f"{pointer!r} leaves the document; only references that begin with #/ are followed",
            )
            return None
        place = self.sheet.root()
        for part in pointer[2:].split("/"):
            found = place.part(unquote(part).replace("~1", "/").replace("~0", "~"))
            if found is None:
                self.fail("reference", f"nothing stands at {pointer!r}")
                return None
            place = found
        return place

    def part(self, key: str) -> "Place | None":
        """A member or, by its number, an element."""
        value: Any = _ABSENT
        if isinstance(self.value, dict):
            value = cast(dict[str, Any], self.value).get(key, _ABSENT)
        elif isinstance(self.value, list) and key.isdecimal() and len(key) < 7:
            elements = cast(list[Any], self.value)
            value = elements[int(key)] if int(key) < len(elements) else _ABSENT
            return None if value is _ABSENT else Place(self.sheet, self, int(key), value)
        return None if value is _ABSENT else Place(self.sheet, self, key, value)

    def name(self) -> str:
        """The key, for a sentence."""
        if self.parent is None:
            return "the document"
        if isinstance(self.key, int):
            return f"element {self.key} of {self.parent.name()}"
        return self.key


def kind(value: Any) -> str:
    """A value's type in a reader's words."""
    if value is None:
        return "null"
    for type_, word in _KINDS:
        if isinstance(value, type_):
            return word
    return "something else"


_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (int, "a number"),
    (float, "a number"),
    (str, "text"),
    (list, "a list"),
    (dict, "a mapping"),
)
