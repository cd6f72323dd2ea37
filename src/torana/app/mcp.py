"""The Model Context Protocol, from settings."""

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from torana.gateway.contract import Grant
from torana.gateway.front_door import FrontDoor
from torana.llm.keys import Keys
from torana.llm.spend import Spent
from torana.llm_settings import Mcp, McpServer
from torana.mcp.door import McpDoor
from torana.mcp.oauth import OAuth
from torana.mcp.proxy import Proxy, Seal, Server
from torana.net.client import Client, Timeouts
from torana.settings import BadSettings, secret
from torana.state.counters import Counters


def offered(
    settings: Mcp,
    door: FrontDoor,
    find_key: Callable[[str], Grant | None],
    proxy: Proxy | None,
) -> McpDoor | None:
    """What `/mcp/…` serves; None: nothing."""
    if not settings.apis and proxy is None:
        return None

    def holds(key: str, api: str, stage: str) -> bool:
        grant = find_key(key)
        return grant is not None and (api, stage) in grant.plans

    for issuer in settings.authorization_servers:
        if urlsplit(issuer).scheme not in ("http", "https"):
            raise BadSettings(f"mcp.authorization_servers: {issuer!r} is no http(s):// address")
    oauth = OAuth(settings.authorization_servers, settings.scopes, settings.address)
    return McpDoor(door, settings.apis, holds, settings.origins, proxy, oauth)


def proxied(
    settings: Mcp,
    environment: Mapping[str, str],
    client: Client,
    counters: Counters,
    seal: Seal,
    keys: Callable[[], Keys],
    spend: Callable[[Spent], None],
) -> Proxy | None:
    """The way to other servers. Raises `BadSettings`."""
    servers = {
        name: _server(name, given, environment, client) for name, given in settings.servers.items()
    }
    return Proxy(servers, keys, counters.bucket, seal, spend) if servers else None


def _server(name: str, given: McpServer, environment: Mapping[str, str], client: Client) -> Server:
    url = urlsplit(given.url)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise BadSettings(f"mcp.servers.{name}.url: must be an http:// or https:// address")
    for pattern, most in given.limits.items():
        if most < 1:
            raise BadSettings(f"mcp.servers.{name}.limits.{pattern}: must be at least 1")
    port = url.port or (443 if url.scheme == "https" else 80)
    fields = [("Host", url.netloc.rpartition("@")[2])]
    fields += [(field, secret(value, environment)) for field, value in given.headers.items()]
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    idle = given.idle_timeout
    return Server(
        name,
        client.origin(url.scheme, url.hostname, port),
        path,
        tuple(fields),
        Timeouts(given.connect_timeout, idle, idle),
        given.tools,
        given.hidden,
        given.limits,
    )
