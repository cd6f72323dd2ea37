"""From a template and parameters to what can be made: everything that can be refused before a
single resource is touched is refused here."""

from collections.abc import Mapping
from typing import Any, cast

from msgspec import Struct, structs

from torana.services.cloudformation import parameters as given_parameters
from torana.services.cloudformation.calls import Calls, Refused
from torana.services.cloudformation.faults import BadTemplate, Unmade, invalid, lacking
from torana.services.cloudformation.graph import mentioned, needs, ordered
from torana.services.cloudformation.intrinsics import Scope, Unknown, evaluate
from torana.services.cloudformation.records import Json, Stack, Values, Wanted
from torana.services.cloudformation.scope import pseudo, scope_of, values_of
from torana.services.cloudformation.shelf import Shelf
from torana.services.cloudformation.template import Template, checked, read
from torana.services.cloudformation.transforms import CAPABILITY, transformed
from torana.services.cloudformation.types import TYPES
from torana.services.members import part

_IAM = {
    "AWS::IAM::AccessKey": "",
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Policy": "",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::IAM::UserToGroupAddition": "",
}
"""Types that need a capability, and the property that needs a stronger one."""


class Asked(Struct, frozen=True):
    """What a caller says of a stack's template and parameters."""

    template: str
    parameters: list[Json]
    capabilities: tuple[str, ...]
    tags: dict[str, str]
    role: str = ""
    reviewed: bool = False
    """Whether a change set shows what transforms make, so that they need no capability."""


async def prepare(
    shelf: Shelf, calls: Calls, stack: Stack, asked: Asked, before: Wanted | None
) -> Wanted:
    """Raises the service's errors."""
    try:
        template = read(asked.template)
        declared = template.section("Parameters")
        values = given_parameters.given(declared, asked.parameters, shelf.values(before).given)
        resolved = await _resolved(calls, declared, values)
        both = Values(values, resolved)
        whole = await _transform(template, stack, asked, both)
        check(whole, stack, both)
        wanted = Wanted(
            asked.template,
            whole.whole,
            shelf.sealed(both),
            asked.capabilities,
            asked.tags,
            asked.role,
        )
    except BadTemplate as error:
        raise invalid(str(error)) from None
    _check_capabilities(whole, asked.capabilities)
    return wanted


async def _transform(template: Template, stack: Stack, asked: Asked, values: Values) -> Template:
    if not template.transforms:
        return template
    if CAPABILITY not in asked.capabilities and not asked.reviewed and _macros(template):
        raise lacking([CAPABILITY])
    refs = {**pseudo(stack), **values_of(template.section("Parameters"), values)}
    return checked(Template(template.text, await transformed(template, refs)))


def _macros(template: Template) -> bool:
    return any(each != "AWS::LanguageExtensions" for each in template.transforms)


async def _resolved(
    calls: Calls, declared: Mapping[str, Json], values: Mapping[str, str]
) -> dict[str, str]:
    """The values of parameters that Parameter Store has."""
    found: dict[str, str] = {}
    for name, about in declared.items():
        if given_parameters.stored(str(about.get("Type"))) is None:
            continue
        try:
            out = await calls("ssm", "GetParameter", Name=values[name])
        except Refused as error:
            if error.code != "ParameterNotFound":
                raise invalid(str(error)) from None
            raise BadTemplate(
                f"Unable to fetch parameters [{values[name]}] from parameter store for this "
                "account."
            ) from None
        except Unmade as error:
            raise invalid(str(error)) from None
        if out["Parameter"]["Type"] == "SecureString":
            raise BadTemplate(
                f"Parameters [{values[name]}] referenced by template have types not supported by "
                "CloudFormation."
            )
        found[name] = out["Parameter"]["Value"]
    return found


