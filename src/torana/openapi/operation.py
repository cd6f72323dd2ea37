"""One operation: its parameters, bodies, answers and security, as a method of the API.

Both families of documents are read here; what differs between them is a table at the end.
Source: OpenAPI 2.0, 3.0 and 3.1, "Operation Object"; Developer Guide, "Important notes".
"""

import re
from collections.abc import Callable, Iterator

from msgspec import Struct

from torana.model.rest import Integration, Method, MethodResponse
from torana.openapi.expressions import parameter
from torana.openapi.integration import EXTENSION, Declared, read_integration
from torana.openapi.lifecycle import Deprecated
from torana.openapi.models import Models
from torana.openapi.place import Place
from torana.openapi.privacy import Private
from torana.openapi.security import Schemes
from torana.openapi.templates import CheckTemplate, check_media_type

REQUEST_VALIDATOR = "x-amazon-apigateway-request-validator"
_STATUS = re.compile(r"[1-5]\d\d")
_WHERE = {"path": "path", "query": "querystring", "header": "header"}


class Setting(Struct, frozen=True):
    """What every operation of a document shares."""

    root: Place
    models: Models
    schemes: Schemes
    validators: frozenset[str]
    default_validator: str | None
    edge: bool
    check_template: CheckTemplate | None
    deprecated: Deprecated
    private: Private
    """Filled while operations are read."""


def read_operation(
    setting: Setting, path: str, verb: str, shared: list[Place], operation: Place
) -> Method | None:
    """The method, or None when its mistakes leave none. `shared`: the path's own parameters."""
    family = SWAGGER if setting.root.sheet.version == "2.0" else OPENAPI
    name = operation.text("operationId") or None
    hint = name or f"{verb.title()}{path.title()}"
    parameters = _parameters(shared, operation)
    declared = _declared(parameters)
    request_models = _models(setting, family.bodies(setting, parameters, operation), hint)
    responses = tuple(_responses(setting, family, operation, hint))
    demand = setting.schemes.demand(operation)
    validator = _validator(setting, operation)
    integration = _integration(setting, operation, Declared(declared, responses, setting.edge))
    if integration is None:
        return None
    return Method(
        http_method=verb,
        path=path,
        integration=integration,
        authorization_type=demand.authorization_type,
        authorizer=demand.authorizer,
        authorization_scopes=demand.authorization_scopes,
        api_key_required=demand.api_key_required,
        request_validator=validator,
        request_parameters=declared,
        request_models=request_models,
        responses=responses,
        operation_name=name,
        description=operation.text("description") or operation.text("summary"),
    )


def _integration(setting: Setting, operation: Place, declared: Declared) -> Integration | None:
    place = operation.extension(EXTENSION)
    if place is None:
        operation.fail(
            "integration-missing",
            "no integration defined for method",
            f"give the operation {EXTENSION}",
        )
        return None
    return read_integration(place, declared, setting.check_template)


def _validator(setting: Setting, operation: Place) -> str | None:
    place = operation.extension(REQUEST_VALIDATOR)
    if place is None:
        return setting.default_validator
    name = place.as_text() or ""
    if name not in setting.validators:
        place.fail(
            "validator",
            f"no request validator is called {name[:100]!r}",
            "declare it in x-amazon-apigateway-request-validators",
        )
    return name


def _parameters(shared: list[Place], operation: Place) -> dict[tuple[str, str], Place]:
    """By (place, name); the operation's own win over the path's."""
    found: dict[tuple[str, str], Place] = {}
    own = list(operation.listed("parameters"))
    for declared in [*shared, *own]:
        place = declared.follow()
        if place is None:
            continue
        where, name = place.text("in"), place.text("name")
        if not where or not name:
            place.fail("parameter", "a parameter needs a name and a place (in)")
        else:
            found[where, name] = place
    return found


