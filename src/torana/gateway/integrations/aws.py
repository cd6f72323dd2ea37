"""AWS: an action or a path of an AWS service, with the request and the reply mapped.

Source: Developer Guide, `Integration.uri`:
`arn:aws:apigateway:{region}:{subdomain.service|service}:{path|action}/{service_api}`.
"""

import re

from msgspec import Struct

from torana.gateway.address import filler, with_query, with_stage_variables
from torana.gateway.contract import AwsCall, Compiled, Context, Integration
from torana.gateway.errors import GatewayError, InvalidApi
from torana.gateway.upstream import buffer
from torana.message import Headers, Reply, Request

_ARN = re.compile(
    r"arn:aws[a-z-]*:apigateway:(?P<region>[a-z0-9-]+):(?P<service>[A-Za-z0-9.-]+)"
    r":(?P<kind>path|action)/(?P<rest>.*)",
    re.DOTALL,
)


class Uri(Struct, frozen=True):
    """An AWS integration's address, taken apart."""

    region: str
    service: str
    subdomain: str
    action: str
    """Empty for the `path/` form."""
    target: str
    """Path and query of the `path/` form."""


def parse(uri: str) -> Uri:
    """Raises `InvalidApi`."""
    match = _ARN.fullmatch(uri)
    if match is None:
        raise InvalidApi(
            f"integration uri {uri!r} must be "
            "arn:aws:apigateway:{region}:{service}:{path|action}/{service_api}"
        )
    subdomain, _, service = match["service"].rpartition(".")
    if match["kind"] == "action":
        action, _, query = match["rest"].partition("&")
        return Uri(
            match["region"], service, subdomain, action, "/" + (f"?{query}" if query else "")
        )
    return Uri(match["region"], service, subdomain, "", "/" + match["rest"].lstrip("/"))


def build(to: Compiled) -> Integration:
    """Resolves the service once; the call itself is the services' business."""
    integration = to.method.integration
    if integration.response_transfer_mode == "STREAM":
        raise InvalidApi("responseTransferMode STREAM needs a proxy integration")
    uri = parse(with_stage_variables(integration.uri, to.stage.variables))
    fill = filler(uri.target)
    call = to.ports.aws
    verb = integration.http_method.upper() or "POST"
    timeout = integration.timeout_in_millis / 1000
    credentials = integration.credentials

    async def aws(ctx: Context) -> Reply:
        outgoing = ctx.outgoing
        assert outgoing is not None
        target = with_query(fill(outgoing.path, ctx.raw_path_parameters), outgoing.query)
        method = ctx.request.method if verb == "ANY" else verb
        fields = Headers([*outgoing.headers.items, ("X-Amzn-Trace-Id", ctx.trace_id)])
        request = Request(method, target, fields, outgoing.body, ctx.request.peer)
        try:
            reply = await call(
                AwsCall(
                    uri.service,
                    uri.region,
                    uri.action,
                    request,
                    credentials,
                    timeout,
                    uri.subdomain,
                )
            )
        except TimeoutError as error:
            raise GatewayError("INTEGRATION_TIMEOUT", detail=str(error)) from error
        except ConnectionError as error:
            raise GatewayError("INTEGRATION_FAILURE", detail=str(error)) from error
        ctx.integration_status = reply.status
        return await buffer(reply)

    return aws
