"""Operations that show stacks, their resources and events."""

from typing import Any

from torana.services.cloudformation import parameters as given_parameters
from torana.services.cloudformation.faults import invalid
from torana.services.cloudformation.records import Json, Resource, Stack, Wanted
from torana.services.cloudformation.shelf import Shelf
from torana.services.given import items
from torana.services.members import part
from torana.services.moments import moment
from torana.services.ports import Call

_PAGE = 100


class Described:
    """Reads only."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def DescribeStacks(self, call: Call, params: Json) -> Json:
        """One, or all that are not deleted."""
        if params.get("StackName"):
            return {"Stacks": [self._shown(await self._shelf.find(params["StackName"]))]}
        found = [each for each in await self._shelf.stacks() if not each.deleted]
        return page([self._shown(each) for each in found], params, "Stacks")

    async def ListStacks(self, call: Call, params: Json) -> Json:
        """All, deleted ones too, by status."""
        wanted = set(items(params, "StackStatusFilter"))
        found = [each for each in await self._shelf.stacks() if not wanted or each.status in wanted]
        return page([_summary(each) for each in found], params, "StackSummaries")

    async def DescribeStackEvents(self, call: Call, params: Json) -> Json:
        """The newest first."""
        stack = await self._shelf.find(params.get("StackName") or "")
        shown = [
            {
                "StackId": stack.arn,
                "EventId": each.id,
                "StackName": stack.name,
                "LogicalResourceId": each.logical,
                "PhysicalResourceId": each.physical,
                "ResourceType": each.type,
                "Timestamp": moment(each.time),
                "ResourceStatus": each.status,
                **({"ResourceStatusReason": each.reason} if each.reason else {}),
                **({"ResourceProperties": each.properties} if each.properties else {}),
                **({"ClientRequestToken": each.token} if each.token else {}),
            }
            for _, each in await self._shelf.events(stack.id)
        ]
        return page(shown, params, "StackEvents")

    async def DescribeStackResource(self, call: Call, params: Json) -> Json:
        """One."""
        stack, found = await self._resources(params["StackName"])
        name = params["LogicalResourceId"]
        if name not in found:
            raise invalid(f"Resource {name} does not exist for stack {stack.name}")
        shown = _detail(stack, found[name], "LastUpdatedTimestamp")
        if found[name].metadata:
            shown["Metadata"] = found[name].metadata
        return {"StackResourceDetail": shown}

    async def DescribeStackResources(self, call: Call, params: Json) -> Json:
        """Of a stack, or of the stack that a resource belongs to."""
        name, physical = params.get("StackName"), params.get("PhysicalResourceId")
        if not name:
            name = await self._owner(physical)
        stack, found = await self._resources(name)
        wanted = params.get("LogicalResourceId")
        return {
            "StackResources": [
                _detail(stack, each, "Timestamp")
                for each in found.values()
                if not wanted or each.logical == wanted
            ]
        }

    async def _owner(self, physical: str | None) -> str:
        if not physical:
            raise invalid("StackName or PhysicalResourceId must be specified")
        for stack in await self._shelf.stacks():
            for each in (await self._shelf.resources(stack.id)).values():
                if each.now is not None and each.now.id == physical:
                    return stack.arn
        raise invalid(f"Stack for {physical} does not exist")

    async def ListStackResources(self, call: Call, params: Json) -> Json:
        """By logical id."""
        stack, found = await self._resources(params["StackName"])
        shown: list[Json] = []
        for each in found.values():
            one = _detail(stack, each, "LastUpdatedTimestamp")
            del one["StackName"], one["StackId"]
            shown.append(one)
        return page(shown, params, "StackResourceSummaries")

    async def _resources(self, name: str) -> tuple[Stack, dict[str, Resource]]:
        stack = await self._shelf.find(name)
        return stack, await self._shelf.resources(stack.id)

    def _shown(self, stack: Stack) -> Json:
        wanted = stack.wanted
        shown: Json = {
            "StackId": stack.arn,
            "StackName": stack.name,
            "Description": stack.description or None,
            "ChangeSetId": stack.change_set or None,
            "Parameters": self.parameters(wanted),
            "CreationTime": moment(stack.created),
            "LastUpdatedTime": moment(stack.updated) if stack.updated else None,
            "DeletionTime": moment(stack.deleted) if stack.deleted else None,
            "RollbackConfiguration": {},
            "StackStatus": stack.status,
            "StackStatusReason": stack.reason or None,
            "DisableRollback": stack.no_rollback,
            "NotificationARNs": [],
            "TimeoutInMinutes": stack.timeout or None,
            "Capabilities": list(wanted.capabilities) if wanted else [],
            "Outputs": list(stack.outputs),
            "RoleARN": (wanted.role if wanted else "") or None,
            "Tags": tags(wanted),
            "EnableTerminationProtection": stack.protected,
            "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
        }
        return {name: value for name, value in shown.items() if value is not None}

    def parameters(self, wanted: Wanted | None) -> list[Json]:
        """As they may be shown."""
        if wanted is None:
            return []
        declared, values = part(wanted.processed, "Parameters"), self._shelf.values(wanted)
        return [
            {
                "ParameterKey": name,
                "ParameterValue": value,
                **({"ResolvedValue": values.resolved[name]} if name in values.resolved else {}),
            }
            for name, value in given_parameters.shown(declared, values.given).items()
        ]


def tags(wanted: Wanted | None) -> list[Json]:
    """As pairs."""
    return [{"Key": k, "Value": v} for k, v in (wanted.tags if wanted else {}).items()]


def _summary(stack: Stack) -> Json:
    shown: Json = {
        "StackId": stack.arn,
        "StackName": stack.name,
        "TemplateDescription": stack.description or None,
        "CreationTime": moment(stack.created),
        "LastUpdatedTime": moment(stack.updated) if stack.updated else None,
        "DeletionTime": moment(stack.deleted) if stack.deleted else None,
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason or None,
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
    }
    return {name: value for name, value in shown.items() if value is not None}


def _detail(stack: Stack, each: Resource, when: str) -> Json:
    shown: Json = {
        "StackName": stack.name,
        "StackId": stack.arn,
        "LogicalResourceId": each.logical,
        "PhysicalResourceId": each.now.id if each.now else None,
        "ResourceType": each.type,
        when: moment(each.time),
        "ResourceStatus": each.status,
        "ResourceStatusReason": each.reason or None,
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }
    return {name: value for name, value in shown.items() if value is not None}


def page(items: list[Any], params: Json, member: str) -> Json:
    """A page of a list. Raises the service's error for a token that was not given out."""
    token = params.get("NextToken") or "0"
    if not token.isdigit():
        raise invalid("Invalid NextToken")
    start = int(token)
    shown: Json = {member: items[start : start + _PAGE]}
    if len(items) > start + _PAGE:
        shown["NextToken"] = str(start + _PAGE)
    return shown
