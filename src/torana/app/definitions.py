"""API files into a table of live stages: read all, compile all, or refuse all."""

import logging
from collections.abc import Generator, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from torana.gateway import plan
from torana.gateway.contract import Ports
from torana.gateway.errors import InvalidApi
from torana.gateway.http_api import plan as http_plan
from torana.gateway.locate import Domains, Live, Table, by_length
from torana.model.rest import RestApi, Stage
from torana.model.version_set import VersionSet, longest_first
from torana.net.pauses import at_once
from torana.openapi import Document, HttpDocument, InvalidDocument
from torana.openapi.http_read import http_document
from torana.openapi.opened import opened
from torana.openapi.read import document as rest_document
from torana.openapi.read import is_http
from torana.settings import Domain
from torana.vtl import TemplateError
from torana.vtl import compile as compile_template

_log = logging.getLogger("torana")

SUFFIXES = (".yaml", ".yml", ".json")


class Source(Struct, frozen=True):
    """A file's text as it was when it was read, so that every worker compiles the same."""

    name: str
    text: str


class BadDefinitions(Exception):
    """Every mistake of every file, a line each."""


def gather(paths: Iterable[str]) -> tuple[Source, ...]:
    """Read the files, and those of the folders. Raises `BadDefinitions`."""
    sources: list[Source] = []
    for path in map(Path, paths):
        for file in _files(path):
            try:
                sources.append(Source(str(file), file.read_text("utf-8")))
            except (OSError, UnicodeDecodeError) as error:
                raise BadDefinitions(f"{file}: {error}") from error
    return tuple(sources)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if file.suffix in SUFFIXES)


Defined = Document | HttpDocument
"""A file of a REST API, or of an HTTP API, which says so: `x-torana-protocol: HTTP`."""


def parse(sources: Sequence[Source]) -> tuple[Defined, ...]:
    """Every document. Raises `BadDefinitions` with the mistakes of all of them."""
    documents: list[Defined] = []
    mistakes: list[str] = []
    for source in sources:
        try:
            document = _read(source)
            for warning in document.warnings:
                _log.warning("%s", warning)
            documents.append(document)
        except InvalidDocument as error:
            mistakes.extend(str(mistake) for mistake in error.mistakes)
    mistakes.extend(_twice(documents))
    if mistakes:
        raise BadDefinitions("\n".join(mistakes))
    return tuple(documents)


def _read(source: Source) -> Defined:
    """Raises `InvalidDocument`."""
    root = opened(source.text, source.name)
    return http_document(root) if is_http(root) else rest_document(root, _template_mistake)


def place(document: Defined) -> tuple[str, str]:
    """API id and stage name."""
    if isinstance(document, HttpDocument):
        return document.api.api_id, document.stage.stage_name
    return document.api.id, document.stage.stage_name


def compiled(document: Defined, ports: Ports) -> Live:
    """A document's stage as it is served. Raises `InvalidApi`."""
    if isinstance(document, HttpDocument):
        return Live(http_plan.compile(document.api, document.stage, ports))
    return live(document.api, document.stage, ports)


def _template_mistake(source: str) -> str | None:
    try:
        compile_template(source)
    except TemplateError as error:
        return str(error)
    return None


def _twice(documents: Sequence[Defined]) -> list[str]:
    seen: set[tuple[str, str]] = set()
    found: list[str] = []
    for document in documents:
        key = place(document)
        if key in seen:
            found.append(
                f"two files define stage {key[1]!r} of API {key[0]!r}: give one another x-torana-id"
            )
        seen.add(key)
    return found


def compile_table(documents: Sequence[Defined], ports: Ports, domains: dict[str, Domain]) -> Table:
    """Every stage's plan. Raises `BadDefinitions`; nothing of what runs is touched."""
    stages: dict[tuple[str, str], Live] = {}
    mistakes: list[str] = []
    for document in documents:
        try:
            stages[place(document)] = compiled(document, ports)
        except InvalidApi as error:
            mistakes.append(str(error))
    if mistakes:
        raise BadDefinitions("\n".join(mistakes))
    return Table(stages, _domains(domains), sets=_sets(domains))


def live(api: RestApi, stage: Stage, ports: Ports, canary: RestApi | None = None) -> Live:
    """A stage as it is served; `canary` is the API of its canary's deployment. A canary without a
    deployment is the same API with other stage variables.

    Raises `InvalidApi`.
    """
    return at_once(bringing_live(api, stage, ports, canary))


def bringing_live(
    api: RestApi, stage: Stage, ports: Ports, canary: RestApi | None = None
) -> Generator[None, None, Live]:
    """`live`, with pauses."""
    settings = stage.canary_settings
    served = yield from plan.compiling(api, stage, ports)
    if settings is None:
        return Live(served)
    if canary is None:
        if settings.deployment_id:
            raise InvalidApi(f"{api.name}: there is no deployment {settings.deployment_id!r}")
        canary = api
    variables = {**stage.variables, **settings.stage_variable_overrides}
    other = msgspec.structs.replace(stage, variables=variables)
    tried = yield from plan.compiling(canary, other, ports, canary=True)
    return Live(served, tried, settings.percent_traffic)


def _sets(domains: dict[str, Domain]) -> dict[str, tuple[VersionSet, ...]]:
    """Raises `BadDefinitions`."""
    table: dict[str, tuple[VersionSet, ...]] = {}
    for name, domain in domains.items():
        found: list[VersionSet] = []
        for base, given in domain.versions.items():
            stages = {each: _target(to) for each, to in given.stages.items()}
            made = VersionSet(
                base.strip("/"), stages, given.header, given.media_type_parameter, given.default
            )
            if (why := made.wrong()) is not None:
                raise BadDefinitions(f"domains.{name}.versions.{base}: {why}")
            found.append(made)
        if found:
            table[name.lower()] = longest_first(found)
    return table


def _target(text: str) -> tuple[str, str]:
    api_id, _, stage = text.partition("/")
    return api_id, stage


def _domains(domains: dict[str, Domain]) -> Domains:
    table: dict[str, Mapping[str, tuple[str, str]]] = {}
    for name, domain in domains.items():
        bases: dict[str, tuple[str, str]] = {}
        for base, target in domain.base_paths.items():
            bases[base.strip("/")] = _target(target)
        table[name.lower()] = by_length(bases)
    return table
