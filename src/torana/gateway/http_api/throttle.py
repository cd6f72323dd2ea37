"""Throttling: a route's own limit, or the stage's default, which counts per route.

Source: Developer Guide, "Throttle requests to your HTTP APIs".
"""

from torana.gateway.contract import Gate
from torana.gateway.http_api.compiled import HttpCompiled
from torana.gateway.steps.throttle import take


def build(to: HttpCompiled) -> Gate | None:
    """A gate for routes that have a limit."""
    stage = to.http_stage
    settings = stage.route_settings.get(to.route_key, stage.default_route_settings)
    rate, burst = settings.throttling_rate_limit, settings.throttling_burst_limit
    if rate is None:
        return None
    name = f"stage/{to.http.api_id}/{stage.stage_name}/{to.route_key}"
    buckets = (to.ports.bucket(name, rate, max(1, int(rate)) if burst is None else burst),)
    return lambda ctx: take(buckets)
