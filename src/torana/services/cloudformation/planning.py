"""What an update would change, as far as that is known before it is done."""

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from torana.services.cloudformation import dynamic
from torana.services.cloudformation.calls import Calls
from torana.services.cloudformation.graph import ordered
from torana.services.cloudformation.intrinsics import Unknown, evaluate, has_unknown
from torana.services.cloudformation.prepare import existing
from torana.services.cloudformation.records import Json, Resource, Stack, Values, Wanted
from torana.services.cloudformation.scope import scope_of
from torana.services.cloudformation.types import TYPES
from torana.services.cloudformation.types.kind import Kind


async def changes(
    stack: Stack,
    wanted: Wanted,
    values: Values,
    held: Mapping[str, Resource],
    exports: Mapping[str, str],
    calls: Calls,
) -> list[Json]:
    """Changes as `DescribeChangeSet` shows them. Raises `BadTemplate` and `Unmade`."""
    whole = wanted.processed
    known = scope_of(stack, whole, values, held, exports)
    live = existing(whole, known)
    fresh = {name for name in live if name not in held or held[name].now is None}

    def ref(name: str) -> Any:
        return Unknown(name) if name in fresh else known.ref(name)

    def attribute(name: str, asked: str) -> Any:
        return Unknown(name, asked) if name in fresh else known.attribute(name, asked)

    scope = structs.replace(known, ref=ref, attribute=attribute)
    found: dict[str, Json] = {}
    for name in ordered(live, known.conditions):
        about = live[name]
        if name not in held or held[name].now is None:
            found[name] = _change("Add", name, about["Type"])
            continue
        properties = evaluate(about.get("Properties") or {}, scope)
        if not has_unknown(properties):
            properties = await dynamic.resolved(properties, calls)
        modified = _modified(held[name], properties, TYPES[about["Type"]])
        if modified is not None:
            found[name] = modified
            if modified["Replacement"] == "True":
                fresh.add(name)
    gone = {name: each for name, each in held.items() if name not in live}
    for name, each in gone.items():
        found[name] = _change("Remove", name, each.type, each)
    return [{"Type": "Resource", "ResourceChange": each} for each in found.values()]


def _change(action: str, name: str, type: str, there: Resource | None = None) -> Json:
    made: Json = {
        "Action": action,
        "LogicalResourceId": name,
        "ResourceType": type,
        "Scope": [],
        "Details": [],
    }
    if there is not None and there.now is not None:
        made["PhysicalResourceId"] = there.now.id
    if action == "Remove" and there is not None and there.deletion != "Delete":
        made["PolicyAction"] = "Retain"
    elif action == "Remove":
        made["PolicyAction"] = "Delete"
    return made


def _modified(there: Resource, properties: Json, kind: Kind) -> Json | None:
    assert there.now is not None
    old = there.now.properties
    names = sorted(
        name for name in old.keys() | properties.keys() if old.get(name) != properties.get(name)
    )
    if not names:
        return None
    surely = {name for name in names if not has_unknown(properties.get(name))}
    made = _change("Modify", there.logical, there.type, there)
    made["Scope"] = ["Tags" if name == "Tags" else "Properties" for name in names]
    made["Scope"] = sorted(set(made["Scope"]))
    maybe = kind.replaced(set(names))
    made["Replacement"] = "True" if kind.replaced(surely) else "Conditional" if maybe else "False"
    made["Details"] = [_detail(name, name in surely, kind) for name in names]
    return made


def _detail(name: str, known: bool, kind: Kind) -> Json:
    recreation = "Never"
    if kind.replaced({name}):
        recreation = "Always" if known else "Conditionally"
    target: Json = {"Attribute": "Properties", "Name": name, "RequiresRecreation": recreation}
    if name == "Tags":
        target = {"Attribute": "Tags", "RequiresRecreation": recreation}
    return {
        "Target": target,
        "Evaluation": "Static" if known else "Dynamic",
        "ChangeSource": "DirectModification" if known else "ResourceReference",
    }
