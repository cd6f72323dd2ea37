"""Two definitions, operation by operation."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from torana.openapi.compare.change import Change, Level, order
from torana.openapi.compare.document import At, Definition, Operation, over
from torana.openapi.compare.schemas import HARMS, Direction, Schemas

_NOTHING = At(True, "")


def compare(old: Definition, new: Definition, now: datetime | None = None) -> tuple[Change, ...]:
    """Every difference that clients of `old` may notice. What was deprecated may be gone once its
    sunset has come (`now`: today)."""
    return order(_Comparing(old, new, now or datetime.now(UTC)).all())


class _Comparing:
    def __init__(self, old: Definition, new: Definition, now: datetime) -> None:
        self._old, self._new, self._now = old, new, now
        self._schemas: Mapping[Direction, Schemas] = {
            each: Schemas(old.tree, new.tree, each) for each in HARMS
        }

    def all(self) -> Iterator[Change]:
        yield from self._about()
        for key, operation in self._old.operations.items():
            now = self._new.operations.get(key)
            if now is None:
                # A method that takes any verb has taken this one, too.
                path = key.partition(" ")[2]
                now = self._new.operations.get(f"ANY {path}")
            if now is None:
                yield self._gone(operation)
            else:
                yield from self._operation(operation, now)
        for key, operation in self._new.operations.items():
            if key not in self._old.operations:
                yield _change("compatible", "operation-added", operation, "was added", operation.at)

    def _about(self) -> Iterator[Change]:
        for name in ("title", "description"):
            one, other = (each.tree.root.part("info").text(name) for each in (self._old, self._new))
            if one != other:
                yield Change("documentation", "words", "", f"{name} was changed", f"/info/{name}")

    def _gone(self, old: Operation) -> Change:
        if over(old.sunset, self._now):
            text = f"was removed, after its sunset ({old.sunset})"
            return _change("compatible", "operation-removed", old, text, old.at)
        return _change("breaking", "operation-removed", old, "was removed", old.at)

    def _operation(self, old: Operation, new: Operation) -> Iterator[Change]:
        yield from _told(old, new)
        yield from _demands(old, new)
        yield from self._parameters(old, new)
        yield from self._body(old, new)
        yield from self._answers(old, new)

    def _parameters(self, old: Operation, new: Operation) -> Iterator[Change]:
        for key, one in old.parameters.items():
            other = new.parameters.get(key)
            what = f"the {one.where} parameter {one.name!r}"
            if other is None:
                if one.where != "path":
                    yield _change(
                        "breaking", "parameter-removed", new, f"{what} was removed", one.at
                    )
                continue
            if other.required and not one.required:
                text = f"{what} became required"
                yield _change("breaking", "parameter-required", new, text, other.at)
            elif one.required and not other.required:
                text = f"{what} is not required any more"
                yield _change("compatible", "parameter-required", new, text, other.at)
            if one.style != other.style:
                text = f"{what} is written in another way"
                yield _change("breaking", "parameter-style", new, text, other.at)
            yield from self._schema("request", new, what, one.schema, other.schema)
        for key, other in new.parameters.items():
            if key not in old.parameters and other.where != "path":
                level: Level = "breaking" if other.required else "compatible"
                said = "was added and is required" if other.required else "was added"
                text = f"the {other.where} parameter {other.name!r} {said}"
                yield _change(level, "parameter-added", new, text, other.at)

    def _body(self, old: Operation, new: Operation) -> Iterator[Change]:
        if new.body_required and not old.body_required:
            at = new.at.part("requestBody")
            yield _change("breaking", "body-required", new, "a body became required", at)
        elif old.body_required and not new.body_required:
            text = "a body is not required any more"
            yield _change("compatible", "body-required", new, text, new.at)
        yield from self._content("request", "the request", new, old.body, new.body)

    def _answers(self, old: Operation, new: Operation) -> Iterator[Change]:
        for status, one in old.answers.items():
            other = new.answers.get(status)
            if other is None:
                level: Level = "breaking" if status[:1] in ("2", "3", "d") else "compatible"
                text = f"the answer {status} was removed"
                yield _change(level, "answer-removed", new, text, one.at)
                continue
            what = f"the answer {status}"
            yield from self._content("answer", what, new, one.content, other.content)
            for name, header in one.headers.items():
                if name not in other.headers:
                    text = f"{what} has no header {name!r} any more"
                    level = "breaking" if header.part("required").value is True else "compatible"
                    yield _change(level, "header-removed", new, text, header)
        for status, other in new.answers.items():
            if status not in old.answers:
                text = f"the answer {status} was added"
                yield _change("compatible", "answer-added", new, text, other.at)

    def _content(
        self,
        direction: Direction,
        what: str,
        new: Operation,
        one: Mapping[str, At],
        other: Mapping[str, At],
    ) -> Iterator[Change]:
        for kind, schema in one.items():
            now = other.get(kind)
            if now is None:
                text = f"{what} is not {kind} any more"
                yield _change("breaking", "content-type-removed", new, text, schema)
            else:
                yield from self._schema(direction, new, what, schema, now)
        for kind, schema in other.items():
            if kind not in one and one:
                text = f"{what} may be {kind}"
                yield _change("compatible", "content-type-added", new, text, schema)

    def _schema(
        self, direction: Direction, new: Operation, what: str, one: At, other: At
    ) -> Iterator[Change]:
        usual = _NOTHING
        pair = [each if each.value is not None else usual for each in (one, other)]
        for each in self._schemas[direction].compare(*pair):
            level: Level = "breaking" if each.effect in HARMS[direction] else "compatible"
            if each.effect == "words":
                level = "documentation"
            place = f"{what}, {'.'.join(each.path)}" if each.path else what
            text = f"{place}: {each.text}"
            yield Change(level, each.rule, new.name, text, each.pointer or other.pointer)


def _told(old: Operation, new: Operation) -> Iterator[Change]:
    for name in ("summary", "description"):
        if old.at.text(name) != new.at.text(name):
            yield _change("documentation", "words", new, f"{name} was changed", new.at)
    if old.deprecated != new.deprecated:
        said = "was deprecated" if new.deprecated else "is not deprecated any more"
        yield _change("documentation", "deprecated", new, said, new.at)
    one, other = old.at.text("operationId"), new.at.text("operationId")
    if one and one != other:
        text = f"the operationId changed from {one!r} to {other!r}"
        yield _change("compatible", "operation-id", new, text, new.at)


def _demands(old: Operation, new: Operation) -> Iterator[Change]:
    """Whoever was let in is let in, if one of the new demands asks for no more than the old one."""
    if old.demands == new.demands:
        return
    before = old.demands or {frozenset[str]()}
    after = new.demands or {frozenset[str]()}
    at = new.at.part("security")
    if all(any(now <= each for now in after) for each in before):
        yield _change("compatible", "security", new, "asks callers for less", at)
    else:
        text = (
            "asks callers for what they did not have to show"
            if not old.demands
            else ("asks callers for something else")
        )
        yield _change("breaking", "security", new, text, at)


def _change(level: Level, rule: str, of: Operation, text: str, at: At) -> Change:
    return Change(level, rule, of.name, text, at.pointer)
