"""Which API keys are worth what: from the settings, from the store, and the demo's own."""

from collections.abc import Iterable, Mapping

from torana.auth.keys import hash_key
from torana.gateway.contract import Grant
from torana.model.usage import ApiKey, ApiStage, QuotaSettings, ThrottleSettings, UsagePlan
from torana.settings import BadSettings, Plan, Settings, secret


class KeyRing:
    """The keys of this moment. A change replaces the whole."""

    def __init__(self) -> None:
        self._grants: Mapping[str, Grant] = {}

    def replace(self, keys: Iterable[ApiKey], plans: Iterable[UsagePlan]) -> None:
        """Take other keys and plans from now on."""
        grants: dict[str, Grant] = {}
        plans = tuple(plans)
        for key in keys:
            if not key.enabled:
                continue
            stages = {
                (stage.api_id, stage.stage): plan
                for plan in plans
                if key.id in plan.keys
                for stage in plan.api_stages
            }
            grants[key.value_hash] = Grant(key.id, key.name, stages)
        self._grants = grants

    def find(self, value: str) -> Grant | None:
        """What the presented value is worth, or None."""
        return self._grants.get(hash_key(value))


def from_settings(
    settings: Settings, environment: Mapping[str, str]
) -> tuple[list[ApiKey], list[UsagePlan]]:
    """The keys and plans of `torana.toml`. Raises `BadSettings`."""
    keys = [
        ApiKey(name, name, hash_key(secret(key.value, environment)), key.enabled)
        for name, key in settings.keys.items()
    ]
    return keys, [_plan(name, plan) for name, plan in settings.usage_plans.items()]


def _plan(name: str, plan: Plan) -> UsagePlan:
    stages: list[ApiStage] = []
    for api in plan.apis:
        api_id, slash, stage = api.partition("/")
        if not slash or not stage:
            raise BadSettings(f"usage_plans.{name}.apis: {api!r} must be api-id/stage")
        stages.append(ApiStage(api_id, stage))
    throttle = plan.throttle and ThrottleSettings(
        plan.throttle.rate_limit, plan.throttle.burst_limit
    )
    quota = plan.quota and QuotaSettings(plan.quota.limit, plan.quota.period)
    return UsagePlan(name, name, tuple(stages), plan.keys, throttle, quota)


def demo_plan(key: ApiKey, stages: Iterable[tuple[str, str]]) -> UsagePlan:
    """A plan that lets the demo's key into every stage, at a rate for trying out."""
    return UsagePlan(
        "demo",
        "demo",
        tuple(ApiStage(*stage) for stage in stages),
        (key.id,),
        ThrottleSettings(50, 100),
    )
