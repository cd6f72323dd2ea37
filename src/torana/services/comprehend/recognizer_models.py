"""Custom entity recognisers: what is kept of them, and how one is trained.

Source: Amazon Comprehend Developer Guide, "Plain-text annotation files" and "Entity lists".
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
from msgspec import Struct

from torana.model.marked_text import Marked, Measured, Training
from torana.services.comprehend.training import (
    LONGEST,
    Unusable,
    moment,
    now,
    outcome,
    progress,
    texts,
)
from torana.services.documents import keep
from torana.services.ports import Engines
from torana.state.objects import ObjectStore
from torana.state.store import Store

RECOGNIZER = "comprehend-recognizer"
_HEADS = {"file", "line", "begin offset", "end offset", "text", "type"}

Json = dict[str, Any]


class Recognizer(Struct, frozen=True):
    """What is kept of a recogniser. Its document's id is its ARN."""

    arn: str
    language: str
    role: str
    input: Json
    """`InputDataConfig`, as it was given."""
    submitted: float
    model: str
    """The name of the model's file."""
    version: str = ""
    status: str = "SUBMITTED"
    message: str = ""
    started: float = 0.0
    ended: float = 0.0
    documents: int = 0
    tested: int = 0
    whole: Measured | None = None
    types: dict[str, Measured] = {}


def new_model() -> str:
    """A name for a model's file."""
    return f"{uuid4().hex}.crf"


class Recognizers:
    """Keeps recognisers and trains them. `folder`: for the models' files."""

    def __init__(self, store: Store, objects: ObjectStore, engines: Engines, folder: Path) -> None:
        self.store, self._objects, self._engines = store, objects, engines
        self._folder = folder

    def path(self, recognizer: Recognizer) -> Path:
        """The model's file."""
        return self._folder / recognizer.model

    async def get(self, arn: str) -> Recognizer | None:
        """By its ARN."""
        found = await self.store.get(RECOGNIZER, arn)
        return found and msgspec.json.decode(found.body, type=Recognizer)

    async def all(self, prefix: str = "") -> list[Recognizer]:
        """Those whose ARN begins so."""
        return [
            msgspec.json.decode(found.body, type=Recognizer)
            async for found in self.store.scan(RECOGNIZER, prefix)
        ]

    async def keep(self, thing: Recognizer) -> None:
        """Write it down."""
        await keep(self.store, RECOGNIZER, thing.arn, msgspec.json.encode(thing))

    async def resume(self) -> None:
        """Train what an earlier process left untrained."""
        for each in await self.all():
            if each.status in ("SUBMITTED", "TRAINING"):
                await self.train(each)

    async def train(self, wanted: Recognizer) -> None:
        """From the documents to the model. Whatever goes wrong ends in its message."""
        wanted = msgspec.structs.replace(wanted, status="TRAINING", started=now())
        await self.keep(wanted)
        done = await outcome(wanted, self._trained(wanted))
        if await self.get(wanted.arn) is not None:
            await self.keep(done)

    async def _trained(self, wanted: Recognizer) -> Recognizer:
        types = tuple(each["Type"] for each in wanted.input["EntityTypes"])
        documents = await self._marked(wanted.input, types, "S3Uri")
        test: list[Marked] = []
        if wanted.input["Documents"].get("TestS3Uri"):
            test = await self._marked(wanted.input, types, "TestS3Uri")
        item = Training(documents, test, types, str(self.path(wanted)))
        (made,) = await self._engines("recognizer_training", [item], LONGEST)
        if made.bad:
            raise Unusable(made.bad)
        return msgspec.structs.replace(
            wanted,
            status="TRAINED",
            documents=made.documents,
            tested=made.tested,
            whole=made.whole,
            types=made.types,
        )

    async def _marked(self, given: Json, types: tuple[str, ...], member: str) -> list[Marked]:
        """The documents with their entities."""
        by_line = given["Documents"].get("InputFormat", "ONE_DOC_PER_LINE") == "ONE_DOC_PER_LINE"
        lines: dict[tuple[str, int], str] = {}
        for name, text in await self._files(given["Documents"][member]):
            for line, document in enumerate(text.splitlines() if by_line else [text]):
                lines[name, line] = document
        if given.get("EntityList"):
            listed = await self._files(given["EntityList"]["S3Uri"])
            known = _listed([row for _, text in listed for row in _rows(text)], types)
            return [Marked(text, tuple(_found(text, known))) for text in lines.values()]
        spans: dict[tuple[str, int], list[tuple[int, int, str]]] = {}
        for _, text in await self._files(given["Annotations"][member]):
            for row in _rows(text):
                file, line, begin, end, kind = _annotation(row, by_line)
                if (file, line) not in lines:
                    raise Unusable(f"An annotation speaks of {file}, line {line}: there is none")
                if kind in types:
                    _check(lines[file, line], begin, end, kind)
                    spans.setdefault((file, line), []).append((begin, end, kind))
        return [Marked(text, tuple(spans.get(key, ()))) for key, text in lines.items()]

    async def _files(self, uri: str) -> list[tuple[str, str]]:
        """Name and text of every file under an address."""
        found = await texts(self._objects, uri)
        return [(key.rpartition("/")[2], text) for key, text in found]