def check(template: Template, stack: Stack, values: Values) -> None:
    """Raises `BadTemplate` for a template that cannot be made with these values."""
    scope = scope_of(stack, template.whole, values, {})
    check_names(template, scope)
    given_parameters.check_rules(template.section("Rules"), scope)
    live = existing(template.whole, scope)
    ordered(live, scope.conditions)
    _check_attributes(live, template, scope)


def check_names(template: Template, scope: Scope) -> None:
    """Raises `BadTemplate` for types and names that lead nowhere."""
    unknown = sorted(
        {each["Type"] for each in template.resources.values() if each["Type"] not in TYPES}
    )
    if unknown:
        types = ", ".join(unknown)
        raise BadTemplate(f"Template format error: Unrecognized resource types: [{types}]")
    for each in template.resources.values():
        if each.get("Condition") and each["Condition"] not in scope.conditions:
            raise BadTemplate(
                f"Template format error: Unresolved condition dependency {each['Condition']} in "
                "the Resources block of the template"
            )
    named = {**scope.values, "AWS::NoValue": ""}.keys() | template.resources.keys()
    missing = {
        name for each in template.resources.values() for name in needs(each, scope.conditions)
    } - named
    if missing:
        raise BadTemplate(_unresolved(missing, "Resources"))
    missing = mentioned(list(template.section("Outputs").values()), scope.conditions) - named
    if missing:
        raise BadTemplate(_unresolved(missing, "Outputs"))


def _unresolved(names: set[str], section: str) -> str:
    return (
        f"Template format error: Unresolved resource dependencies [{', '.join(sorted(names))}] in "
        f"the {section} block of the template"
    )


def existing(whole: Json, scope: Scope) -> dict[str, Json]:
    """The resources whose conditions hold."""
    return {
        name: each
        for name, each in part(whole, "Resources").items()
        if not each.get("Condition") or scope.conditions[each["Condition"]]
    }


def _check_attributes(live: Mapping[str, Json], template: Template, scope: Scope) -> None:
    """Evaluates everything once with stand-ins, so that mistakes show before anything is made."""

    def ref(name: str) -> Any:
        return Unknown(live[name]["Type"] and name)

    def attribute(name: str, asked: str) -> Any:
        kind = TYPES[live[name]["Type"]]
        if not ({"*", asked} & kind.attributes):
            raise KeyError(asked)
        return Unknown(name, asked)

    looking = structs.replace(scope, ref=ref, attribute=attribute, export=str)
    for each in live.values():
        evaluate(each.get("Properties"), looking)
    for each in outputs_of(template.whole, scope).values():
        evaluate(each.get("Value"), looking)


def outputs_of(whole: Json, scope: Scope) -> dict[str, Json]:
    """The outputs whose conditions hold."""
    found: dict[str, Json] = {}
    for name, each in part(whole, "Outputs").items():
        if not isinstance(each, dict) or "Value" not in each:
            raise BadTemplate(
                f"Template format error: Output {name} is malformed. Every Outputs member must "
                "contain a Value object"
            )
        given = cast(Json, each)
        if not given.get("Condition") or scope.conditions[given["Condition"]]:
            found[name] = given
    return found


def _check_capabilities(template: Template, given: tuple[str, ...]) -> None:
    found, _ = capabilities(template)
    if not found or "CAPABILITY_NAMED_IAM" in given:
        return
    if found == ["CAPABILITY_IAM"] and "CAPABILITY_IAM" in given:
        return
    raise lacking(found)


def capabilities(template: Template) -> tuple[list[str], list[str]]:
    """What the caller must acknowledge, and the types that ask for it."""
    types: list[str] = []
    strong = False
    for each in template.resources.values():
        kind = each.get("Type")
        if kind in _IAM:
            types.append(kind)
            strong = strong or _IAM[kind] in (each.get("Properties") or {})
    if not types:
        return [], []
    wanted = "CAPABILITY_NAMED_IAM" if strong else "CAPABILITY_IAM"
    return [wanted], sorted(set(types))
