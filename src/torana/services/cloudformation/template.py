"""Templates as they are written: JSON, or YAML with the short forms of functions.

Source: AWS CloudFormation User Guide, "Template sections" and "Template formats".
"""

import json
from typing import Any, cast

import yaml
from msgspec import Struct

from torana.services.cloudformation.faults import BadTemplate

Json = dict[str, Any]

LARGEST_BODY = 51_200
LARGEST = 1_000_000
"""Bytes of a template in a request, and of one in a bucket."""
MOST_RESOURCES = 500

_SECTIONS = (
    *("AWSTemplateFormatVersion", "Conditions", "Description", "Mappings", "Metadata"),
    *("Outputs", "Parameters", "Resources", "Rules", "Transform", "Hooks", "Globals"),
)
_RESOURCE = frozenset(
    {"Type", "Properties", "DependsOn", "Condition", "Metadata", "DeletionPolicy"}
    | {"UpdateReplacePolicy", "CreationPolicy", "UpdatePolicy"}
)
_POLICIES = ("Delete", "Retain", "RetainExceptOnCreate", "Snapshot")
_SHORT = (
    *("And", "Base64", "Cidr", "Equals", "FindInMap", "GetAZs", "If", "ImportValue", "Join"),
    *("Length", "Not", "Or", "Select", "Split", "Sub", "ToJsonString", "Transform"),
)


class Template(Struct, frozen=True):
    """A template that was read. `resources` may need a transform before they can be made."""

    text: str
    whole: Json

    def section(self, name: str) -> Json:
        """A section, or an empty one."""
        return cast(Json, self.whole.get(name) or {})

    @property
    def resources(self) -> dict[str, Json]:
        """By logical id."""
        return self.section("Resources")

    @property
    def transforms(self) -> list[str]:
        """The macros of the whole template."""
        found: Any = self.whole.get("Transform") or []
        named = cast(list[Any], found if isinstance(found, list) else [found])
        return [each["Name"] if isinstance(each, dict) else str(each) for each in named]


def read(text: str) -> Template:
    """Raises `BadTemplate`."""
    if not text.strip():
        raise BadTemplate("Template format error: unsupported structure.")
    try:
        whole: Any = json.loads(text) if text.lstrip().startswith("{") else _yaml(text)
    except json.JSONDecodeError as error:
        raise BadTemplate(
            f"Template format error: JSON not well-formed. (line {error.lineno}, "
            f"column {error.colno})"
        ) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BadTemplate(f"Template format error: YAML not well-formed. {_place(error)}") from None
    if not isinstance(whole, dict):
        raise BadTemplate("Template format error: unsupported structure.")
    return checked(Template(text, cast(Json, whole)))


def checked(template: Template) -> Template:
    """Raises `BadTemplate` for what no template may have."""
    whole = template.whole
    unknown = [str(name) for name in whole if name not in _SECTIONS]
    if unknown:
        raise BadTemplate(f"Invalid template property or properties [{', '.join(unknown)}]")
    if whole.get("AWSTemplateFormatVersion") not in (None, "2010-09-09"):
        raise BadTemplate(
            f"Template format error: {whole['AWSTemplateFormatVersion']} is not a supported value."
        )
    if whole.get("Hooks"):
        raise BadTemplate("Template format error: Hooks are not supported here.")
    _check_sections(template)
    if not template.resources:
        raise BadTemplate("Template format error: At least one Resources member must be defined.")
    if len(template.resources) > MOST_RESOURCES:
        raise BadTemplate(
            f"Template format error: Number of resources, {len(template.resources)}, is greater "
            f"than maximum allowed, {MOST_RESOURCES}"
        )
    for name, resource in template.resources.items():
        if name.startswith("Fn::ForEach::"):
            raise BadTemplate("Template error: Fn::ForEach is not supported here")
        _check_resource(name, resource)
    return template


def _check_sections(template: Template) -> None:
    for name in _SECTIONS:
        section: Any = template.whole.get(name)
        plain = name in ("AWSTemplateFormatVersion", "Description", "Transform")
        if section is not None and not plain and not isinstance(section, dict):
            raise BadTemplate(f"Template format error: {name} must be an object.")
    for name in ("Parameters", "Outputs", "Mappings", "Rules"):
        for key, each in template.section(name).items():
            if not isinstance(each, dict):
                raise BadTemplate(f"Template format error: [/{name}/{key}] must be an object")


def _check_resource(name: str, resource: Any) -> None:
    if not name.isalnum():
        raise BadTemplate(f"Template format error: Resource name {name} is non alphanumeric.")
    if not isinstance(resource, dict):
        raise BadTemplate(f"Template format error: [/Resources/{name}] must be an object")
    given = cast(Json, resource)
    if not isinstance(given.get("Type"), str):
        raise BadTemplate(
            f"Template format error: [/Resources/{name}] Every Resources object must contain a "
            "Type member."
        )
    for key in ("Properties", "Metadata"):
        if not isinstance(given.get(key) or {}, dict):
            raise BadTemplate(f"Template format error: [/Resources/{name}/{key}] must be an object")
    unknown = [key for key in given if key not in _RESOURCE]
    # SAM's own resources have attributes that its transform takes away.
    if unknown and not given["Type"].startswith("AWS::Serverless::"):
        raise BadTemplate(f"Invalid template resource property '{unknown[0]}'")
    _check_policies(name, given)


def _check_policies(name: str, given: Json) -> None:
    for key in ("CreationPolicy", "UpdatePolicy"):
        if given.get(key):
            raise BadTemplate(f"[/Resources/{name}/{key}] {key} is not supported here")
    for key in ("DeletionPolicy", "UpdateReplacePolicy"):
        value = given.get(key)
        if isinstance(value, str) and value not in _POLICIES:
            raise BadTemplate(f"Template error: Unrecognized {key} {value} for resource {name}")


def _place(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or str(error)
    return f"({said})" if mark is None else f"(line {mark.line + 1}, column {mark.column + 1})"


class _Loader(yaml.CSafeLoader):
    """Short forms become long ones; dates stay text."""


def _tagged(loader: Any, suffix: str, node: Any) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix == "GetAtt":
        return {"Fn::GetAtt": value.split(".", 1) if isinstance(value, str) else value}
    if suffix in _SHORT:
        return {f"Fn::{suffix}": value}
    raise yaml.constructor.ConstructorError(None, None, f"unknown tag !{suffix}", node.start_mark)


def _mapping(loader: Any, node: Any) -> Json:
    found: Json = {}
    for key_node, value_node in node.value:
        key: Any = loader.construct_object(key_node, deep=True)
        name = key if isinstance(key, str) else key_node.value
        if name in found:
            raise yaml.constructor.ConstructorError(
                None, None, f"found duplicate key {name}", key_node.start_mark
            )
        found[name] = loader.construct_object(value_node, deep=True)
    return found


cast(Any, _Loader).add_multi_constructor("!", _tagged)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: node.value)


def _yaml(text: str) -> Any:
    events = cast(Any, yaml).parse(text, Loader=yaml.CSafeLoader)
    if any(isinstance(event, yaml.AliasEvent) for event in events):
        raise ValueError("YAML aliases are not allowed in CloudFormation templates")
    return cast(Any, yaml).load(text, Loader=_Loader)
