"""Operations that look at templates, and at what stacks export and import.

Source: AWS CloudFormation API Reference.
"""

import json

from torana.services.cloudformation.asked import template
from torana.services.cloudformation.change_sets import ChangeSets
from torana.services.cloudformation.described import page
from torana.services.cloudformation.exports import Exports
from torana.services.cloudformation.faults import BadTemplate, Unmade, invalid
from torana.services.cloudformation.intrinsics import Scope
from torana.services.cloudformation.parameters import secret
from torana.services.cloudformation.prepare import capabilities, check_names
from torana.services.cloudformation.records import Json, Wanted
from torana.services.cloudformation.scope import pseudo
from torana.services.cloudformation.shelf import Shelf
from torana.services.cloudformation.stacks import new_stack
from torana.services.cloudformation.template import Template, read
from torana.services.cloudformation.transforms import CAPABILITY
from torana.services.cloudformation.who import Callers
from torana.services.ports import Call


class Templates:
    """Reads only."""

    def __init__(self, shelf: Shelf, callers: Callers, change_sets: ChangeSets) -> None:
        self._shelf, self._callers, self._exports = shelf, callers, Exports(shelf)
        self._change_sets = change_sets

    async def GetTemplate(self, call: Call, params: Json) -> Json:
        """As it was given, or after its transforms."""
        wanted = await self._wanted(params)
        if wanted is None:
            # A stack that is only proposed has nothing in it.
            return {"TemplateBody": "{}", "StagesAvailable": ["Original", "Processed"]}
        stages = ["Original"]
        text = wanted.template
        if "Transform" in read(wanted.template).whole:
            stages.append("Processed")
            if params.get("TemplateStage") == "Processed":
                text = json.dumps(wanted.processed, indent=2)
        return {"TemplateBody": text, "StagesAvailable": stages}

    async def _wanted(self, params: Json) -> Wanted | None:
        """Of a stack, or of a change set."""
        if not params.get("ChangeSetName"):
            return (await self._shelf.find(params.get("StackName") or "")).wanted
        made, _ = await self._change_sets.find(params)
        return made.wanted

    async def ValidateTemplate(self, call: Call, params: Json) -> Json:
        """Its parameters, if it is sound."""
        found = await self._read(call, params)
        self._check(call, found)
        shown: Json = {
            "Parameters": [
                {
                    "ParameterKey": name,
                    **({"DefaultValue": str(each["Default"])} if "Default" in each else {}),
                    "NoEcho": secret(each),
                    **({"Description": each["Description"]} if each.get("Description") else {}),
                }
                for name, each in found.section("Parameters").items()
            ],
            **_needs(found),
        }
        if found.whole.get("Description"):
            shown["Description"] = found.whole["Description"]
        return shown

    async def GetTemplateSummary(self, call: Call, params: Json) -> Json:
        """What is in a template, or in a stack's."""
        if params.get("StackName"):
            stack = await self._shelf.find(params["StackName"])
            if stack.wanted is None:
                raise invalid(f"Stack with id {stack.name} has no template yet")
            found = read(stack.wanted.template)
        else:
            found = await self._read(call, params)
        shown: Json = {
            "Parameters": [
                _declared(name, each) for name, each in found.section("Parameters").items()
            ],
            **_needs(found),
            "ResourceTypes": sorted({each["Type"] for each in found.resources.values()}),
            "Version": found.whole.get("AWSTemplateFormatVersion") or "2010-09-09",
        }
        if found.whole.get("Description"):
            shown["Description"] = found.whole["Description"]
        if found.whole.get("Metadata"):
            shown["Metadata"] = json.dumps(found.whole["Metadata"])
        return shown

    async def ListExports(self, call: Call, params: Json) -> Json:
        """All, by name."""
        shown = [
            {"ExportingStackId": each.stack, "Name": each.name, "Value": each.value}
            for each in await self._exports.all()
        ]
        return page(shown, params, "Exports")

    async def ListImports(self, call: Call, params: Json) -> Json:
        """The stacks that import an export."""
        name = params["ExportName"]
        if name not in await self._exports.values():
            raise invalid(f"Export '{name}' does not exist.")
        users = await self._exports.importers(name)
        if not users:
            raise invalid(f"Export '{name}' is not imported by any stack.")
        return page(users, params, "Imports")

    async def _read(self, call: Call, params: Json) -> Template:
        stack = new_stack(call, "none", "")
        try:
            calls = self._callers.calls(self._callers.of(call), stack.arn)
            return read(await template(calls, params))
        except (BadTemplate, Unmade) as error:
            raise invalid(str(error)) from None

    def _check(self, call: Call, found: Template) -> None:
        if found.transforms:
            return
        values = pseudo(new_stack(call, "none", "")) | found.section("Parameters")
        nowhere = Scope(values, lambda name: name, lambda name, attribute: name)
        nowhere.conditions = dict.fromkeys(found.section("Conditions"), True)
        try:
            check_names(found, nowhere)
        except BadTemplate as error:
            raise invalid(str(error)) from None


def _declared(name: str, about: Json) -> Json:
    shown: Json = {
        "ParameterKey": name,
        "ParameterType": about.get("Type") or "String",
        "NoEcho": secret(about),
        "ParameterConstraints": {},
    }
    if "Default" in about:
        shown["DefaultValue"] = str(about["Default"])
    if about.get("Description"):
        shown["Description"] = about["Description"]
    if about.get("AllowedValues"):
        shown["ParameterConstraints"] = {"AllowedValues": [str(v) for v in about["AllowedValues"]]}
    return shown


def _needs(found: Template) -> Json:
    wanted, types = capabilities(found)
    shown: Json = {}
    if types:
        reason = f"The following resource(s) require capabilities: [{', '.join(types)}]"
        shown = {"Capabilities": wanted, "CapabilitiesReason": reason}
    if found.transforms:
        shown["DeclaredTransforms"] = found.transforms
        shown["Capabilities"] = [*shown.get("Capabilities", []), CAPABILITY]
    return shown
