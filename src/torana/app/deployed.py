"""Deployments of `apigatewayv2` as they are served, by protocol."""

from collections.abc import Callable, Generator, Mapping
from typing import Any

import msgspec

from torana.gateway.contract import Ports
from torana.gateway.errors import InvalidApi
from torana.gateway.http_api.plan import compiling
from torana.gateway.locate import Live
from torana.services.apigatewayv2.snapshot import http_api, stage_of

Json = dict[str, Any]
Bring = Callable[[Json, Json, Ports], Generator[None, None, Live]]


def _http(api: Json, stage: Json, ports: Ports) -> Generator[None, None, Live]:
    try:
        found, served = http_api(api), stage_of(stage)
    except msgspec.ValidationError as error:
        raise InvalidApi(f"{api['Name']}: {error}") from error
    return Live((yield from compiling(found, served, ports)))


PROTOCOLS: Mapping[str, Bring] = {"HTTP": _http}


def bringing_deployed(api: Json, stage: Json, ports: Ports) -> Generator[None, None, Live | None]:
    """A snapshot of an API under a stage, with pauses. Raises `InvalidApi`. None for a protocol
    that this process does not serve."""
    bring = PROTOCOLS.get(api["ProtocolType"])
    return None if bring is None else (yield from bring(api, stage, ports))
