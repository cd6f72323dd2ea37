"""Amazon Translate's operations on texts."""

from collections.abc import Collection
from typing import Protocol

from msgspec import Struct

from torana.services.engine_calls import EngineCalls
from torana.services.ports import Call, Engines
from torana.services.translate.terms import Params, Terms, hold
from torana.wire.faults import ServiceError

_LONGEST = 10_000
_LARGEST_DOCUMENT = 100_000
_SURE = 0.5
_FORMATS = {"text/plain": "txt", "text/html": "html"}

LANGUAGES = {
    "bs": "Bosnian",
    "ca": "Catalan",
    "da": "Danish",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "hr": "Croatian",
    "is": "Icelandic",
    "it": "Italian",
    "mk": "Macedonian",
    "no": "Norwegian",
    "pt": "Portuguese (Brazil)",
    "pt-PT": "Portuguese (Portugal)",
    "ru": "Russian",
    "sv": "Swedish",
    "uk": "Ukrainian",
}


class Text(Struct, frozen=True):
    """What the engine takes."""

    text: str
    pair: str
    format: str


class Language(Protocol):
    """One guess of the language engine."""

    code: str
    score: float


class Translate:
    """The facade. `pairs`: those that the engine knows, such as `en-es`."""

    def __init__(self, engines: Engines, terms: Terms, pairs: Collection[str]) -> None:
        self._engines = EngineCalls(engines, busy="TooManyRequestsException", busy_status=429)
        self._terms = terms
        self._pairs = pairs

    async def TranslateText(self, call: Call, params: Params) -> Params:
        """A text in another language."""
        text: str = params["Text"]
        size = len(text.encode())
        if size > _LONGEST:
            raise ServiceError(
                "TextSizeLimitExceededException",
                f"Input text size exceeds limit. Max length of request text allowed is {_LONGEST} "
                f"bytes while in this request the text size is {size} bytes",
            )
        translated, told = await self._translate(call, params, text, "txt")
        return {"TranslatedText": translated, **told}

    async def TranslateDocument(self, call: Call, params: Params) -> Params:
        """Plain text, or HTML with its tags kept."""
        given = params["Document"]
        form = _FORMATS.get(given["ContentType"])
        if form is None:
            raise ServiceError(
                "InvalidRequestException", f"ContentType must be one of {', '.join(_FORMATS)} here"
            )
        if len(given["Content"]) > _LARGEST_DOCUMENT:
            text = f"A document has at most {_LARGEST_DOCUMENT} bytes"
            raise ServiceError("LimitExceededException", text)
        try:
            text = given["Content"].decode()
        except UnicodeDecodeError:
            raise ServiceError("InvalidRequestException", "The document must be UTF-8") from None
        translated, told = await self._translate(call, params, text, form)
        return {"TranslatedDocument": {"Content": translated.encode()}, **told}

    async def _translate(
        self, call: Call, params: Params, text: str, form: str
    ) -> tuple[str, Params]:
        if any(params.get("Settings", {}).values()):
            raise ServiceError(
                "InvalidRequestException",
                "Settings: formality, profanity and brevity are not supported by this engine",
            )
        target: str = params["TargetLanguageCode"]
        source = await self._source(call, params["SourceLanguageCode"], text)
        told: Params = {"SourceLanguageCode": source, "TargetLanguageCode": target}
        names: list[str] = params.get("TerminologyNames", [])
        found = [await self._terms.find(call, name) for name in names]
        if source == target:
            return text, told
        self._check(source, target)
        translations: dict[str, str] = {}
        for each in found:
            if each.source == source:
                translations = {**each.translations(target), **translations}
        held = hold(text, translations)
        item = Text(held.text, f"{source}-{target}", form)
        (translated,) = await self._engines.run(call, "translation", [item])
        if names:
            terms = [{"SourceText": a, "TargetText": b} for a, b in dict.fromkeys(held.terms)]
            told["AppliedTerminologies"] = [{"Name": names[0], "Terms": terms}]
        return held.put_back(translated), told

    async def _source(self, call: Call, given: str, text: str) -> str:
        """The language of the text. Raises `ServiceError`."""
        if given != "auto":
            return given
        guesses: list[list[Language]]
        guesses = await self._engines.run(call, "dominant_language", [text])
        best = max(guesses[0], key=lambda guess: guess.score, default=None)
        if best is None or best.score < _SURE:
            code = best.code if best else ""
            raise ServiceError(
                "DetectedLanguageLowConfidenceException",
                "Amazon Translate could not confidently detect the source language",
                fields={"DetectedLanguageCode": code},
            )
        return best.code

    def _check(self, source: str, target: str) -> None:
        if f"{source}-{target}" in self._pairs:
            return
        text = (
            f"Unsupported language pair: {source} to {target}. Pairs: "
            f"{', '.join(sorted(self._pairs))}"
        )
        fields = {"SourceLanguageCode": source, "TargetLanguageCode": target}
        raise ServiceError("UnsupportedLanguagePairException", text, fields=fields)

    async def ListLanguages(self, call: Call, params: Params) -> Params:
        """The languages of all pairs, named in English."""
        display = params.get("DisplayLanguageCode", "en")
        if display != "en":
            text = f"Names are given in English here, not in {display}"
            raise ServiceError(
                "UnsupportedDisplayLanguageCodeException",
                text,
                fields={"DisplayLanguageCode": display},
            )
        found = [{"LanguageCode": code, "LanguageName": name} for code, name in LANGUAGES.items()]
        found.append({"LanguageCode": "auto", "LanguageName": "Auto"})
        return {"Languages": found, "DisplayLanguageCode": display}
