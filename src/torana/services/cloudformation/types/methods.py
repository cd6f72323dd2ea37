"""`AWS::ApiGateway::Method`: a method with its responses, its integration and what that answers."""

from typing import Any, cast

from torana.services.cloudformation.calls import Refused
from torana.services.cloudformation.faults import Unmade
from torana.services.cloudformation.shaping import shaped
from torana.services.cloudformation.types.kind import Json, Kind, Made, Task

_S = "apigateway"
_PARTS = ("Integration", "MethodResponses")


def _place(task: Task, properties: Json) -> Json:
    found: Json = {}
    for name in ("RestApiId", "ResourceId", "HttpMethod"):
        if not properties.get(name):
            raise Unmade(f"Properties validation failed: #: required key [{name}] not found")
        found[name] = properties[name]
    return found


async def _create(task: Task) -> Made:
    given = task.properties
    place = _place(task, given)
    own = {name: each for name, each in given.items() if name not in _PARTS}
    own.setdefault("AuthorizationType", "NONE")
    await task.calls(_S, "PutMethod", **shaped(_S, "PutMethod", own))
    task.made = Made(task.made.id or task.name(128))
    for each in cast(list[Json], given.get("MethodResponses") or []):
        await task.calls(
            _S, "PutMethodResponse", **shaped(_S, "PutMethodResponse", {**place, **each})
        )
    integration: Any = given.get("Integration")
    if integration:
        await _integrate(task, place, cast(Json, integration))
    return task.made


async def _integrate(task: Task, place: Json, integration: Json) -> None:
    responses = cast(list[Json], integration.get("IntegrationResponses") or [])
    own = {name: each for name, each in integration.items() if name != "IntegrationResponses"}
    await task.calls(_S, "PutIntegration", **shaped(_S, "PutIntegration", {**place, **own}))
    for each in responses:
        asked = shaped(_S, "PutIntegrationResponse", {**place, **each})
        await task.calls(_S, "PutIntegrationResponse", **asked)


async def _delete(task: Task) -> None:
    place = shaped(_S, "DeleteMethod", _place(task, task.properties))
    try:
        await task.calls(_S, "DeleteMethod", **place)
    except Refused as error:
        if not error.gone:
            raise


async def _update(task: Task) -> Made:
    """Anew: no deployment sees it before it is whole."""
    await _delete(task)
    return await _create(task)


METHOD = Kind(
    _create,
    _delete,
    _update,
    keeps=lambda name: name not in ("RestApiId", "ResourceId", "HttpMethod"),
)
