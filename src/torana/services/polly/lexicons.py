"""Pronunciation lexicons: words and what is said in their place.

Source: "Managing lexicons" (Amazon Polly Developer Guide); W3C PLS 1.0.
"""

import re
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import msgspec
from msgspec import Struct

from torana.services.documents import keep
from torana.services.ports import Call
from torana.state.store import Store
from torana.wire.faults import ServiceError

_KIND = "polly-lexicon"
_LARGEST = 40_000
_LONGEST_ALIAS = 100
_MOST = 100
_NAMESPACE = "{http://www.w3.org/2005/01/pronunciation-lexicon}"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"

Params = dict[str, Any]


class Lexicon(Struct, frozen=True):
    """What is kept of a lexicon."""

    name: str
    content: str
    alphabet: str
    language: str
    aliases: dict[str, str]
    """Grapheme to what is said."""
    modified: float


def _read(name: str, content: str) -> Lexicon:
    """Raises `ServiceError`."""
    if "<!" in content.replace("<!--", ""):
        raise _invalid("a document type is not allowed")
    try:
        root = ElementTree.fromstring(content)  # noqa: S314  no document type, so no entities
    except ElementTree.ParseError as error:
        raise _invalid(str(error)) from None
    if root.tag != f"{_NAMESPACE}lexicon":
        raise _invalid("the root must be a PLS lexicon")
    language = root.get(_LANGUAGE)
    if not language:
        raise _invalid("xml:lang is missing")
    aliases: dict[str, str] = {}
    for lexeme in root.iter(f"{_NAMESPACE}lexeme"):
        alias = lexeme.findtext(f"{_NAMESPACE}alias")
        if alias is None:
            raise _invalid("a lexeme without alias: phonemes are not supported here")
        if len(alias) > _LONGEST_ALIAS:
            text = f"An alias is longer than {_LONGEST_ALIAS} characters"
            raise ServiceError("MaxLexemeLengthExceededException", text)
        for grapheme in lexeme.findall(f"{_NAMESPACE}grapheme"):
            aliases[(grapheme.text or "").strip()] = alias.strip()
    now = datetime.now(UTC).timestamp()
    alphabet = root.get("alphabet") or "ipa"
    return Lexicon(name, content, alphabet, language, aliases, now)


def _invalid(why: str) -> ServiceError:
    return ServiceError("InvalidLexiconException", f"Invalid lexicon: {why}")


class Lexicons:
    """The operations on lexicons, which are kept by region."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def PutLexicon(self, call: Call, params: Params) -> Params:
        """Replaces one of the same name."""
        name, content = params["Name"], params["Content"]
        if len(content) > _LARGEST:
            text = f"A lexicon has at most {_LARGEST} characters"
            raise ServiceError("LexiconSizeExceededException", text)
        lexicon = _read(name, content)
        there = [each.name for each in await self._all(call)]
        if name not in there and len(there) >= _MOST:
            text = f"There are {_MOST} lexicons already"
            raise ServiceError("MaxLexiconsNumberExceededException", text)
        await keep(self._store, _KIND, _id(call, name), msgspec.json.encode(lexicon))
        return {}

    async def GetLexicon(self, call: Call, params: Params) -> Params:
        """Its content and its attributes."""
        found = await self.find(call, params["Name"])
        return {
            "Lexicon": {"Name": found.name, "Content": found.content},
            "LexiconAttributes": _attributes(found),
        }

    async def ListLexicons(self, call: Call, params: Params) -> Params:
        """All of the region, on one page."""
        found = await self._all(call)
        return {
            "Lexicons": [{"Name": each.name, "Attributes": _attributes(each)} for each in found]
        }

    async def DeleteLexicon(self, call: Call, params: Params) -> Params:
        """Forget it."""
        await self.find(call, params["Name"])
        await keep(self._store, _KIND, _id(call, params["Name"]), None)
        return {}

    async def find(self, call: Call, name: str) -> Lexicon:
        """Raises `ServiceError`."""
        document = await self._store.get(_KIND, _id(call, name))
        if document is None:
            raise ServiceError("LexiconNotFoundException", f"Lexicon not found: {name}")
        return msgspec.json.decode(document.body, type=Lexicon)

    async def _all(self, call: Call) -> list[Lexicon]:
        prefix = _id(call, "")
        return [
            msgspec.json.decode(document.body, type=Lexicon)
            async for document in self._store.scan(_KIND, prefix)
        ]


def applied(text: str, lexicons: list[Lexicon]) -> str:
    """The text with every grapheme replaced, the first lexicon first."""
    aliases: dict[str, str] = {}
    for lexicon in lexicons:
        for grapheme, alias in lexicon.aliases.items():
            aliases.setdefault(grapheme, alias)
    if not aliases:
        return text
    words = "|".join(re.escape(word) for word in sorted(aliases, key=len, reverse=True))
    return re.sub(rf"(?<!\w)(?:{words})(?!\w)", lambda match: aliases[match[0]], text)


def _id(call: Call, name: str) -> str:
    return f"{call.region}/{name}"


def _attributes(found: Lexicon) -> Params:
    return {
        "Alphabet": found.alphabet,
        "LanguageCode": found.language,
        "LastModified": datetime.fromtimestamp(found.modified, UTC),
        "LexiconArn": f"arn:aws:polly:::lexicon/{found.name}",
        "LexemesCount": len(found.aliases),
        "Size": len(found.content),
    }
