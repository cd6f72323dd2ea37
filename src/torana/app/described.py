"""What is served and what was deployed, as who runs the gateway reads it."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torana.app.definitions import Source
from torana.gateway.locate import Table
from torana.model.rest import RestApi, Stage
from torana.net.pauses import with_pauses
from torana.openapi import write
from torana.services.apigateway.assemble import assemble, restoring
from torana.services.apigateway.book import API, DEPLOYMENT, Book, Sheet
from torana.state.store import Store


def described(files: Mapping[tuple[str, str], Source], served: Table) -> list[Mapping[str, Any]]:
    """`files`: what the stages that come from files were read from."""
    found: list[Mapping[str, Any]] = []
    for (api_id, stage), live in sorted(served.stages.items()):
        api = live.plan.to.api
        source = files.get((api_id, stage))
        served_methods = (route.to.method for route in live.plan.routes)
        methods = [
            {
                "method": method.http_method,
                "path": method.path,
                "integration": method.integration.type,
                "authorization": method.authorization_type,
                "apiKey": method.api_key_required,
            }
            for method in served_methods
        ]
        found.append(
            {
                "api": api_id,
                "name": api.name,
                "stage": stage,
                "kind": "HTTP" if live.plan.http else "REST",
                "file": Path(source.name).name if source else None,
                "document": source.text if source else None,
                "methods": methods,
            }
        )
    return found


async def definition(store: Store, api_id: str, deployment: str | None) -> str | None:
    """An API as OpenAPI in YAML: as it was deployed, or as it is now. None: there is none.

    Raises `ServiceError` for one that could not be deployed.
    """

    async def work(sheet: Sheet) -> RestApi | None:
        if deployment is not None:
            kept = await sheet.get(DEPLOYMENT, f"{api_id}/{deployment}")
            return None if kept is None else await with_pauses(restoring(kept))
        api = await sheet.get(API, api_id)
        return None if api is None else await assemble(sheet, api)

    api = await Book(store).read(work)
    if api is None:
        return None
    return await asyncio.to_thread(
        write, api, Stage(), format="oas30", extensions=["apigateway"], syntax="yaml"
    )
