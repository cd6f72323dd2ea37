"""Response parameters: headers and the status of a backend's reply, changed by its status."""

from torana.gateway.contract import Context, Finish
from torana.gateway.errors import GatewayError, InvalidApi
from torana.gateway.http_api.compiled import HttpCompiled
from torana.gateway.http_api.sources import Mapping, mappings
from torana.message import Headers, Reply


def build(to: HttpCompiled) -> Finish | None:
    """A step for integrations that map replies. Raises `InvalidApi`."""
    given = to.integration.response_parameters
    by_status = {_status(key): mappings(each, reply=True) for key, each in given.items() if each}
    if not by_status:
        return None

    def map_response(ctx: Context, reply: Reply) -> Reply:
        found = by_status.get(reply.status)
        return reply if found is None else _map(found, ctx, reply)

    return map_response


def _status(text: str) -> int:
    if not text.isdecimal() or not 200 <= int(text) <= 599:
        raise InvalidApi(f"responseParameters: {text!r} is no status within 200 to 599")
    return int(text)


def _map(found: tuple[Mapping, ...], ctx: Context, reply: Reply) -> Reply:
    """Everything is read of the reply as it came."""
    made = Reply(reply.status, Headers(reply.headers.items.copy()), reply.body)
    for mapping in found:
        target, value = mapping.target, mapping.source(ctx, reply)
        if target.place == "statuscode":
            if value is None or not value.isdecimal() or not 100 <= int(value) <= 599:
                raise GatewayError("API_CONFIGURATION_ERROR", detail=f"no status: {value!r}")
            made.status = int(value)
        elif target.action == "remove":
            made.headers.remove(target.name)
        elif value is not None:
            value = value.replace("\r", " ").replace("\n", " ")
            if target.action == "overwrite":
                made.headers.set(target.name, value)
            else:
                made.headers.add(target.name, value)
    return made
