"""AWS_PROXY: Lambda functions with the request as an event. There is no function runtime yet, so
such a method says so; the other methods of its API are served."""

from torana.gateway.contract import Compiled, Context, Integration
from torana.gateway.errors import GatewayError
from torana.message import Reply


def build(to: Compiled) -> Integration:
    """Refuses each request, naming what is missing."""
    place = to.place()

    async def aws_proxy(ctx: Context) -> Reply:
        raise GatewayError(
            "INTEGRATION_FAILURE",
            f"{place}: AWS_PROXY needs a Lambda function runtime, which this gateway does not have",
            status=501,
        )

    return aws_proxy
