"""Integration addresses, compiled: what is constant is resolved once, the rest is filled in.

Source: Developer Guide, "Set up HTTP integrations"; `${stageVariables.name}` may stand anywhere.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from urllib.parse import quote, urlencode

from msgspec import Struct, structs

from torana.gateway.contract import Context, Query
from torana.gateway.errors import GatewayError, InvalidApi
from torana.net.client import Client, Origin, Tls

_VARIABLE = re.compile(r"\$\{stageVariables\.([A-Za-z0-9_]+)\}")
_PARAMETER = re.compile(r"\{([^{}]+)\}")
_PORTS = {"http": 80, "https": 443}


def with_stage_variables(text: str, variables: Mapping[str, str]) -> str:
    """Fill in stage variables. Raises `InvalidApi` for one that the stage does not have."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in variables:
            raise InvalidApi(
                f"{text!r} needs stage variable {found[1]!r}: add it to the stage's variables"
            )
        return variables[found[1]]

    return _VARIABLE.sub(value, text)


Fill = Callable[[Mapping[str, str], Mapping[str, str]], str]


def filler(template: str) -> Fill:
    """`{name}` from the mapped values (encoded here), else from the path as it came (encoded
    already, so that `%2F` in a segment stays one)."""
    pieces = _PARAMETER.split(template)
    if len(pieces) == 1:
        return lambda mapped, raw: template
    literals, names = pieces[::2], [name.rstrip("+") for name in pieces[1::2]]

    def fill(mapped: Mapping[str, str], raw: Mapping[str, str]) -> str:
        out = [literals[0]]
        for name, literal in zip(names, literals[1:], strict=True):
            if name in mapped:
                out.append(quote(mapped[name], safe="/:@!$&'()*+,;=~"))
            else:
                out.append(raw.get(name, ""))
            out.append(literal)
        return "".join(out)

    return fill


class Address(Struct, frozen=True):
    """Where a request goes: the pool of connections, the Host field, the target."""

    origin: Origin
    host: str
    target: str
    scheme: str = "http"


Locate = Callable[[Mapping[str, str], Mapping[str, str]], Address]


Connect = Callable[[str, int], Origin]


def _through(target: str, client: Client, tls: Tls | None) -> Connect:
    """The way through a VPC link: always to its target, which is asked for by the address' own
    name. Raises `InvalidApi`."""
    scheme, _, rest = target.partition(":")
    if scheme == "unix" and rest.startswith("/"):
        origin = client.origin("unix", rest, 0)
        return lambda host, port: origin
    if scheme not in _PORTS or not rest.startswith("//"):
        raise InvalidApi(f"VPC link target {target!r} must be http://, https:// or unix:/path")
    to_host, to_port = _host_and_port(rest[2:].rstrip("/"), scheme)
    if scheme == "http":
        plain = client.origin(scheme, to_host, to_port)
        return lambda host, port: plain
    return lambda host, port: client.origin(
        scheme, to_host, to_port, structs.replace(tls or Tls(), server_name=host)
    )


def compile_address(uri: str, client: Client, tls: Tls | None, link: str | None = None) -> Locate:
    """An address whose host may hold path parameters too; `link` is where its VPC link leads.
    Raises `InvalidApi`."""
    scheme, separator, rest = uri.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in _PORTS:
        raise InvalidApi(f"integration uri {uri!r} must begin with http:// or https://")
    cut = min((rest.find(mark) for mark in "/?#" if mark in rest), default=len(rest))
    authority, target = rest[:cut], rest[cut:].partition("#")[0]
    if not target.startswith("/"):
        target = "/" + target
    fill = filler(target)
    connect: Connect = lambda host, port: client.origin(scheme, host, port, tls)  # noqa: E731
    if link is not None:
        connect = _through(link, client, tls)
    if "{" not in authority:
        host, port = _host_and_port(authority, scheme)
        origin = connect(host, port)
        if "{" not in target:
            fixed = Address(origin, authority, target, scheme)
            return lambda mapped, raw: fixed
        return lambda mapped, raw: Address(origin, authority, fill(mapped, raw), scheme)
    fill_authority = filler(authority)

    def locate(mapped: Mapping[str, str], raw: Mapping[str, str]) -> Address:
        named = fill_authority(mapped, raw)
        if not re.fullmatch(r"[A-Za-z0-9._:\[\]-]+", named):
            raise GatewayError("API_CONFIGURATION_ERROR", detail=f"no host: {named!r}")
        host, port = _host_and_port(named, scheme)
        return Address(connect(host, port), named, fill(mapped, raw), scheme)

    return locate


def _host_and_port(authority: str, scheme: str) -> tuple[str, int]:
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:@/]+)(?::(\d{1,5}))?", authority)
    if match is None:
        raise InvalidApi(f"integration host {authority!r} is not a host name with a port")
    return match[1].strip("[]"), int(match[2] or _PORTS[scheme])


def with_query(target: str, query: Query) -> str:
    """A target with mapped parameters after the ones that stand in the uri."""
    if not query:
        return target
    joined = "&" if "?" in target else "?"
    return target + joined + urlencode(query, doseq=True)


def with_raw_query(target: str, raw: str) -> str:
    """A target with the client's own query, untouched."""
    if not raw:
        return target
    return f"{target}{'&' if '?' in target else '?'}{raw}"


def forwarded(ctx: Context) -> tuple[tuple[str, str], ...]:
    """Who asked, for the backend."""
    peer = ctx.request.peer
    before = ctx.request.headers.get("x-forwarded-for")
    span = ctx.span
    traced = () if span is None else (("traceparent", span.carried.traceparent(span.call)),)
    return (
        *traced,
        ("X-Amzn-Trace-Id", ctx.trace_id),
        ("X-Forwarded-For", f"{before}, {peer.address}" if before else peer.address),
        *_entered(peer.local_port, peer.scheme),
    )


@lru_cache(maxsize=64)
def _entered(port: int, scheme: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("X-Forwarded-Port", str(port)), ("X-Forwarded-Proto", scheme)
