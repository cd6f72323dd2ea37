"""Sending to a backend, and its failures in the contract's terms."""

from torana.gateway.address import Address, with_stage_variables
from torana.gateway.contract import PAYLOAD_LIMIT, Compiled, Context
from torana.gateway.errors import GatewayError, InvalidApi
from torana.message import BodyTooLarge, Reply, Request, read
from torana.model.rest import Integration
from torana.net.client import Timeouts, Tls

_STREAM_IDLE = 300.0
_STREAM_TOTAL = 900.0
"""Seconds. Source: Developer Guide, "Stream the integration response"."""


def timeouts(integration: Integration) -> Timeouts:
    """Of one exchange, by the integration's own limit."""
    head = integration.timeout_in_millis / 1000
    if integration.response_transfer_mode == "STREAM":
        return Timeouts(min(head, 5.0), head, _STREAM_IDLE, _STREAM_TOTAL)
    return Timeouts(min(head, 5.0), head, head, head)


def tls_of(to: Compiled) -> Tls | None:
    """None: the client's default, which verifies. Raises `InvalidApi`."""
    verify = not to.method.integration.tls_config.insecure_skip_verification
    id = to.stage.client_certificate_id
    if not id:
        return None if verify else Tls(verify=False, verify_host=False)
    own = to.ports.client_certificate(id)
    if own is None:
        raise InvalidApi(f"there is no client certificate {id!r}")
    return Tls(verify, verify, certificate=own[0], key=own[1])


def leads_to(to: Compiled) -> str | None:
    """Where the VPC link of an integration leads; None without one. Raises `InvalidApi`."""
    integration = to.method.integration
    if integration.connection_type != "VPC_LINK":
        return None
    id = with_stage_variables(integration.connection_id or "", to.stage.variables)
    target = to.ports.vpc_link(id)
    if target is None:
        raise InvalidApi(
            f"connectionId {id!r}: it is not known where this VPC link leads; set "
            "[vpc_links.NAME] target for its load balancer"
        )
    return target


async def send(ctx: Context, address: Address, request: Request, limit: Timeouts) -> Reply:
    """The backend's reply, its body possibly a stream. Raises `GatewayError`."""
    trace = ctx.trace
    if trace is not None:
        trace.address, trace.sent = f"{address.scheme}://{address.host}{request.target}", request
    try:
        reply = await address.origin.send(request, limit)
    except TimeoutError as error:
        raise GatewayError("INTEGRATION_TIMEOUT", detail=str(error)) from error
    except ConnectionError as error:
        raise GatewayError("INTEGRATION_FAILURE", detail=str(error)) from error
    ctx.integration_status = reply.status
    if trace is not None:
        trace.got = reply
    return reply


def is_whole(reply: Reply) -> bool:
    """Whether there is nothing to `buffer`."""
    return isinstance(reply.body, bytes) and len(reply.body) <= PAYLOAD_LIMIT


async def buffer(reply: Reply) -> Reply:
    """The reply with its body whole. Raises `GatewayError`."""
    try:
        reply.body = await read(reply.body, PAYLOAD_LIMIT)
    except TimeoutError as error:
        raise GatewayError("INTEGRATION_TIMEOUT", detail=str(error)) from error
    except ConnectionError as error:
        raise GatewayError("INTEGRATION_FAILURE", detail=str(error)) from error
    except BodyTooLarge:
        raise GatewayError(
            "API_CONFIGURATION_ERROR", detail="the backend's reply is over 10 MB"
        ) from None
    return reply
