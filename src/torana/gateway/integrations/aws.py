"""AWS: an action or a path of an AWS service, with the request and the reply mapped."""

from torana.gateway.address import filler, with_query, with_stage_variables
from torana.gateway.aws_uri import parse
from torana.gateway.contract import AwsCall, Compiled, Context, Integration
from torana.gateway.errors import GatewayError, InvalidApi
from torana.gateway.function import sources
from torana.gateway.prompt import is_prompt, mapped
from torana.gateway.upstream import buffer, is_whole
from torana.message import Headers, Reply, Request


def build(to: Compiled) -> Integration:
    """Resolves the service once; the call itself is the services' business."""
    integration = to.method.integration
    if integration.response_transfer_mode == "STREAM":
        raise InvalidApi("responseTransferMode STREAM needs a proxy integration")
    if is_prompt(integration.uri):
        return mapped(to)
    uri = parse(with_stage_variables(integration.uri, to.stage.variables))
    fill = filler(uri.target)
    of_function = uri.service == "lambda" and uri.target.endswith("/invocations")
    call = to.ports.aws
    verb = integration.http_method.upper() or "POST"
    endpoint = f"https://{uri.service}.{uri.region}.amazonaws.com"
    timeout = integration.timeout_in_millis / 1000
    credentials = integration.credentials
    source = sources(to)

    async def aws(ctx: Context) -> Reply:
        outgoing = ctx.outgoing
        assert outgoing is not None
        target = with_query(fill(outgoing.path, ctx.raw_path_parameters), outgoing.query)
        method = ctx.request.method if verb == "ANY" else verb
        fields = Headers([*outgoing.headers.items, ("X-Amzn-Trace-Id", ctx.trace_id)])
        request = Request(method, target, fields, outgoing.body, ctx.request.peer)
        trace = ctx.trace
        if trace is not None:
            trace.address, trace.sent = endpoint + target, request
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
                    source(ctx),
                    ctx.principal.identity,
                )
            )
        except TimeoutError as error:
            raise GatewayError("INTEGRATION_TIMEOUT", detail=str(error)) from error
        except ConnectionError as error:
            raise GatewayError("INTEGRATION_FAILURE", detail=str(error)) from error
        ctx.integration_status = reply.status
        if trace is not None:
            trace.got = reply
        if of_function and reply.status >= 400:
            # Function errors are mapped; that there is no function, or no room, is not one.
            raise GatewayError("API_CONFIGURATION_ERROR", detail=f"Lambda said {reply.status}")
        return reply if is_whole(reply) else await buffer(reply)

    return aws
