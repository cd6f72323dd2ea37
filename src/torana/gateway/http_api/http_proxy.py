"""`HTTP_PROXY`: an HTTP backend, on the network or behind a VPC link; requests and replies pass
through, changed as the integration's parameters say. A private one gets the whole path, with the
stage's segment, as on the service.

Source: Developer Guide, "Create HTTP proxy integrations for HTTP APIs", "Create private
integrations for HTTP APIs" and "Important notes for HTTP APIs": `X-Forwarded-*` become `Forwarded`.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import quote, urlencode

from torana.gateway.address import (
    Locate,
    compile_address,
    with_raw_query,
    with_stage_variables,
)
from torana.gateway.contract import Context, Integration, Query
from torana.gateway.errors import InvalidApi
from torana.gateway.headers import passed_on
from torana.gateway.http_api.compiled import HttpCompiled
from torana.gateway.http_api.sources import Mapping, mappings
from torana.gateway.upstream import buffer, send, timeouts
from torana.message import Headers, Reply, Request
from torana.model.http_api import DEFAULT
from torana.net.client import Tls
from torana.net.names import Spelled

_LISTENER = re.compile(
    r"arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\d*:listener/(?:app|net)/([^/]+)/.+"
)
_SERVICE = re.compile(r"arn:aws[a-z-]*:servicediscovery:[a-z0-9-]+:\d*:service/([^/?]+)(?:\?.*)?")
_NOT_BACK = frozenset(
    {"connection", "content-length", "date", "keep-alive", "proxy-connection", "transfer-encoding"}
)
_BACK = Spelled(lambda name: name.lower() not in _NOT_BACK)
_SENT = Spelled(lambda name: not name.lower().startswith(("forwarded", "x-forwarded-")))
_VIA = ("Via", "HTTP/1.1 AmazonAPIGateway")


def build(to: HttpCompiled) -> Integration:
    """Resolves the address once. Raises `InvalidApi`."""
    settings = to.integration
    private = settings.connection_type == "VPC_LINK"
    locate = _private(to) if private else _public(to)
    limit = timeouts(to.method.integration)
    verb = None if settings.integration_method in ("", "ANY") else settings.integration_method
    mapped = mappings(settings.request_parameters, reply=False)
    appended = to.route_key == DEFAULT

    async def http_proxy(ctx: Context) -> Reply:
        address = locate({}, ctx.raw_path_parameters)
        asked = ctx.request
        fields = Headers([item for item in passed_on(asked.headers).items if _SENT[item[0]]])
        host = asked.headers.get("host") or ""
        target = address.target
        if private:
            target = ctx.full_path
        elif appended:
            target = _joined(target, ctx.path)
        query: Query | None = None
        if mapped:
            target, query = _apply(mapped, ctx, fields, target)
        items = fields.items
        if not mapped or "host" not in fields:
            items.append(("Host", host if private and host else address.host))
        items.append(("Forwarded", _forwarded(asked, host)))
        items += (_VIA, ("X-Amzn-Trace-Id", ctx.trace_id))
        length = asked.headers.get("content-length")
        if length is not None and not isinstance(ctx.body, bytes):
            items.append(("Content-Length", length))
        raw = ctx.raw_query if query is None else urlencode(query, doseq=True)
        request = Request(
            verb or asked.method, with_raw_query(target, raw), Headers(items), ctx.body
        )
        reply = await buffer(await send(ctx, address, request, limit))
        back = [item for item in reply.headers.items if _BACK[item[0]]]
        return Reply(reply.status, Headers(back), reply.body)

    return http_proxy


def _public(to: HttpCompiled) -> Locate:
    uri = with_stage_variables(to.integration.integration_uri, to.stage.variables)
    return compile_address(uri, to.ports.client, None)


def _private(to: HttpCompiled) -> Locate:
    """By the name of the load balancer or of the Cloud Map service, else by the link's."""
    settings = to.integration
    uri = with_stage_variables(settings.integration_uri, to.stage.variables)
    found = _LISTENER.fullmatch(uri) or _SERVICE.fullmatch(uri)
    if found is None:
        raise InvalidApi(f"integration uri {uri!r} is no listener and no Cloud Map service")
    name = found[1]
    link = with_stage_variables(settings.connection_id or "", to.stage.variables)
    leads = to.ports.vpc_link(name) or to.ports.vpc_link(link)
    if leads is None:
        raise InvalidApi(
            f"connectionId {link!r}: it is not known where this VPC link leads; set "
            f"[vpc_links.{name}] target"
        )
    tls = settings.tls_config
    if tls is None:
        return compile_address(f"http://{name}/", to.ports.client, None, leads)
    if not leads.startswith("https://"):
        raise InvalidApi(f"tlsConfig needs a target that speaks HTTPS, not {leads!r}")
    host = tls.server_name_to_verify
    own = Tls() if host else Tls(verify_host=False)
    return compile_address(f"https://{host or name}/", to.ports.client, own, leads)


def _joined(base: str, path: str) -> str:
    """`$default` sends the whole path on, below the integration's own."""
    before, mark, query = base.partition("?")
    return before.rstrip("/") + path + mark + query


def _forwarded(asked: Request, host: str) -> str:
    """RFC 7239: those who forwarded before, then who asks here."""
    headers = asked.headers
    own = _asking(asked.peer.address, host, asked.peer.scheme)
    if "forwarded" not in headers and "x-forwarded-for" not in headers:
        return own
    found = headers.all("forwarded")
    for line in headers.all("x-forwarded-for"):
        found = [*found, *(f"for={_node(each.strip())}" for each in line.split(",") if each)]
    return ", ".join([*found, own])


@lru_cache(maxsize=1024)
def _asking(address: str, host: str, scheme: str) -> str:
    return f"for={_node(address)};host={_value(host)};proto={scheme}"


def _node(address: str) -> str:
    return f'"[{address}]"' if ":" in address and "[" not in address else _value(address)


def _value(text: str) -> str:
    """A token as it is, anything else quoted."""
    if re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", text):
        return text
    return '"' + text.replace("\\", "").replace('"', "") + '"'


def _apply(
    mapped: tuple[Mapping, ...], ctx: Context, fields: Headers, target: str
) -> tuple[str, Query | None]:
    """Changes the headers in place; gives the target, and the query where that is changed, too."""
    touched = any(mapping.target.place == "querystring" for mapping in mapped)
    query = {name: list(each) for name, each in ctx.query().items()} if touched else None
    values = [(mapping.target, mapping.source(ctx, None)) for mapping in mapped]
    for to, value in values:
        if to.action == "remove":
            _REMOVE[to.place](to.name, fields, query or {})
        elif value is None:
            continue
        elif to.place == "path":
            path = value if value.startswith("/") else f"/{value}"
            target = quote(path, safe="/:@!$&'()*+,;=~%")
        elif query is not None and to.place == "querystring":
            query[to.name] = [*query.get(to.name, ()), value] if to.action == "append" else [value]
        else:
            value = value.replace("\r", " ").replace("\n", " ")
            (fields.add if to.action == "append" else fields.set)(to.name, value)
    return target, query


_REMOVE: dict[str, Callable[[str, Headers, Query], object]] = {
    "header": lambda name, fields, query: fields.remove(name),
    "querystring": lambda name, fields, query: query.pop(name, None),
}
