"""Stacks within stacks, and what only says something to tools.

Source: AWS CloudFormation Template Reference, "AWS::CloudFormation::Stack".
"""

import asyncio
from typing import Any, cast

from torana.services.cloudformation.calls import Refused
from torana.services.cloudformation.faults import Unmade
from torana.services.cloudformation.shaping import text
from torana.services.cloudformation.types.kind import Json, Kind, Made, Task, refuse
from torana.services.members import part

_S = "cloudformation"
_ALL = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
"""The caller acknowledged for the whole."""


def _asked(task: Task) -> Json:
    refuse(task.properties, "NotificationARNs")
    given = part(task.properties, "Parameters")
    own = task.all_tags(task.properties.get("Tags"))
    return {
        "TemplateURL": task.properties["TemplateURL"],
        "Capabilities": _ALL,
        "Parameters": [
            {
                "ParameterKey": name,
                "ParameterValue": ",".join(map(str, cast(list[Any], each)))
                if isinstance(each, list)
                else text(each),
            }
            for name, each in given.items()
        ],
        "Tags": [{"Key": k, "Value": v} for k, v in own.items() if not k.startswith("aws:")],
    }


async def _settled(task: Task, *good: str) -> Json:
    """The stack once it is at rest. Raises `Unmade`."""
    pause = 0.05
    while True:
        out = await task.calls(_S, "DescribeStacks", StackName=task.made.id)
        found = cast(Json, out["Stacks"][0])
        status = str(found["StackStatus"])
        if status in good:
            return found
        if not status.endswith("_IN_PROGRESS"):
            why = found.get("StackStatusReason") or status
            raise Unmade(f"Embedded stack {task.made.id} was not successfully created: {why}")
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 2.0)


def _made(id: str, found: Json) -> Made:
    outputs = cast(list[Json], found.get("Outputs") or [])
    return Made(id, {f"Outputs.{each['OutputKey']}": each["OutputValue"] for each in outputs})


async def _create(task: Task) -> Made:
    asked = _asked(task)
    if task.properties.get("TimeoutInMinutes"):
        asked["TimeoutInMinutes"] = int(task.properties["TimeoutInMinutes"])
    name = task.name(128)
    out = await task.calls(_S, "CreateStack", StackName=name, **asked)
    task.made = Made(str(out["StackId"]))
    return _made(task.made.id, await _settled(task, "CREATE_COMPLETE"))


async def _update(task: Task) -> Made:
    try:
        await task.calls(_S, "UpdateStack", StackName=task.made.id, **_asked(task))
    except Refused as error:
        if "No updates are to be performed" not in error.message:
            raise
    done = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
    return _made(task.made.id, await _settled(task, *done[:2]))


async def _delete(task: Task) -> None:
    await task.calls(_S, "DeleteStack", StackName=task.made.id)
    await _settled(task, "DELETE_COMPLETE")


async def _see(task: Task) -> set[str]:
    try:
        out = await task.calls(_S, "DescribeStacks", StackName=task.name(128))
    except Refused as error:
        if error.gone:
            return set()
        raise
    return {str(each["StackId"]) for each in out["Stacks"]}


async def _nothing(task: Task) -> Made:
    return Made(task.made.id or task.name(128))


async def _leave(task: Task) -> None:
    del task


CLOUDFORMATION: dict[str, Kind] = {
    "Stack": Kind(
        _create,
        _delete,
        _update,
        attributes=frozenset({"*"}),
        see=_see,
    ),
}
CDK: dict[str, Kind] = {"Metadata": Kind(_nothing, _leave, _nothing)}
