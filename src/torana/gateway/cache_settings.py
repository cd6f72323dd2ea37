"""Which methods of a stage have their answers kept, for how long and under which key.

Source: Developer Guide, "Cache settings for REST APIs in API Gateway", and the `apigateway` service
model, `MethodSetting` and `Integration`.
"""

from msgspec import Struct

from torana.gateway.contract import Compiled
from torana.gateway.errors import InvalidApi
from torana.gateway.mapping import Source, request_source
from torana.gateway.settings import has_own_settings, method_settings
from torana.gateway.stage_cache import StageCache
from torana.gateway.variables import resource_id

SIZES = ("0.5", "1.6", "6.1", "13.5", "28.4", "58.2", "118", "237")
"""Gigabytes that a cache may have."""
_LONGEST = 3600
"""Seconds."""


class Caching(Struct, frozen=True):
    """How the answers of a method are kept."""

    name: str
    cache: StageCache
    namespace: str
    sources: tuple[Source, ...]
    seconds: float
    sealed: bool
    only_get: bool
    authorized: bool
    """Whether a client needs a permission to have an entry made anew."""
    strategy: str


def caching(to: Compiled) -> Caching | None:
    """None: nothing is kept. Raises `InvalidApi`."""
    stage, method = to.stage, to.method
    if not stage.cache_cluster_enabled:
        return None
    settings = method_settings(stage, method)
    seconds = settings.cache_ttl_in_seconds
    if not 0 <= seconds <= _LONGEST:
        raise InvalidApi(f"cacheTtlInSeconds must be between 0 and {_LONGEST}")
    own = has_own_settings(stage, method)
    if not settings.caching_enabled or not seconds:
        return None
    if not own and method.http_method not in ("GET", "ANY"):
        return None
    if method.integration.response_transfer_mode == "STREAM":
        return None
    name = cache_name(to)
    return Caching(
        name,
        to.ports.caches.of(name, capacity(stage.cache_cluster_size)),
        method.integration.cache_namespace or resource_id(method.path),
        tuple(_source(to, name) for name in sorted(method.integration.cache_key_parameters)),
        seconds,
        settings.cache_data_encrypted,
        not own,
        settings.require_authorization_for_cache_control,
        settings.unauthorized_cache_control_header_strategy,
    )


def cache_name(to: Compiled) -> str:
    """A canary has a cache of its own, unless it uses the stage's."""
    canary = to.stage.canary_settings
    alone = to.canary and canary is not None and not canary.use_stage_cache
    return names(to.api.id, to.stage.stage_name)[1 if alone else 0]


def names(api_id: str, stage: str) -> tuple[str, str]:
    """The names of a stage's cache and of its canary's."""
    return f"{api_id}/{stage}", f"{api_id}/{stage}/canary"


def capacity(size: str) -> int:
    """Bytes. Raises `InvalidApi` for a size that the service does not have."""
    if size not in SIZES:
        raise InvalidApi(f"cacheClusterSize {size!r} must be one of {', '.join(SIZES)}")
    return int(float(size) * (1 << 30))


def _source(to: Compiled, parameter: str) -> Source:
    """What a cache key parameter reads: of the method's request, or what is mapped from it."""
    if parameter.startswith("integration.request."):
        mapped = to.method.integration.request_parameters.get(parameter)
        if mapped is None:
            raise InvalidApi(f"cache key parameter {parameter!r} is not mapped")
        return request_source(mapped)
    if not parameter.startswith("method.request."):
        raise InvalidApi(f"cache key parameter {parameter!r} is none that the service knows")
    return request_source(parameter)
