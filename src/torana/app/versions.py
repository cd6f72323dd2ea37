"""What is said of the versions of APIs, and which there are."""

from collections.abc import Callable
from typing import Any

import msgspec

from torana.gateway.locate import Table, local_address
from torana.model.lifecycle import Lifecycle
from torana.services.apigateway.plane import Version


def reader(
    find: Callable[[str], dict[str, Any] | None],
) -> Callable[[str, str], Lifecycle | None]:
    """`find` gives what was said at run time, by `{api}/{stage}`."""

    def read(api_id: str, stage: str) -> Lifecycle | None:
        found = find(f"{api_id}/{stage}")
        return None if found is None else msgspec.convert(found, Lifecycle)

    return read


def served(table: Table) -> list[Version]:
    """Those of a table, by API and stage."""
    return [
        Version(
            id,
            stage,
            live.plan.to.api.name,
            live.plan.to.api.version,
            "HTTP" if live.plan.http else "REST",
            local_address(id, stage, live),
            live.plan.to.api.lifecycle,
        )
        for (id, stage), live in sorted(table.stages.items())
    ]
