"""Under pressure the least important requests are turned away first, before anything is done for
them. What is said of a client's API key or usage plan counts as well.
"""

from torana.gateway.contract import Compiled, Context, Gate
from torana.gateway.errors import GatewayError


def build(to: Compiled) -> Gate | None:
    """A gate that does nothing while there is no pressure."""
    admission = to.ports.admission
    if admission is None:
        return None
    load, priorities = admission.load, admission.priorities
    api, stage = to.api, to.stage
    names = (f"{api.id}/{stage.stage_name}/{to.place()}", f"{api.id}/{stage.stage_name}", api.id)
    tags = (stage.tags, api.tags)
    usual = priorities.method(names, tags)
    find = to.ports.find_key if to.method.api_key_required and priorities.of_clients else None
    here = (api.id, stage.stage_name)

    def rank(ctx: Context) -> int:
        presented = ctx.request.headers.get("x-api-key") if find is not None else None
        grant = find(presented) if find is not None and presented else None
        if grant is None or here not in grant.plans:
            return usual
        plan = grant.plans[here]
        who = (f"key:{grant.name}", f"key:{grant.id}", f"plan:{plan.name}", f"plan:{plan.id}")
        return priorities.method(names, tags, who)

    def admit(ctx: Context) -> None:
        if load.pressure and not load.admits(rank(ctx)):
            raise GatewayError("OVERLOADED", retry_after=load.retry_after)

    return admit
