"""What the model can say and the data plane does not do: refused by name, never passed over."""

from collections.abc import Iterator

from torana.gateway.errors import InvalidApi
from torana.model.rest import RestApi, Stage


def refuse(api: RestApi, stage: Stage) -> None:
    """Raises `InvalidApi` that names everything of the kind."""
    found = list(_of_stage(stage))
    if found:
        raise InvalidApi(f"{api.name}, stage {stage.stage_name}: " + "; ".join(found))


def _of_stage(stage: Stage) -> Iterator[str]:
    if stage.tracing_enabled:
        yield "X-Ray tracing is not there yet: set tracingEnabled to false"