def _rows(text: str) -> Iterator[list[str]]:
    """Rows of a table, without its head."""
    for row in csv.reader(io.StringIO(text)):
        cells = [cell.strip() for cell in row]
        if any(cells) and not {cell.lower() for cell in cells} <= _HEADS:
            yield cells


def _annotation(row: list[str], by_line: bool) -> tuple[str, int, int, int, str]:
    """File, line, begin, end, type."""
    try:
        if by_line:
            file, line, begin, end, kind = row
            return file, int(line), int(begin), int(end), kind
        file, *rest = row
        begin, end, kind = rest[-3:]
        return file, 0, int(begin), int(end), kind
    except ValueError:
        told = "File, Line, Begin Offset, End Offset, Type"
        raise Unusable(f"The annotation {','.join(row)!r} is not {told}") from None


def _check(text: str, begin: int, end: int, kind: str) -> None:
    if not 0 <= begin < end <= len(text):
        raise Unusable(f"The annotation {kind} from {begin} to {end} is not within its document")


def _listed(rows: list[list[str]], types: tuple[str, ...]) -> dict[str, str]:
    """Entities of a list with their types."""
    for row in rows:
        if len(row) != 2 or not row[0]:
            raise Unusable(f"The entry {','.join(row)!r} of the entity list is not Text, Type")
    found = {text: kind for text, kind in rows if kind in types}
    if not found:
        raise Unusable("The entity list has no entity of the types")
    return found


def _found(text: str, known: Mapping[str, str]) -> Iterator[tuple[int, int, str]]:
    """Where entities of a list stand in a text as whole words, longer ones first."""
    choice = "|".join(re.escape(each) for each in sorted(known, key=len, reverse=True))
    for match in re.finditer(rf"(?<!\w)(?:{choice})(?!\w)", text):
        yield match.start(), match.end(), known[match[0]]


def described(found: Recognizer) -> Json:
    """As the service writes it."""
    shown: Json = {
        "EntityRecognizerArn": found.arn,
        "LanguageCode": found.language,
        "Status": found.status,
        "SubmitTime": moment(found.submitted),
        "DataAccessRoleArn": found.role,
        "InputDataConfig": found.input,
    }
    shown |= progress(found)
    if found.whole is not None:
        shown["RecognizerMetadata"] = {
            "NumberOfTrainedDocuments": found.documents,
            "NumberOfTestDocuments": found.tested,
            "EvaluationMetrics": _metrics(found.whole),
            "EntityTypes": [
                {
                    "Type": name,
                    "EvaluationMetrics": _metrics(each),
                    "NumberOfTrainMentions": each.mentions,
                }
                for name, each in found.types.items()
            ],
        }
    return shown


def _metrics(each: Measured) -> Json:
    return {"Precision": each.precision, "Recall": each.recall, "F1Score": each.f1}
