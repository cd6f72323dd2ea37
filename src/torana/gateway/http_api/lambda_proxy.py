"""`AWS_PROXY`: a Lambda function gets the request as an event and says the reply."""

import re

import msgspec

from torana.function_payload import PLAIN, Malformed
from torana.function_payload import whole as whole_two
from torana.gateway.address import with_stage_variables
from torana.gateway.contract import PAYLOAD_LIMIT, Context, Integration
from torana.gateway.errors import GatewayError
from torana.gateway.function import Function
from torana.gateway.function_reply import malformed
from torana.gateway.function_reply import whole as whole_one
from torana.gateway.http_api.compiled import HttpCompiled
from torana.gateway.http_api.event import function_event
from torana.message import BodyTooLarge, Reply, read

_encode = msgspec.json.Encoder().encode
_FUNCTION = re.compile(r"arn:aws[a-z-]*:lambda:(?P<region>[a-z0-9-]+):\d{12}:function:\S+")


def invocation(uri: str) -> str:
    """A function's ARN as the address that it is invoked at; other addresses as they are."""
    found = _FUNCTION.fullmatch(uri)
    if found is None:
        return uri
    path = f"path/2015-03-31/functions/{uri}/invocations"
    return f"arn:aws:apigateway:{found['region']}:lambda:{path}"


def build(to: HttpCompiled) -> Integration:
    """Resolves the function once. Raises `InvalidApi`."""
    settings, version = to.integration, to.integration.payload_format_version
    uri = invocation(with_stage_variables(settings.integration_uri, to.stage.variables))
    timeout = settings.timeout_in_millis / 1000
    call = Function(to, uri, settings.credentials_arn, timeout, streamed=False)
    event = function_event(to, version)
    understand = _one if version == "1.0" else _two

    async def lambda_proxy(ctx: Context) -> Reply:
        try:
            reply = await call(ctx, _encode(event(ctx)))
            ctx.integration_status = reply.status
            payload = await read(reply.body, PAYLOAD_LIMIT)
        except TimeoutError as error:
            raise GatewayError("INTEGRATION_TIMEOUT", detail=str(error)) from error
        except ConnectionError as error:
            raise GatewayError("INTEGRATION_FAILURE", detail=str(error)) from error
        except BodyTooLarge:
            raise malformed("it is too large") from None
        if reply.status >= 400:
            raise GatewayError("API_CONFIGURATION_ERROR", detail=f"Lambda: {reply.status}")
        if "x-amz-function-error" in reply.headers:
            raise malformed("the function failed")
        return understand(ctx, payload)

    return lambda_proxy


def _one(ctx: Context, payload: bytes) -> Reply:
    reply = whole_one(ctx, payload, binary_wanted=True, kind=PLAIN, needs_status=True)
    reply.headers.remove("x-amzn-trace-id")
    return reply


def _two(ctx: Context, payload: bytes) -> Reply:
    try:
        return whole_two(payload, PLAIN)
    except Malformed as error:
        raise malformed(str(error)) from error
