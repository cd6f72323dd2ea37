"""Which resources need which others, and so the order in which they are made."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from torana.services.cloudformation.faults import BadTemplate
from torana.services.cloudformation.intrinsics import placeholders

Json = dict[str, Any]


def needs(resource: Json, conditions: Mapping[str, bool]) -> set[str]:
    """The names that a resource speaks of, among them parameters."""
    explicit: Any = resource.get("DependsOn") or []
    found = {explicit} if isinstance(explicit, str) else set(cast(list[str], explicit))
    return found | mentioned(resource.get("Properties"), conditions)


def mentioned(value: Any, conditions: Mapping[str, bool]) -> set[str]:
    """The names that `Ref`, `Fn::GetAtt` and `Fn::Sub` within a value lead to."""
    return set(_walk(value, conditions))


def _walk(value: Any, conditions: Mapping[str, bool]) -> Iterator[str]:
    if isinstance(value, list):
        for each in cast(list[Any], value):
            yield from _walk(each, conditions)
    elif isinstance(value, dict):
        given = cast(Json, value)
        if len(given) == 1:
            ((name, argument),) = given.items()
            yield from _function(name, argument, conditions)
        else:
            for each in given.values():
                yield from _walk(each, conditions)


def _function(name: str, argument: Any, conditions: Mapping[str, bool]) -> Iterator[str]:
    if name == "Ref" and isinstance(argument, str):
        yield argument
    elif name == "Fn::GetAtt":
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        if isinstance(parts, list) and parts:
            yield str(cast(list[Any], parts)[0])
            yield from _walk(cast(list[Any], parts)[1:], conditions)
    elif name == "Fn::Sub":
        text, own = argument, cast(Json, {})
        if isinstance(argument, list) and len(cast(list[Any], argument)) == 2:
            text, own = cast(list[Any], argument)
        if isinstance(text, str):
            yield from (n.partition(".")[0] for n in placeholders(text) if n not in own)
        yield from _walk(list(own.values()), conditions)
    elif name == "Fn::If" and isinstance(argument, list) and argument:
        chosen = cast(list[Any], argument)
        if chosen[0] in conditions and len(chosen) == 3:
            chosen = [chosen[1 if conditions[chosen[0]] else 2]]
        yield from _walk(chosen, conditions)
    else:
        yield from _walk(argument, conditions)


def ordered(
    resources: Mapping[str, Json], conditions: Mapping[str, bool]
) -> dict[str, tuple[str, ...]]:
    """What each resource needs, every resource behind all that it needs. Raises `BadTemplate`."""
    waits = {
        name: needs(resource, conditions) & resources.keys() - {name}
        for name, resource in resources.items()
    }
    made: dict[str, tuple[str, ...]] = {}
    while waits:
        ready = [name for name, wanted in waits.items() if wanted <= made.keys()]
        if not ready:
            raise BadTemplate(
                f"Circular dependency between resources: [{', '.join(_circle(waits))}]"
            )
        for name in ready:
            made[name] = tuple(sorted(waits.pop(name)))
    return made


def _circle(waits: Mapping[str, set[str]]) -> list[str]:
    name, seen = next(iter(waits)), list[str]()
    while name not in seen:
        seen.append(name)
        name = min(each for each in waits[name] if each in waits)
    return sorted(seen[seen.index(name) :])
