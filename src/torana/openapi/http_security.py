"""Security schemes as authorizers of HTTP APIs, and what an operation asks of its callers.

Source: Developer Guide, "x-amazon-apigateway-authorizer object", "x-amazon-apigateway-auth object".
"""

from msgspec import Struct

from torana.model.http_api import AuthorizationType, Authorizer, JwtConfiguration
from torana.openapi import http_rules
from torana.openapi.place import Place
from torana.openapi.security import AUTH, AUTHORIZER, AUTHTYPE
from torana.openapi.shape import fill

_RENAMED = {"type": "authorizerType", "authorizerCredentials": "authorizerCredentialsArn"}
_DISCOVERY = "/.well-known/openid-configuration"
_TYPES: dict[str, AuthorizationType] = {"JWT": "JWT", "REQUEST": "CUSTOM"}


class Demand(Struct):
    """What an operation asks for."""

    authorization_type: AuthorizationType = "NONE"
    authorizer_id: str | None = None
    authorization_scopes: tuple[str, ...] = ()


class HttpSchemes:
    """The security schemes of a document. An authorizer's id is its scheme's name."""

    def __init__(self, root: Place) -> None:
        self.authorizers: dict[str, Authorizer] = {}
        self._signed: set[str] = set()
        self._others: set[str] = set()
        components = root.find("components")
        for name, place in () if components is None else components.members("securitySchemes"):
            scheme = place.follow()
            if scheme is not None:
                self._scheme(name, scheme)

    def _scheme(self, name: str, scheme: Place) -> None:
        authtype = scheme.extension(AUTHTYPE)
        extension = scheme.extension(AUTHORIZER)
        if extension is not None:
            found = _authorizer(name, scheme, extension)
            if found is not None:
                self.authorizers[name] = found
        elif authtype is not None and (authtype.as_text() or "").lower() == "awssigv4":
            self._signed.add(name)
        else:
            self._others.add(name)

    def demand(self, operation: Place) -> Demand:
        """What an operation asks for. Notes what it names and is not there."""
        demand = Demand()
        auth = operation.extension(AUTH)
        if auth is not None and auth.text("type").upper() == "AWS_IAM":
            demand.authorization_type = "AWS_IAM"
        for requirement in operation.listed("security"):
            for name, scopes in requirement.items():
                self._take(demand, name, scopes)
        return demand

    def _take(self, demand: Demand, name: str, scopes: Place) -> None:
        found = self.authorizers.get(name)
        if found is not None:
            demand.authorization_type = _TYPES[found.authorizer_type]
            demand.authorizer_id = name
            if found.authorizer_type == "JWT":
                texts = [each.as_text() for each in scopes.elements()]
                demand.authorization_scopes = tuple(each for each in texts if each)
        elif name in self._signed:
            demand.authorization_type = "AWS_IAM"
        elif name in self._others:
            scopes.warn("security", f"scheme {name!r} has no authorizer; it is ignored")
        else:
            scopes.fail("security", f"no security scheme is called {name!r}")


def _authorizer(name: str, scheme: Place, place: Place) -> Authorizer | None:
    skip = ("identitySource", "jwtConfiguration", "name", "authorizerId")
    values = fill(place, Authorizer, skip=skip, renamed=_RENAMED)
    if "authorizer_type" not in values:
        place.fail("authorizer", "an authorizer needs a type: jwt or request")
        return None
    values["identity_source"] = _sources(place)
    settings = place.find("jwtConfiguration")
    if settings is not None or values["authorizer_type"] == "JWT":
        own = fill(settings, JwtConfiguration) if settings is not None else {}
        url = scheme.text("openIdConnectUrl")
        if not own.get("issuer") and url.endswith(_DISCOVERY):
            own["issuer"] = url.removesuffix(_DISCOVERY)
        values["jwt_configuration"] = JwtConfiguration(**own)
    made = Authorizer(name=name, authorizer_id=name, **values)
    wrong = http_rules.authorizer(made)
    if wrong is not None:
        place.fail("authorizer", wrong)
        return None
    return made


def _sources(place: Place) -> tuple[str, ...]:
    """A list, or a text with commas."""
    found = place.find("identitySource")
    if found is None:
        return ()
    if found.is_list:
        texts = [each.as_text() or "" for each in found.elements()]
    else:
        texts = (found.as_text() or "").split(",")
    return tuple(each.strip() for each in texts if each.strip())
