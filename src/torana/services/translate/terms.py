"""Custom terminologies: words that have one translation. Kept by region.

Source: "Customizing your translations with custom terminology" (Amazon Translate Developer Guide).
"""

import csv
import io
import re
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from torana.services.documents import keep
from torana.services.ports import Call
from torana.state.store import Store
from torana.wire.faults import ServiceError

_KIND = "translate-terminology"
_LARGEST = 10 * 1024 * 1024
_LONGEST_TERM = 200
_DELIMITERS = {"CSV": ",", "TSV": "\t"}

Params = dict[str, Any]


class Terminology(Struct, frozen=True):
    """What is kept of a terminology."""

    name: str
    description: str
    format: str
    source: str
    targets: tuple[str, ...]
    terms: tuple[tuple[str, ...], ...]
    """The source term, then its translations in the order of `targets`."""
    size: int
    created: float
    updated: float

    def translations(self, target: str) -> dict[str, str]:
        """Source terms to what stands for them in that language."""
        if target not in self.targets:
            return {}
        place = self.targets.index(target) + 1
        return {row[0]: row[place] for row in self.terms if row[0] and row[place]}


class Terms:
    """The operations on terminologies."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def ImportTerminology(self, call: Call, params: Params) -> Params:
        """Replaces one of the same name."""
        for name in ("EncryptionKey", "Tags"):
            if params.get(name):
                raise _bad(f"{name} is not supported here")
        old = await self._get(call, params["Name"])
        made = _read(params, old)
        await keep(self._store, _KIND, _id(call, made.name), msgspec.json.encode(made))
        return {"TerminologyProperties": _described(call, made)}

    async def GetTerminology(self, call: Call, params: Params) -> Params:
        """Its properties; the file itself is not given out."""
        return {"TerminologyProperties": _described(call, await self.find(call, params["Name"]))}

    async def ListTerminologies(self, call: Call, params: Params) -> Params:
        """All of the region, on one page."""
        found = [
            msgspec.json.decode(document.body, type=Terminology)
            async for document in self._store.scan(_KIND, _id(call, ""))
        ]
        return {"TerminologyPropertiesList": [_described(call, each) for each in found]}

    async def DeleteTerminology(self, call: Call, params: Params) -> Params:
        """Forget it."""
        await self.find(call, params["Name"])
        await keep(self._store, _KIND, _id(call, params["Name"]), None)
        return {}

    async def find(self, call: Call, name: str) -> Terminology:
        """Raises `ServiceError`."""
        found = await self._get(call, name)
        if found is None:
            raise ServiceError("ResourceNotFoundException", f"There is no terminology {name}")
        return found

    async def _get(self, call: Call, name: str) -> Terminology | None:
        document = await self._store.get(_KIND, _id(call, name))
        return document and msgspec.json.decode(document.body, type=Terminology)


def _id(call: Call, name: str) -> str:
    return f"{call.region}/{name}"


def _bad(why: str) -> ServiceError:
    return ServiceError("InvalidParameterValueException", why)


def _read(params: Params, old: Terminology | None) -> Terminology:
    """Raises `ServiceError`."""
    data: Params = params["TerminologyData"]
    delimiter = _DELIMITERS.get(data["Format"])
    if delimiter is None or data.get("Directionality", "UNI") != "UNI":
        raise _bad("Format must be CSV or TSV, and Directionality UNI")
    if len(data["File"]) > _LARGEST:
        raise ServiceError("LimitExceededException", f"A file has at most {_LARGEST} bytes")
    try:
        text = data["File"].decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _bad("The file must be UTF-8") from None
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(row)]
    if len(rows) < 2 or len(rows[0]) < 2:
        raise _bad("The file must have a row of language codes, and a term at least")
    if any(len(row) != len(rows[0]) for row in rows):
        raise _bad("Every row must have a term for every language")
    if any(len(term) > _LONGEST_TERM for row in rows for term in row):
        raise _bad(f"A term has at most {_LONGEST_TERM} characters")
    now = datetime.now(UTC).timestamp()
    return Terminology(
        params["Name"],
        params.get("Description", ""),
        data["Format"],
        rows[0][0],
        tuple(rows[0][1:]),
        tuple(tuple(term.strip() for term in row) for row in rows[1:]),
        len(data["File"]),
        old.created if old else now,
        now,
    )


def _described(call: Call, found: Terminology) -> Params:
    account = call.principal.account
    return {
        "Name": found.name,
        "Description": found.description,
        "Arn": f"arn:aws:translate:{call.region}:{account}:terminology/{found.name}/LATEST",
        "SourceLanguageCode": found.source,
        "TargetLanguageCodes": list(found.targets),
        "SizeBytes": found.size,
        "TermCount": len(found.terms),
        "CreatedAt": datetime.fromtimestamp(found.created, UTC),
        "LastUpdatedAt": datetime.fromtimestamp(found.updated, UTC),
        "Directionality": "UNI",
        "Format": found.format,
    }


class Held(Struct, frozen=True):
    """A text whose terms wait outside while it is translated."""

    text: str
    terms: tuple[tuple[str, str], ...]
    """Source term and its translation, in the order of their places."""

    def put_back(self, translated: str) -> str:
        """The translation, with that of each term in its place."""
        return _PLACE.sub(lambda match: self.terms[int(match[1], 2)][1], translated)


_PLACE = re.compile(r"(?i)\bqx([01]+)xq\b")


def hold(text: str, translations: dict[str, str]) -> Held:
    """The text with an unknown word in place of each term, which a translator passes on."""
    if not translations:
        return Held(text, ())
    found: list[tuple[str, str]] = []

    def place(match: re.Match[str]) -> str:
        found.append((match[0], translations[match[0]]))
        return f"Qx{len(found) - 1:b}xq"

    words = "|".join(re.escape(word) for word in sorted(translations, key=len, reverse=True))
    held = re.sub(rf"(?<!\w)(?:{words})(?!\w)", place, text)
    return Held(held, tuple(found))
