"""What is said of the versions of APIs, which there are, and those that files define."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from torana.app.definitions import BadDefinitions, Defined, Source, compiled, place
from torana.gateway.contract import Ports
from torana.gateway.errors import InvalidApi
from torana.gateway.locate import Live, Table, local_address
from torana.model.lifecycle import Lifecycle
from torana.services.apigateway.plane import Version
from torana.services.promises import Definition, Policy, judged

_log = logging.getLogger("torana")


def reader(
    find: Callable[[str], dict[str, Any] | None],
) -> Callable[[str, str], Lifecycle | None]:
    """`find` gives what was said at run time, by `{api}/{stage}`. What it gives raises
    `InvalidApi` for what cannot be understood."""

    def read(api_id: str, stage: str) -> Lifecycle | None:
        found = find(f"{api_id}/{stage}")
        try:
            return None if found is None else msgspec.convert(found, Lifecycle)
        except msgspec.ValidationError as error:
            raise InvalidApi(f"what is said of {api_id}/{stage}: {error}") from error

    return read


def served(table: Table) -> list[Version]:
    """Those of a table, by API and stage."""
    return [
        Version(
            id,
            stage,
            live.plan.to.api.name,
            live.plan.to.api.version,
            "HTTP" if live.plan.http else "REST",
            local_address(id, stage, live),
            live.plan.to.api.lifecycle,
        )
        for (id, stage), live in sorted(table.stages.items())
    ]


Place = tuple[str, str]
"""API id and stage name."""
Told = Callable[[str, str], Lifecycle | None]
"""What was said at run time."""


class Files:
    """The versions that files define, as they are served."""

    def __init__(self, breaking: Policy) -> None:
        self._breaking: Policy = breaking
        self.sources: dict[Place, Source] = {}
        self._documents: dict[Place, Defined] = {}

    def text(self, api_id: str, stage: str) -> str | None:
        """Of the file that defines a stage."""
        found = self.sources.get((api_id, stage))
        return found and found.text

    def check(self, documents: Sequence[Defined], sources: Sequence[Source], told: Told) -> None:
        """Raises `BadDefinitions` for what breaks the clients of a published version."""
        mistakes: list[str] = []
        for document, source in zip(documents, sources, strict=True):
            at = place(document)
            before, text = self._documents.get(at), self.text(*at)
            if before is None or text is None or text == source.text:
                continue
            life = told(*at) or document.api.lifecycle
            old = Definition(before.api.version, lambda text=text: text)
            new = Definition(document.api.version, lambda source=source: source.text)
            why = judged(self._breaking, "/".join(at), life, old, new)
            if why is not None:
                mistakes.append(f"{source.name}: {why}")
        if mistakes:
            raise BadDefinitions("\n".join(mistakes))

    def take(self, documents: Sequence[Defined], sources: Sequence[Source]) -> None:
        """These are served from now on."""
        ids = [place(document) for document in documents]
        self.sources = dict(zip(ids, sources, strict=True))
        self._documents = dict(zip(ids, documents, strict=True))

    def compiled(self, at: Place | None, ports: Ports) -> dict[Place, Live]:
        """A file's stage, or those of all files, by what is said of them now. One that cannot be
        compiled is left out: it goes on as it is."""
        found: dict[Place, Live] = {}
        for each, document in self._documents.items():
            if at in (None, each):
                try:
                    found[each] = compiled(document, ports)
                except InvalidApi as error:
                    _log.error("stage %s of API %s stays as it is: %s", each[1], each[0], error)
        return found
