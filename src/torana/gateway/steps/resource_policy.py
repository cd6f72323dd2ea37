"""Resource policies: who may call the API at all, and from where.

Source: Developer Guide, "API Gateway resource policies": without an identity, a request passes only
when a statement allows it and none denies it. Where callers sign, the authorizer asks the policy.
"""

from torana.auth.grants import NOTHING
from torana.auth.policy import ANYONE
from torana.gateway.contract import Compiled, Context, Gate
from torana.gateway.policies import Asking, compile_policy


def build(to: Compiled) -> Gate | None:
    """A gate for APIs with a policy. Raises `InvalidApi` for one that is not of the grammar."""
    policies = compile_policy(to)
    if not policies or to.method.authorization_type == "AWS_IAM":
        return None
    asking = Asking(to)

    def resource_policy(ctx: Context) -> None:
        for verdict in asking.decide(NOTHING, policies, ctx, ANYONE):
            if not verdict.allowed:
                raise asking.denial(ctx, "anonymous", explicit=verdict.explicit)

    return resource_policy
