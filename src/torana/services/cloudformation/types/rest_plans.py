"""API keys and usage plans."""

from typing import Any, cast

from torana.services.cloudformation.calls import Refused
from torana.services.cloudformation.types.kind import Json, Kind, Named, Task
from torana.services.cloudformation.types.plain import Patches, escaped, plain, seen
from torana.services.cloudformation.types.rest_tags import tagging
from torana.services.members import part

_S = "apigateway"


def _stages_of(before: Json, after: Json) -> list[Json]:
    """Of a usage plan."""

    def keyed(document: Json) -> dict[str, Any]:
        stages = cast(list[Json], document.get("ApiStages") or [])
        return {f"{each.get('ApiId')}:{each.get('Stage')}": each for each in stages}

    was, wanted = keyed(before), keyed(after)
    # Removing what is not there is no error, and makes adding it again none either.
    made = [
        {"op": "remove", "path": "/apiStages", "value": key}
        for key in {**was, **wanted}
        if wanted.get(key) != was.get(key)
    ]
    for key, each in wanted.items():
        if was.get(key) == each:
            continue
        made.append({"op": "add", "path": "/apiStages", "value": key})
        for path, limit in part(each, "Throttle").items():
            at = f"/apiStages/{escaped(key)}/throttle{path if path[:1] == '/' else '/' + path}"
            for name, member in (("RateLimit", "rateLimit"), ("BurstLimit", "burstLimit")):
                if limit.get(name) is not None:
                    value = str(limit[name])
                    made.append({"op": "replace", "path": f"{at}/{member}", "value": value})
    return made + _limits(before, after, "Throttle") + _limits(before, after, "Quota")


def _limits(before: Json, after: Json, name: str) -> list[Json]:
    was, wanted, path = before.get(name), after.get(name), f"/{name.lower()}"
    if was == wanted:
        return []
    if not wanted:
        return [{"op": "remove", "path": path}]
    return [
        {"op": "replace", "path": f"{path}/{key[0].lower()}{key[1:]}", "value": str(value)}
        for key, value in wanted.items()
    ]


_PLAIN_PLAN = plain(
    _S,
    "CreateUsagePlan",
    "{out.id}",
    attributes={"Id": "{out.id}"},
    delete=("DeleteUsagePlan", {"usagePlanId": "{ref}"}),
    update=Patches(
        ("UpdateUsagePlan", {"usagePlanId": "{ref}"}),
        {"UsagePlanName": "/name", "Description": "/description"},
        _stages_of,
        frozenset({"ApiStages", "Throttle", "Quota"}),
    ),
    see=seen(_S, ("GetUsagePlans", {"limit": "500"}), "items", "{out.id}"),
    names={"UsagePlanName": "name"},
    named=Named("UsagePlanName", 128),
    shared=True,
    tags="Tags",
    tagging=tagging("usageplans/{ref}"),
)


async def _delete_plan(task: Task) -> None:
    """The service wants its stages gone first."""
    gone = _stages_of(task.properties, {})
    stages = [each for each in gone if each["path"] == "/apiStages"]
    if stages:
        try:
            await task.calls(
                _S, "UpdateUsagePlan", usagePlanId=task.made.id, patchOperations=stages
            )
        except Refused as error:
            if not error.gone:
                raise
    await _PLAIN_PLAN.delete(task)


_USAGE_PLAN = Kind(
    _PLAIN_PLAN.create,
    _delete_plan,
    _PLAIN_PLAN.update,
    keeps=_PLAIN_PLAN.keeps,
    attributes=_PLAIN_PLAN.attributes,
    see=_PLAIN_PLAN.see,
    named=_PLAIN_PLAN.named,
)


PLANS: dict[str, Kind] = {
    "ApiKey": plain(
        _S,
        "CreateApiKey",
        "{out.id}",
        attributes={"APIKeyId": "{out.id}"},
        delete=("DeleteApiKey", {"apiKey": "{ref}"}),
        update=Patches(
            ("UpdateApiKey", {"apiKey": "{ref}"}),
            {
                "Description": "/description",
                "Enabled": "/enabled",
                "CustomerId": "-/customerId",
            },
        ),
        see=seen(_S, ("GetApiKeys", {"limit": "500"}), "items", "{out.id}"),
        named=Named("Name", 128),
        shared=True,
        tags="Tags",
        tagging=tagging("apikeys/{ref}"),
        replaces="Name",
    ),
    "UsagePlan": _USAGE_PLAN,
    "UsagePlanKey": plain(
        _S,
        "CreateUsagePlanKey",
        "{out.id}:{prop.UsagePlanId}",
        attributes={"Id": "{out.id}:{prop.UsagePlanId}"},
        delete=(
            "DeleteUsagePlanKey",
            {"usagePlanId": "{prop.UsagePlanId}", "keyId": "{prop.KeyId}"},
        ),
    ),
}