def _declared(parameters: dict[tuple[str, str], Place]) -> dict[str, bool]:
    declared: dict[str, bool] = {}
    names: dict[str, str] = {}
    for (where, name), place in parameters.items():
        if where in ("body", "formData"):
            continue
        kind = _WHERE.get(where)
        if kind is None:
            place.warn("parameter-ignored", f"parameters in {where[:40]} are ignored: {name[:80]}")
        elif not parameter(name):
            place.fail("parameter", f"a parameter cannot be called {name[:80]!r}")
        elif names.setdefault(name, kind) != kind:
            place.fail(
                "parameter",
                f"parameter names must be unique across querystring, header and path: {name}",
            )
        else:
            declared[f"method.request.{kind}.{name}"] = kind == "path" or place.flag("required")
    return declared


def _models(
    setting: Setting, bodies: Iterator[tuple[str, Place, Place]], hint: str
) -> dict[str, str]:
    """Content type to model, for (content type, where it is said, schema)."""
    found: dict[str, str] = {}
    for content_type, at, schema in bodies:
        check_media_type(content_type, at)
        name = setting.models.use(schema, hint)
        if name is not None:
            found[content_type] = name
    return found


def _responses(
    setting: Setting, family: "Family", operation: Place, hint: str
) -> Iterator[MethodResponse]:
    for status, declared in operation.members("responses"):
        place = declared.follow()
        if place is None or status.startswith("x-"):
            continue
        if status == "default":
            declared.warn("response-default", "a default response is not supported; it is ignored")
            continue
        if not _STATUS.fullmatch(status):
            declared.fail("status", f"the status code {status[:40]!r} must match [1-5]\\d\\d")
            continue
        headers: dict[str, bool] = {}
        for name, header in place.members("headers"):
            target = header.follow()
            if target is None:
                continue
            if not parameter(name):
                header.fail("parameter", f"a header cannot be called {name[:80]!r}")
            headers[f"method.response.header.{name}"] = target.flag("required")
        answers = family.answers(setting, operation, place)
        yield MethodResponse(status, headers, _models(setting, answers, f"{hint}Response{status}"))


class Family(Struct, frozen=True):
    """Where a family of documents keeps the schemas of bodies."""

    bodies: Callable[
        [Setting, dict[tuple[str, str], Place], Place], Iterator[tuple[str, Place, Place]]
    ]
    answers: Callable[[Setting, Place, Place], Iterator[tuple[str, Place, Place]]]


def _content(owner: Place) -> Iterator[tuple[str, Place, Place]]:
    for content_type, media in owner.members("content"):
        schema = media.find("schema")
        if schema is not None:
            yield content_type, media, schema


def _request_body(
    setting: Setting, parameters: dict[tuple[str, str], Place], operation: Place
) -> Iterator[tuple[str, Place, Place]]:
    body = operation.find("requestBody")
    target = body and body.follow()
    if target is not None:
        yield from _content(target)


def _body_parameter(
    setting: Setting, parameters: dict[tuple[str, str], Place], operation: Place
) -> Iterator[tuple[str, Place, Place]]:
    for (where, name), place in parameters.items():
        schema = place.find("schema")
        if where == "formData":
            place.warn("parameter-ignored", f"form parameters are not validated: {name[:80]}")
        if where == "body" and schema is not None:
            for content_type, at in _media_types(setting, operation, "consumes"):
                yield content_type, at, schema


def _schema(
    setting: Setting, operation: Place, response: Place
) -> Iterator[tuple[str, Place, Place]]:
    schema = response.find("schema")
    if schema is not None:
        for content_type, at in _media_types(setting, operation, "produces"):
            yield content_type, at, schema


def _media_types(setting: Setting, operation: Place, key: str) -> Iterator[tuple[str, Place]]:
    owner = operation if operation.find(key) is not None else setting.root
    found = False
    for place in owner.listed(key):
        content_type = place.as_text()
        if content_type:
            found = True
            yield content_type, place
    if not found:
        yield "application/json", operation


OPENAPI = Family(_request_body, lambda setting, operation, response: _content(response))
SWAGGER = Family(_body_parameter, _schema)
