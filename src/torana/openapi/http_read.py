"""A document of an HTTP API to the model: everything that is wrong with it is said in one go.

Source: Developer Guide, "Work with OpenAPI definitions for HTTP APIs".
"""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from torana.model.http_api import DEFAULT, Cors, HttpApi, Integration, Route, Stage
from torana.openapi import http_rules
from torana.openapi.extensions import CORS, ENDPOINTS, name_the_rest, tags
from torana.openapi.http_security import HttpSchemes
from torana.openapi.integration import EXTENSION as INTEGRATION
from torana.openapi.integration import SHARED
from torana.openapi.lifecycle import Deprecated, note_deprecated, read_lifecycle
from torana.openapi.mistakes import InvalidDocument, Mistake
from torana.openapi.opened import VARIABLES, opened
from torana.openapi.place import Place
from torana.openapi.privacy import Private, note_privacy, read_privacy
from torana.openapi.read import PROTOCOL, api_id, operations, warn_of_root_security
from torana.openapi.servers import BasePath, prefix
from torana.openapi.shape import fill, make
from torana.openapi.spot import SyntaxMistake
from torana.openapi.stage import EXTENSION as STAGE

VERSION = "x-amazon-apigateway-importexport-version"
_OLD_VERSION = "x-amazon-apigateway-importer-version"
_RENAMED = {
    "type": "integrationType",
    "httpMethod": "integrationMethod",
    "uri": "integrationUri",
    "credentials": "credentialsArn",
}
_UNUSED = {
    "requestBody": "request bodies are not validated",
    "parameters": "parameters are not validated",
}


class HttpDocument(Struct, frozen=True):
    """What a file says."""

    api: HttpApi
    stage: Stage
    warnings: tuple[Mistake, ...] = ()
    """What is accepted but does not do what it seems to."""
    info: tuple[str, ...] = ()
    """What OpenAPI means something by, and HTTP APIs do not."""


def read_http(
    text: str,
    filename: str,
    *,
    basepath: BasePath = "ignore",
    variables: Mapping[str, str] = VARIABLES,
) -> HttpDocument:
    """Read OpenAPI 3.0 or 3.1, in JSON or YAML. Raises `InvalidDocument`."""
    return http_document(opened(text, filename, variables), basepath)


def http_document(root: Place, basepath: BasePath = "ignore") -> HttpDocument:
    """The document that stands here. Raises `InvalidDocument`."""
    try:
        api, stage, info = _read(root, basepath)
    except SyntaxMistake as error:
        root.fail("syntax", str(error))
        raise InvalidDocument(root.sheet.mistakes()) from None
    mistakes = root.sheet.mistakes()
    if mistakes:
        raise InvalidDocument(mistakes)
    return HttpDocument(api, stage, root.sheet.warnings(), info)


def _read(root: Place, basepath: BasePath) -> tuple[HttpApi, Stage, tuple[str, ...]]:
    if root.sheet.version == "2.0":
        root.fail("version", "HTTP APIs are defined by OpenAPI 3.0 only", "write openapi: 3.0.1")
    about = root.find("info")
    title = about.text("title") if about else ""
    if not title:
        (about or root).fail("title", "the API has no name", "write info.title")
    schemes = HttpSchemes(root)
    if (security := root.find("security")) is not None:
        warn_of_root_security(security)
    reading = _Reading(root, schemes)
    routes, integrations, info = reading.all(prefix(root, basepath))
    lifecycle = read_lifecycle(root, reading.deprecated)
    for name in (PROTOCOL, VERSION, _OLD_VERSION):
        root.extension(name)
    api = HttpApi(
        api_id(root, title),
        title,
        tuple(routes),
        tuple(integrations),
        tuple(schemes.authorizers.values()),
        _cors(root),
        about.text("description") if about else "",
        about.text("version") if about else "",
        any(
            place.flag("disableExecuteApiEndpoint")
            for server in root.listed("servers")
            if (place := server.extension(ENDPOINTS)) is not None
        ),
        dict(tags(root)),
        lifecycle,
        read_privacy(root, reading.private),
    )
    stage = _stage(root, {each.route_key for each in routes})
    name_the_rest(root)
    return api, stage, tuple(info)


