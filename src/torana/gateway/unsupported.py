"""What the model can say and the data plane does not do: refused by name, never passed over."""

from collections.abc import Iterator

from torana.gateway.errors import InvalidApi
from torana.gateway.settings import method_settings
from torana.model.rest import RestApi, Stage


def refuse(api: RestApi, stage: Stage) -> None:
    """Raises `InvalidApi` that names everything of the kind."""
    found = list(dict.fromkeys([*_of_stage(stage), *_of_methods(api, stage)]))
    if found:
        raise InvalidApi(f"{api.name}, stage {stage.stage_name}: " + "; ".join(found))


def _of_stage(stage: Stage) -> Iterator[str]:
    if stage.tracing_enabled:
        yield "X-Ray tracing is not there yet: set tracingEnabled to false"
    if stage.web_acl_arn:
        yield "web ACLs are not there yet: take webAclArn out"


def _of_methods(api: RestApi, stage: Stage) -> Iterator[str]:
    for method in api.methods:
        settings = method_settings(stage, method)
        if settings.logging_level != "OFF" or settings.data_trace_enabled:
            yield "execution logs are not there yet: set loggingLevel to OFF, dataTrace to false"
