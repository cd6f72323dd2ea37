"""A document to the model: everything that is wrong with it is said in one go."""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from torana.model.rest import Method, RestApi, Stage
from torana.openapi.extensions import ANY, VALIDATOR, name_the_rest, root_fields
from torana.openapi.integration import SHARED
from torana.openapi.lifecycle import note_deprecated, read_lifecycle
from torana.openapi.mistakes import InvalidDocument, Mistake
from torana.openapi.models import Models
from torana.openapi.opened import VARIABLES, opened
from torana.openapi.operation import Setting, read_operation
from torana.openapi.paths import Resources
from torana.openapi.place import Place
from torana.openapi.privacy import note_privacy, read_privacy
from torana.openapi.security import Schemes
from torana.openapi.servers import BasePath, prefix
from torana.openapi.spot import SyntaxMistake
from torana.openapi.stage import read_stage
from torana.openapi.templates import CheckTemplate

ID = "x-torana-id"
PROTOCOL = "x-torana-protocol"
"""`HTTP` for documents of HTTP APIs; else they are of REST APIs."""

VERBS = ("get", "put", "post", "delete", "options", "head", "patch")
_NOT_VERBS = ("parameters", "summary", "description", "servers", "$ref")
_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class Document(Struct, frozen=True):
    """What a file says."""

    api: RestApi
    stage: Stage
    warnings: tuple[Mistake, ...] = ()
    """What is accepted but does not do what it seems to."""


def read(
    text: str,
    filename: str,
    *,
    check_template: CheckTemplate | None = None,
    basepath: BasePath = "ignore",
    variables: Mapping[str, str] = VARIABLES,
) -> Document:
    """Read OpenAPI 3.0, 3.1 or Swagger 2.0, in JSON or YAML. Raises `InvalidDocument`.

    `check_template` is asked about every mapping template, and answers what is wrong or None.
    """
    return document(opened(text, filename, variables), check_template, basepath)


def document(
    root: Place, check_template: CheckTemplate | None = None, basepath: BasePath = "ignore"
) -> Document:
    """The document that stands here. Raises `InvalidDocument`."""
    sheet = root.sheet
    try:
        api, stage = _read(root, check_template, basepath)
    except SyntaxMistake as error:
        root.fail("syntax", str(error))
        raise InvalidDocument(sheet.mistakes()) from None
    mistakes = sheet.mistakes()
    if mistakes:
        raise InvalidDocument(mistakes)
    return Document(api, stage, sheet.warnings())


def _read(
    root: Place, check_template: CheckTemplate | None, basepath: BasePath
) -> tuple[RestApi, Stage]:
    protocol = root.extension(PROTOCOL)
    if protocol is not None and protocol.as_text() != "REST":
        protocol.fail("protocol", "this is read as a REST API", f"{PROTOCOL} must be REST or HTTP")
    info = root.find("info")
    title = info.text("title") if info else ""
    if not title:
        (info or root).fail("title", "the API has no name", "write info.title")
    fields = root_fields(root, check_template)
    endpoints = fields.get("endpoint_configuration")
    setting = Setting(
        root=root,
        models=Models(root),
        schemes=Schemes(root),
        validators=frozenset(fields["request_validators"]),
        default_validator=_default_validator(root, fields["request_validators"]),
        edge=endpoints is not None and "EDGE" in endpoints.types,
        check_template=check_template,
        deprecated={},
        private={},
    )
    if (security := root.find("security")) is not None:
        warn_of_root_security(security)
    methods = tuple(_methods(setting, prefix(root, basepath)))
    _shared_integrations(root)
    lifecycle = read_lifecycle(root, setting.deprecated)
    api = RestApi(
        id=api_id(root, title),
        name=title,
        methods=methods,
        description=info.text("description") if info else "",
        version=info.text("version") if info else "",
        models=setting.models.found,
        authorizers=setting.schemes.authorizers,
        lifecycle=lifecycle,
        privacy=read_privacy(root, setting.private),
        **fields,
    )
    stage = read_stage(root, methods)
    name_the_rest(root)
    return api, stage


def api_id(root: Place, title: str) -> str:
    """`x-torana-id`, or one made of the title."""
    place = root.extension(ID)
    if place is None:
        return slug(title)
    name = place.as_text() or ""
    if not _ID.fullmatch(name):
        place.fail("id", f"an API's id cannot be {name[:80]!r}", "a-z 0-9 and - within, up to 63")
    return name


def slug(title: str) -> str:
    """An id from a title: `Pet Store!` is `pet-store`."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:63].rstrip("-") or "api"


def _default_validator(root: Place, validators: Mapping[str, object]) -> str | None:
    place = root.extension(VALIDATOR)
    name = place and place.as_text()
    if place is None or name is None:
        return None
    if name not in validators:
        place.fail("validator", f"no request validator is called {name[:100]!r}")
    return name


def _shared_integrations(root: Place) -> None:
    """`components/x-amazon-apigateway-integrations` is read where operations refer to it."""
    components = root.find("components")
    shared = components and components.extension(SHARED)
    for _, place in () if shared is None else shared.items():
        root.sheet.understood.add(place.path)


def _methods(setting: Setting, base: str) -> Iterator[Method]:
    paths = setting.root.find("paths")
    if paths is None:
        setting.root.fail("missing", "the document has no paths")
        return
    resources = Resources()
    for written, declared in paths.items():
        if written.startswith("x-"):
            continue
        wanted = base + written if written.startswith("/") else written
        path = resources.add(wanted, declared) or wanted
        item = declared.follow()
        if item is None:
            continue
        shared = list(item.listed("parameters"))
        for verb, operation in operations(item):
            method = read_operation(setting, path, verb, shared, operation)
            if method is not None:
                note_deprecated(setting.deprecated, f"{verb} {path}", operation)
                note_privacy(setting.private, f"{verb} {path}", operation)
                yield method


def operations(item: Place) -> Iterator[tuple[str, Place]]:
    """Verbs of a path, `ANY` among them. Notes what is none."""
    item.extension(ANY)
    for key, place in item.items():
        if key == ANY:
            yield "ANY", place
        elif key in VERBS:
            yield key.upper(), place
        elif key not in _NOT_VERBS and not key.startswith("x-"):
            place.fail(
                "method",
                f"invalid HttpMethod specified: {key[:40]!r}",
                "valid are get, put, post, delete, patch, options, head and " + ANY,
            )


def warn_of_root_security(security: Place) -> None:
    """It protects nothing."""
    security.warn(
        "security-ignored",
        "security at the root of a document is ignored, as on the service",
        "repeat it in the operations",
    )


def is_http(root: Place) -> bool:
    """Whether a document says that it is of an HTTP API."""
    protocol = root.find(PROTOCOL)
    return protocol is not None and protocol.value == "HTTP"
