"""Where the names in a stack's template lead."""

from collections.abc import Mapping
from typing import Any

from torana.services.cloudformation import parameters as given_parameters
from torana.services.cloudformation.faults import BadTemplate
from torana.services.cloudformation.intrinsics import Scope
from torana.services.cloudformation.records import Json, Resource, Stack, Values
from torana.services.members import part

_EXTENSIONS = "AWS::LanguageExtensions"


def pseudo(stack: Stack) -> dict[str, Any]:
    """The pseudo parameters."""
    region, account = stack.arn.split(":")[3:5]
    return {
        "AWS::AccountId": account,
        "AWS::NotificationARNs": [],
        "AWS::Partition": "aws",
        "AWS::Region": region,
        "AWS::StackId": stack.arn,
        "AWS::StackName": stack.name,
        "AWS::URLSuffix": "amazonaws.com",
    }


def values_of(declared: Mapping[str, Json], values: Values, *, mask: bool = False) -> Json:
    """What `Ref` gives for each parameter. `mask`: without what is not to be seen."""
    found: Json = {}
    for name, about in declared.items():
        kind = str(about.get("Type"))
        text = values.resolved.get(name, values.given.get(name, ""))
        if mask and given_parameters.secret(about):
            text = given_parameters.MASK
        found[name] = given_parameters.value(text, given_parameters.stored(kind) or kind)
    return found


def _later(name: str) -> Any:
    raise KeyError(name)


def scope_of(
    stack: Stack,
    whole: Json,
    values: Values,
    resources: Mapping[str, Resource],
    exports: Mapping[str, str] = {},
    *,
    mask: bool = False,
) -> Scope:
    """A scope with the resources that are there already. Raises `BadTemplate`."""

    def ref(name: str) -> Any:
        now = resources[name].now if name in resources else None
        if now is None:
            return _later(name)
        return now.id

    def attribute(name: str, asked: str) -> Any:
        now = resources[name].now if name in resources else None
        if now is None or asked not in now.attributes or asked[:1].islower():
            return _later(name)
        return now.attributes[asked]

    transforms: Any = whole.get("Transform") or []
    scope = Scope(
        {**pseudo(stack), **values_of(part(whole, "Parameters"), values, mask=mask)},
        ref,
        attribute,
        mappings=part(whole, "Mappings"),
        extended=_EXTENSIONS in (transforms if isinstance(transforms, list) else [transforms]),
    )

    def export(name: str) -> Any:
        if name not in exports:
            raise BadTemplate(f"No export named {name} found.")
        return exports[name]

    scope.export = export
    scope.conditions = given_parameters.conditions(part(whole, "Conditions"), scope)
    return scope
