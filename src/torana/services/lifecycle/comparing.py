"""Definitions side by side: documents, stages, deployments."""

import asyncio
from collections.abc import Callable

import msgspec

from torana.model.rest import Stage
from torana.net.pauses import with_pauses
from torana.openapi import write, write_http
from torana.openapi.compare import Change, breaks
from torana.openapi.spot import SyntaxMistake
from torana.services.apigateway.assemble import restoring
from torana.services.apigateway.book import DEPLOYMENT, STAGE, Book, Json, Sheet
from torana.services.apigateway.faults import bad, not_found
from torana.services.apigatewayv2 import book as v2
from torana.services.apigatewayv2.snapshot import SNAPSHOT, http_api
from torana.services.ports import Call
from torana.services.promises import compared


class Comparing:
    """`source` gives the text of the file that defines a stage."""

    def __init__(self, book: Book, source: Callable[[str, str], str | None]) -> None:
        self._book, self._source = book, source

    async def CompareDefinitions(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await self.compare(sheet, params["old"], params["new"])
            changes = [msgspec.to_builtins(each) for each in found]
            return {"breaking": breaks(found), "changes": changes}

        return await self._book.read(work)

    async def compare(self, sheet: Sheet, old: Json, new: Json) -> tuple[Change, ...]:
        """Raises the service's error for what is not there, or cannot be read."""
        texts = [await self._text(sheet, each) for each in (old, new)]
        try:
            return await asyncio.to_thread(compared, *texts)
        except SyntaxMistake as error:
            raise bad(f"line {error.spot.line}: {error}") from error

    async def _text(self, sheet: Sheet, given: Json) -> str:
        """Of a definition that is given by its text, by a stage, or by a deployment."""
        if given.get("document"):
            return given["document"]
        api_id, stage, id = (given.get(name) or "" for name in ("apiId", "stage", "deploymentId"))
        if not api_id or not (stage or id):
            raise bad("A definition is a document, or an apiId with a stage or a deploymentId")
        found = self._source(api_id, stage) if stage else None
        found = found or await self._rest(sheet, api_id, stage, id)
        found = found or await self._http(sheet, api_id, stage, id)
        if found is None:
            raise not_found(f"There is no {api_id}/{stage or id}")
        return found

    async def _rest(self, sheet: Sheet, api_id: str, stage: str, id: str) -> str | None:
        if stage:
            id = (await sheet.get(STAGE, f"{api_id}/{stage}") or {}).get("deploymentId", "")
        deployment = await sheet.get(DEPLOYMENT, f"{api_id}/{id}") if id else None
        if deployment is None:
            return None
        return await asyncio.to_thread(write, await with_pauses(restoring(deployment)), Stage())

    async def _http(self, sheet: Sheet, api_id: str, stage: str, id: str) -> str | None:
        if stage:
            id = (await sheet.get(v2.STAGE, f"{api_id}/{stage}") or {}).get("DeploymentId", "")
        deployment = await sheet.get(v2.DEPLOYMENT, f"{api_id}/{id}") if id else None
        if deployment is None or deployment[SNAPSHOT]["ProtocolType"] != "HTTP":
            return None
        return await asyncio.to_thread(write_http, http_api(deployment[SNAPSHOT]))
