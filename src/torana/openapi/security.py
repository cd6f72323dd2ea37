"""Security schemes as authorizers, and what an operation asks of its callers.

Source: Developer Guide, "x-amazon-apigateway-authorizer", "-authtype", "-auth", and "Set up API
keys using the OpenAPI definition". As on the service, requirements are not alternatives: all that
an operation names holds.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

from msgspec import Struct

from torana.model.rest import Authorizer
from torana.openapi.expressions import parameter
from torana.openapi.place import Place
from torana.openapi.shape import fill

AUTHORIZER = "x-amazon-apigateway-authorizer"
AUTHTYPE = "x-amazon-apigateway-authtype"
AUTH = "x-amazon-apigateway-auth"
RENAMED = {"providerARNs": "providerArns"}

AuthorizationType = Literal["NONE", "AWS_IAM", "CUSTOM", "COGNITO_USER_POOLS"]


class Demand(Struct):
    """What an operation asks for."""

    authorization_type: AuthorizationType = "NONE"
    authorizer: str | None = None
    authorization_scopes: tuple[str, ...] = ()
    api_key_required: bool = False


Take = Callable[[Demand, Place], None]
"""How a scheme changes a demand; the place is the requirement's list of scopes."""


class Schemes:
    """The security schemes of a document."""

    def __init__(self, root: Place) -> None:
        self.authorizers: dict[str, Authorizer] = {}
        self._takers: dict[str, Take] = {}
        holder: Place | None = root
        if root.sheet.version != "2.0":
            holder = root.find("components")
        key = "securityDefinitions" if root.sheet.version == "2.0" else "securitySchemes"
        if holder is not None:
            for name, place in holder.members(key):
                target = place.follow()
                if target is not None:
                    self._takers[name] = self._scheme(name, target)

    def _scheme(self, name: str, place: Place) -> Take:
        authtype = place.extension(AUTHTYPE)
        kind = (authtype.as_text() or "") if authtype else ""
        extension = place.extension(AUTHORIZER)
        if extension is not None:
            authorizer = _authorizer(name, place, extension, kind or "custom")
            if authorizer is None:
                return lambda demand, scopes: None
            self.authorizers[name] = authorizer
            return _authorized(authorizer)
        if kind.lower() == "awssigv4":
            return _signed
        if place.text("type") == "apiKey" and place.text("name").lower() == "x-api-key":
            return _keyed
        return _ignored(place)

    def demand(self, operation: Place) -> Demand:
        """What an operation asks for. Notes what it names and is not there."""
        demand = Demand()
        for requirement in operation.listed("security"):
            for name, scopes in requirement.items():
                taker = self._takers.get(name)
                if taker is None:
                    scopes.fail("security", f"no security scheme is called {name!r}")
                else:
                    taker(demand, scopes)
        auth = operation.extension(AUTH)
        if auth is not None:
            _auth(demand, auth)
        return demand


def _auth(demand: Demand, auth: Place) -> None:
    """`x-amazon-apigateway-auth: {type: AWS_IAM | NONE}`."""
    kind = auth.text("type").upper()
    if kind == "AWS_IAM":
        _signed(demand, auth)
    elif kind != "NONE":
        auth.fail("security", f"{AUTH}: type cannot be {kind[:40]!r}", "one of NONE, AWS_IAM")


def _signed(demand: Demand, at: Place) -> None:
    if demand.authorization_type not in ("NONE", "AWS_IAM"):
        at.fail("security", "a method has one authorizer, and this operation names two")
        return
    demand.authorization_type = "AWS_IAM"


def _keyed(demand: Demand, at: Place) -> None:
    demand.api_key_required = True


def _ignored(scheme: Place) -> Take:
    kind = scheme.text("type") or "nothing"

    def take(demand: Demand, at: Place) -> None:
        at.warn(
            "security-ignored",
            f"the scheme ({kind}) has no authorizer, so the operation stays open to all, as on "
            "the service",
            f"give the scheme {AUTHORIZER} or {AUTHTYPE}",
        )

    return take


def _authorized(authorizer: Authorizer) -> Take:
    kind: AuthorizationType = (
        "COGNITO_USER_POOLS" if authorizer.type == "COGNITO_USER_POOLS" else "CUSTOM"
    )

    def take(demand: Demand, at: Place) -> None:
        if demand.authorizer not in (None, authorizer.name) or (
            demand.authorization_type == "AWS_IAM"
        ):
            at.fail("security", "a method has one authorizer, and this operation names two")
            return
        demand.authorization_type, demand.authorizer = kind, authorizer.name
        scopes = [scope.as_text() for scope in at.elements()]
        demand.authorization_scopes = tuple(scope for scope in scopes if scope)

    return take


def _authorizer(name: str, scheme: Place, place: Place, authtype: str) -> Authorizer | None:
    kind = place.find("type")
    if kind is not None and str(kind.value).lower() == "jwt":
        kind.fail("http-api-only", "authorizers of type jwt are only for HTTP APIs")
        return None
    values = fill(place, Authorizer, skip=("name", "authType"), renamed=RENAMED)
    if "type" not in values:
        if kind is None:
            place.fail("missing", f"{AUTHORIZER} has no type")
        return None
    if values["type"] == "COGNITO_USER_POOLS" and authtype == "custom":
        authtype = "cognito_user_pools"
    if not values.get("identity_source") and values["type"] != "REQUEST":
        values["identity_source"] = _header(scheme)
    _check(place, values)
    return Authorizer(name=name, auth_type=authtype, **values)


def _header(scheme: Place) -> str:
    """The header that an `apiKey` scheme names holds the token."""
    name = scheme.text("name", "Authorization")
    if not parameter(name):
        scheme.fail("security", f"a header cannot be called {name[:80]!r}")
    return f"method.request.header.{name}"


def _check(place: Place, values: Mapping[str, Any]) -> None:
    if values["type"] == "COGNITO_USER_POOLS":
        if not values.get("provider_arns"):
            place.fail("authorizer", "an authorizer of type cognito_user_pools needs providerARNs")
    elif not str(values.get("authorizer_uri", "")).startswith("arn:"):
        at = place.find("authorizerUri") or place
        at.fail(
            "authorizer",
            "authorizerUri must be the ARN of a function's invocation",
            "write arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{ARN}/invocations",
        )
    ttl = cast(int, values.get("authorizer_result_ttl_in_seconds", 300))
    at = place.find("authorizerResultTtlInSeconds") or place
    if not 0 <= ttl <= 3600:
        at.fail("authorizer", f"authorizerResultTtlInSeconds must be 0 to 3600, not {ttl}")
    if values["type"] == "REQUEST" and ttl > 0 and not values.get("identity_source"):
        at.fail(
            "authorizer",
            "a request authorizer whose results are cached needs identitySource",
            "name the headers, or set authorizerResultTtlInSeconds: 0",
        )