def _cors(root: Place) -> Cors | None:
    place = root.extension(CORS)
    found: Cors | None = None if place is None else make(place, Cors)
    if place is not None and found is not None and (wrong := http_rules.cors(found)):
        place.fail("cors", wrong)
    return found


class _Reading:
    """The routes of a document, with their integrations."""

    def __init__(self, root: Place, schemes: HttpSchemes) -> None:
        self._root, self._schemes = root, schemes
        self._routes: dict[str, Route] = {}
        self._integrations: dict[str, Integration] = {}
        self._info: list[str] = []
        self.deprecated: Deprecated = {}
        self.private: Private = {}

    def all(self, base: str) -> tuple[list[Route], list[Integration], list[str]]:
        """Routes, integrations and what is ignored."""
        paths = self._root.find("paths")
        if paths is None:
            self._root.fail("missing", "the document has no paths")
            return [], [], []
        self._shared()
        for path, declared in paths.items():
            item = None if path.startswith("x-") else declared.follow()
            if item is None:
                continue
            for verb, operation in operations(item):
                key = DEFAULT if path == f"/{DEFAULT}" else f"{verb} {base}{path}"
                self._route(key, operation)
        return list(self._routes.values()), list(self._integrations.values()), self._info

    def _shared(self) -> None:
        """`components/x-amazon-apigateway-integrations` is read where operations refer to it."""
        components = self._root.find("components")
        shared = components and components.extension(SHARED)
        for _, place in () if shared is None else shared.items():
            self._root.sheet.understood.add(place.path)

    def _route(self, key: str, operation: Place) -> None:
        wrong = http_rules.route_key(key)
        if wrong is not None:
            operation.fail("path", wrong)
            return
        if key in self._routes:
            operation.fail("path-twice", f"the route {key} stands twice")
            return
        for name, why in _UNUSED.items():
            if operation.find(name) is not None:
                self._info.append(f"{name} of {key} is ignored: {why} by HTTP APIs")
        note_deprecated(self.deprecated, key, operation)
        note_privacy(self.private, key, operation)
        demand = self._schemes.demand(operation)
        id = self._integration(operation)
        self._routes[key] = Route(
            key,
            route_id=key,
            target=f"integrations/{id}" if id else "",
            authorization_type=demand.authorization_type,
            authorizer_id=demand.authorizer_id,
            authorization_scopes=demand.authorization_scopes,
            operation_name=operation.text("operationId") or None,
        )

    def _integration(self, operation: Place) -> str | None:
        """Its id; one that several operations refer to is one."""
        at = operation.extension(INTEGRATION)
        if at is None:
            operation.warn(
                "integration-missing", "the route has no integration", f"add {INTEGRATION}"
            )
            return None
        place = at.follow()
        if place is None:
            return None
        id = "integration" + str(len(self._integrations) + 1)
        if place.path != at.path:
            id = str(place.key)
            if id in self._integrations:
                return id
        made: Integration | None = make(place, Integration, renamed=_RENAMED)
        if made is None:
            return None
        function = made.integration_type == "AWS_PROXY" and not made.integration_subtype
        if function and place.find("payloadFormatVersion") is None:
            place.fail("integration", "payloadFormatVersion is required for Lambda integrations")
        if wrong := http_rules.integration(made):
            place.fail("integration", wrong)
        self._integrations[id] = replace(made, integration_id=id)
        return id


def _stage(root: Place, keys: set[str]) -> Stage:
    """The stage; `$default` with nothing set when the document says nothing."""
    place = root.extension(STAGE)
    if place is None:
        return Stage()
    renamed = {"name": "stageName", "variables": "stageVariables"}
    stage = Stage(**fill(place, Stage, renamed=renamed, strict=True))
    for key, at in place.members("routeSettings"):
        if key not in keys:
            at.fail("stage-route", f"no route {key[:200]!r} for these settings")
    return stage
