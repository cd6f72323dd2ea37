"""From an API to its stages: deployments, those made by hand and those that stages make themselves.

An edit of an API and the deployments that follow from it are one commit. What cannot be served is
not deployed: the stage says why, and the deployment before goes on.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import time
from typing import TypeVar
from weakref import WeakValueDictionary

import msgspec

from torana.model.lifecycle import Lifecycle
from torana.openapi import write_http
from torana.services.apigateway.faults import bad
from torana.services.apigateway.plane import Deploy
from torana.services.apigatewayv2.book import (
    DEPLOYMENT,
    LIFECYCLE,
    STAGE,
    Book,
    Json,
    Sheet,
    new_id,
    part,
    parts,
    the_api,
)
from torana.services.apigatewayv2.snapshot import SNAPSHOT, http_api, snapshot
from torana.services.ports import Call
from torana.services.promises import Definition, Policy, broken

T = TypeVar("T")

NO_ROUTES = "Unable to deploy API because at least one route is required in this API"


class Deploying:
    """Edits of APIs, and what is deployed of them."""

    def __init__(self, book: Book, check: Deploy, breaking: Policy = "allow") -> None:
        """`check` tries to compile what is to be served."""
        self.book, self._check = book, check
        self._breaking: Policy = breaking
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """Edits of one API take turns, so that many at once need not begin anew time and again."""

    async def edit(self, call: Call, api_id: str, work: Callable[[Sheet, Json], Awaitable[T]]) -> T:
        """Change an API, and deploy it to the stages that deploy by themselves."""

        async def whole(sheet: Sheet) -> T:
            api = await the_api(sheet, call, api_id)
            done = await work(sheet, api)
            for stage in await parts(sheet, STAGE, api_id):
                if stage["AutoDeploy"]:
                    await self.follow(sheet, api, stage)
            return done

        turn = self._turns.get(api_id)
        if turn is None:
            turn = self._turns[api_id] = asyncio.Lock()
        async with turn:
            return await self.book.edit(call, whole)

    async def follow(self, sheet: Sheet, api: Json, stage: Json) -> None:
        """Deploy an API, as it is now, to a stage that deploys by itself."""
        found = await snapshot(sheet, api)
        why = await self.refusal(found, stage) or await self._broken(sheet, found, stage)
        if why is not None:
            stage["LastDeploymentStatusMessage"] = f"Deployment attempt failed: {why}"
        else:
            before = stage.get("DeploymentId")
            deployment = self.put(sheet, found, "Automatic deployment triggered by changes", True)
            stage["DeploymentId"] = deployment["DeploymentId"]
            stage["LastDeploymentStatusMessage"] = (
                f"Successfully deployed stage with deployment ID '{stage['DeploymentId']}'"
            )
            await _drop(sheet, api["ApiId"], stage["StageName"], before)
        stage["LastUpdatedDate"] = int(time())
        await place(sheet, api, stage)

    def put(self, sheet: Sheet, found: Json, description: str, automatic: bool) -> Json:
        """Write a deployment."""
        made: Json = {
            "DeploymentId": new_id(6),
            "CreatedDate": int(time()),
            "AutoDeployed": automatic,
            "DeploymentStatus": "DEPLOYED",
            SNAPSHOT: found,
        }
        if description:
            made["Description"] = description
        sheet.put(DEPLOYMENT, f"{found['ApiId']}/{made['DeploymentId']}", made)
        return made

    async def refusal(self, found: Json, stage: Json) -> str | None:
        """Why a stage cannot serve an API, or None."""
        if not found["Routes"]:
            return NO_ROUTES
        return await self._check(found, stage)

    async def _broken(self, sheet: Sheet, found: Json, stage: Json) -> str | None:
        """Why what is to be deployed may not take the place of what a published stage has."""
        id = f"{found['ApiId']}/{stage['StageName']}"
        own = await sheet.get(LIFECYCLE, id) or found.get("Lifecycle")
        deployed = (await sheet.get(STAGE, id) or {}).get("DeploymentId")
        if own is None or not deployed or self._breaking == "allow":
            return None
        before = await part(sheet, DEPLOYMENT, found["ApiId"], deployed)
        old, new = _definition(before[SNAPSHOT]), _definition(found)
        return await broken(self._breaking, id, msgspec.convert(own, Lifecycle), old, new)

    async def save(self, sheet: Sheet, api: Json, stage: Json, found: Json | None = None) -> None:
        """Write a stage that can be served; `found`: its deployment's snapshot, where that is not
        written yet. Raises the service's error."""
        why = None if found is None else await self._broken(sheet, found, stage)
        if found is None and stage.get("DeploymentId"):
            deployment = await part(sheet, DEPLOYMENT, api["ApiId"], stage["DeploymentId"])
            found = deployment[SNAPSHOT]
        why = why or (None if found is None else await self.refusal(found, stage))
        if why is not None:
            raise bad(why)
        await place(sheet, api, stage)


def _definition(found: Json) -> Definition:
    return Definition(found.get("Version") or "", lambda: write_http(http_api(found)))


async def place(sheet: Sheet, api: Json, stage: Json) -> None:
    """Write a stage, whether it is there already or not."""
    id = f"{api['ApiId']}/{stage['StageName']}"
    await sheet.get(STAGE, id)
    sheet.put(STAGE, id, stage)


async def _drop(sheet: Sheet, api_id: str, stage: str, deployment: str | None) -> None:
    """Forget the deployment that a stage had made before, unless another stage uses it."""
    if not deployment:
        return
    before = await sheet.get(DEPLOYMENT, f"{api_id}/{deployment}")
    used = any(
        each.get("DeploymentId") == deployment and each["StageName"] != stage
        for each in await parts(sheet, STAGE, api_id)
    )
    if before is not None and before["AutoDeployed"] and not used:
        sheet.delete(DEPLOYMENT, f"{api_id}/{deployment}")
