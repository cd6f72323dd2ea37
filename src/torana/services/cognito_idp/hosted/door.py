"""What the front door serves of user pools, in each of its processes.

- `{domain}.auth.{region}.{suffix}`, or `/cognito/{domain}/` with no DNS: a pool's pages
- `cognito-idp.{region}.{suffix}`, or `/cognito-idp/` with no DNS: a pool's keys and configuration
  below `/{pool id}/.well-known/`, and, with POST at its root, the operations that nobody signs, for
  apps in browsers and on telephones
- `cognito-identity.{region}.{suffix}`, or `/cognito-identity/`: those of identity pools
"""

from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from torana.message import BodyTooLarge, Headers, Reply, Request, read
from torana.services.apigateway.book import Sheet
from torana.services.cognito_idp import CognitoIdp
from torana.services.cognito_idp.directory import Json
from torana.services.cognito_idp.hosted.cookies import Cookies
from torana.services.cognito_idp.hosted.origins import allowed, for_any_origin
from torana.services.cognito_idp.hosted.site import Site
from torana.services.cognito_idp.hosted.visit import FORM, Visit, pairs
from torana.services.cognito_idp.published import Published
from torana.services.cognito_idp.signing import issuer_of
from torana.wire.faults import ServiceError

PAGES, IDP, IDENTITY = "/cognito/", "/cognito-idp/", "/cognito-identity/"
Handler = Callable[[Request], Awaitable[Reply]]
Api = Callable[[Request, str], Awaitable[Reply]]
"""Answers an operation of a service that nobody signs, and no other."""


class PoolDoor:
    """Finds who answers."""

    def __init__(self, idp: CognitoIdp, suffix: str, account: str, api: Api) -> None:
        self._idp, self._registry, self._api = idp, idp.registry, api
        self._suffix, self._account = suffix, account
        self._site = Site(idp)

    def find(self, host: str, path: str) -> Handler | None:
        """What serves a request; None: it is not for a user pool."""
        if path.startswith(PAGES):
            domain, slash, rest = path[len(PAGES) :].partition("/")
            pool = self._registry.of_domain(domain)
            return None if pool is None else self._pages(pool, f"{PAGES}{domain}", slash + rest)
        if path.startswith(IDP):
            return partial(self._issuer, IDP.rstrip("/"), path[len(IDP) - 1 :])
        if path == IDENTITY:
            return partial(self._operation, "cognito-identity")
        name = host.partition(":")[0].lower()
        if not name.endswith(f".{self._suffix}"):
            return None
        first, _, rest = name.partition(".")
        if first == "cognito-idp":
            return partial(self._issuer, "", path)
        if first == "cognito-identity" and path == "/":
            return partial(self._operation, "cognito-identity")
        if rest.startswith("auth."):
            pool = self._registry.of_domain(first)
            return None if pool is None else self._pages(pool, "", path)
        return None

    def never(self, host: str, path: str) -> bool:
        """Whether nothing there is or will be for a user pool, whatever domains they get."""
        if path.startswith(PAGES) or host.partition(".")[2].lower().startswith("auth."):
            return False
        return self.find(host, path) is None

    def _pages(self, pool: str, base: str, path: str) -> Handler:
        return partial(self._page, pool, base, path or "/")

    async def _page(self, pool: str, base: str, path: str, request: Request) -> Reply:
        try:
            body = await read(request.body, FORM)
            query = pairs(request.target.partition("?")[2])
            form = pairs(body.decode("utf-8", "replace"))
        except (BodyTooLarge, ValueError):
            return Reply(413, Headers())

        async def find(sheet: Sheet) -> Json:
            return await self._idp.directory.pool(sheet, pool)

        try:
            found = await self._idp.directory.book.read(find)
        except ServiceError as error:
            return Reply(error.status or 404, Headers())
        cookies = Cookies(self._idp.directory.seal, pool, base)
        visit = Visit(request, base, found, query, form, cookies, self._account)
        return await self._site(visit, path)

    async def _issuer(self, base: str, path: str, request: Request) -> Reply:
        if path == "/" and request.method in ("POST", "OPTIONS"):
            return await self._operation("cognito-idp", request)
        return self.well_known(request, base, path)

    def well_known(self, request: Request, base: str, path: str) -> Reply:
        """A pool's keys, or where everything of it is."""
        id, _, document = path[1:].partition("/.well-known/")
        pool = self._registry.pool(id)
        if pool is None or document not in _DOCUMENTS or request.method not in ("GET", "HEAD"):
            return _json({"message": "Not Found"}, 404)
        fields = [("Content-Type", "application/json"), ("Cache-Control", "max-age=300")]
        body = _DOCUMENTS[document](self, request, base, pool)
        return for_any_origin(Reply(200, Headers(fields), body))

    def keys(self, request: Request, base: str, pool: Published) -> bytes:
        """`jwks.json`."""
        del request, base
        return pool.jwks

    def configuration(self, request: Request, base: str, pool: Published) -> bytes:
        """`openid-configuration`. The issuer is called as Amazon would call it, as its tokens say;
        everything else is here."""
        host = request.headers.get("host") or ""
        here = f"{request.peer.scheme}://{host}"
        port = host.rpartition(":")[2] if ":" in host.rpartition("]")[2] else ""
        said: Json = {
            "issuer": issuer_of(pool.id),
            "jwks_uri": f"{here}{base}/{pool.id}/.well-known/jwks.json",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "phone", "profile"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
        }
        if pool.domain:
            region = pool.id.partition("_")[0]
            own = f"{pool.domain}.auth.{region}.{self._suffix}" + (f":{port}" if port else "")
            at = f"{here}{PAGES}{pool.domain}" if base else f"{request.peer.scheme}://{own}"
            said |= {
                "authorization_endpoint": f"{at}/oauth2/authorize",
                "token_endpoint": f"{at}/oauth2/token",
                "userinfo_endpoint": f"{at}/oauth2/userInfo",
                "revocation_endpoint": f"{at}/oauth2/revoke",
                "end_session_endpoint": f"{at}/logout",
            }
        return msgspec.json.encode(said)

    async def _operation(self, service: str, request: Request) -> Reply:
        if request.method == "OPTIONS":
            return allowed(request)
        at_root = Request(
            request.method, "/", request.headers, request.body, request.peer, request.version
        )
        return for_any_origin(await self._api(at_root, service))


_DOCUMENTS = {"jwks.json": PoolDoor.keys, "openid-configuration": PoolDoor.configuration}


def _json(value: Json, status: int) -> Reply:
    fields = [("Content-Type", "application/json")]
    return Reply(status, Headers(fields), msgspec.json.encode(value))
