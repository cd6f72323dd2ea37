"""Where clients of APIs' tools get tokens: metadata of the protected resource, and the refusal that
leads there. Whether a token is good, the API's own authorizers say.

Source: MCP specification, "Authorization"; RFC 9728, RFC 6750.
"""

from msgspec import Struct

from torana.mcp import protocol as p
from torana.message import Reply, Request
from torana.model.rest import RestApi

WELL_KNOWN = "/.well-known/oauth-protected-resource"
_BY_TOKEN = frozenset({"COGNITO_USER_POOLS", "CUSTOM"})


class OAuth(Struct, frozen=True):
    """What the settings say."""

    servers: tuple[str, ...] = ()
    """Issuers; none: nobody is sent anywhere."""
    scopes: tuple[str, ...] = ()
    address: str = ""
    """Where clients see the gateway; empty: as they name it."""

    def wanted(self, api: RestApi, request: Request) -> bool:
        """Whether a request is to bring a token, and does not."""
        if not self.servers or request.headers.get("authorization") is not None:
            return False
        return any(method.authorization_type in _BY_TOKEN for method in api.methods)

    def metadata(self, path: str, request: Request) -> Reply:
        """Of the resource at a path."""
        told: p.Json = {
            "resource": self._origin(request) + path,
            "authorization_servers": list(self.servers),
            "bearer_methods_supported": ["header"],
        }
        if self.scopes:
            told["scopes_supported"] = list(self.scopes)
        reply = p.reply(200, told)
        reply.headers.add("Access-Control-Allow-Origin", "*")
        return reply

    def challenge(self, reply: Reply, path: str, request: Request) -> Reply:
        """A refusal for want of a good token, with where the metadata is."""
        fields = [f'resource_metadata="{self._origin(request)}{WELL_KNOWN}{path}"']
        if self.scopes:
            fields.append(f'scope="{" ".join(self.scopes)}"')
        if request.headers.get("authorization") is not None:
            fields.append('error="invalid_token"')
        reply.headers.set("WWW-Authenticate", f"Bearer {', '.join(fields)}")
        return reply

    def _origin(self, request: Request) -> str:
        host = request.headers.get("host") or "localhost"
        return self.address.rstrip("/") or f"{request.peer.scheme}://{host}"


NO_TOKENS = OAuth()
