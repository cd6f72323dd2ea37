"""AWS_PROXY: a Lambda function gets the request as an event and says the whole reply."""

from collections.abc import Callable

import msgspec

from torana.gateway.content import binary
from torana.gateway.contract import PAYLOAD_LIMIT, Compiled, Context, Integration
from torana.gateway.errors import GatewayError, InvalidApi
from torana.gateway.event import Event, proxy_event
from torana.gateway.function import Function, chunks
from torana.gateway.function_reply import malformed, streamed, whole
from torana.gateway.prompt import is_prompt, proxied
from torana.message import BodyTooLarge, Reply, read

_encode = msgspec.json.Encoder().encode


def build(to: Compiled) -> Integration:
    """Resolves the function once. Raises `InvalidApi`."""
    return calling(to, proxy_event(to), binary(to.api.binary_media_types))


def calling(
    to: Compiled, event: Callable[[Context], Event], wants_binary: Callable[[str | None], bool]
) -> Integration:
    """With an event of its own; `wants_binary` is asked with the Accept field of a request whose
    answer is base64. Raises `InvalidApi`."""
    integration = to.method.integration
    if integration.http_method.upper() not in ("POST", ""):
        raise InvalidApi("AWS_PROXY calls a function, which needs httpMethod POST")
    if is_prompt(integration.uri):
        return proxied(to)
    timeout = integration.timeout_in_millis / 1000
    streams = integration.response_transfer_mode == "STREAM"
    call = Function(to, integration.uri, integration.credentials, timeout, streamed=streams)

    async def aws_proxy(ctx: Context) -> Reply:
        try:
            reply = await call(ctx, _encode(event(ctx)))
            ctx.integration_status = reply.status
            if reply.status >= 400:
                raise GatewayError("API_CONFIGURATION_ERROR", detail=f"Lambda: {reply.status}")
            if streams:
                return await streamed(ctx, chunks(reply.body))
            payload = await read(reply.body, PAYLOAD_LIMIT)
        except TimeoutError as error:
            raise GatewayError("INTEGRATION_TIMEOUT", detail=str(error)) from error
        except ConnectionError as error:
            raise GatewayError("INTEGRATION_FAILURE", detail=str(error)) from error
        except BodyTooLarge:
            raise malformed("it is too large") from None
        if "x-amz-function-error" in reply.headers:
            raise malformed("the function failed")
        return whole(ctx, payload, wants_binary(ctx.request.headers.get("accept")))

    return aws_proxy
