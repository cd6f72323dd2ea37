"""Amazon Comprehend: sentiment and dominant language, over the embedded engines.

Source: Comprehend API Reference, and "Guidelines and quotas" of its Developer Guide.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from msgspec import Struct

from torana.services.ports import Busy, Call, Engines
from torana.wire.faults import ServiceError

MOST_BYTES = 5000
"""Of one text, as UTF-8."""
MOST_DOCUMENTS = 25

Params = dict[str, Any]


class Text(Struct, frozen=True):
    """What the sentiment engine takes."""

    text: str
    language: str


class Sentiment(Protocol):
    """What the sentiment engine gives: probabilities."""

    positive: float
    negative: float
    neutral: float
    mixed: float


class Language(Protocol):
    """One guess of the language engine."""

    code: str
    score: float


class Comprehend:
    """The facade. `languages`: those that the sentiment engine reads; empty: any."""

    def __init__(self, engines: Engines, languages: frozenset[str] = frozenset()) -> None:
        self._engines = engines
        self._languages = languages

    async def DetectSentiment(self, call: Call, params: Params) -> Params:
        """The sentiment of a text."""
        _check_size(params["Text"])
        self._check_language(params["LanguageCode"])
        found = await self._run(call, "sentiment", [Text(params["Text"], params["LanguageCode"])])
        return _sentiment(found[0])

    async def BatchDetectSentiment(self, call: Call, params: Params) -> Params:
        """The sentiments of up to 25 texts."""
        texts: list[str] = params["TextList"]
        _check_count(texts)
        language: str = params["LanguageCode"]
        self._check_language(language)
        fitting, errors = _sort_out(texts)
        items = [Text(texts[index], language) for index in fitting]
        found = await self._run(call, "sentiment", items)
        results = [
            {"Index": index, **_sentiment(each)} for index, each in zip(fitting, found, strict=True)
        ]
        return {"ResultList": results, "ErrorList": errors}

    async def DetectDominantLanguage(self, call: Call, params: Params) -> Params:
        """The languages a text may be in, the likeliest first."""
        _check_size(params["Text"])
        found = await self._run(call, "dominant_language", [params["Text"]])
        return {"Languages": _languages(found[0])}

    async def BatchDetectDominantLanguage(self, call: Call, params: Params) -> Params:
        """The languages of up to 25 texts."""
        texts: list[str] = params["TextList"]
        _check_count(texts)
        fitting, errors = _sort_out(texts)
        found = await self._run(call, "dominant_language", [texts[index] for index in fitting])
        results = [
            {"Index": index, "Languages": _languages(each)}
            for index, each in zip(fitting, found, strict=True)
        ]
        return {"ResultList": results, "ErrorList": errors}

    async def _run(self, call: Call, capability: str, items: Sequence[Any]) -> list[Any]:
        if not items:
            return []
        try:
            return await self._engines(capability, items, call.timeout)
        except Busy:
            raise ServiceError("ThrottlingException", "Rate exceeded", status=400) from None
        except TimeoutError:
            raise ServiceError(
                "InternalServerException", "The engine did not answer in time. Retry your request."
            ) from None

    def _check_language(self, code: str) -> None:
        if self._languages and code not in self._languages:
            raise ServiceError(
                "UnsupportedLanguageException",
                f"Unsupported language code: {code}. Supported language codes: "
                f"{', '.join(sorted(self._languages))}",
            )


def _size_message(size: int, what: str) -> str:
    return (
        f"Input {what} size exceeds limit. Max length of request text allowed is {MOST_BYTES} "
        f"bytes while in this request the text size is {size} bytes"
    )


def _check_size(text: str) -> None:
    size = len(text.encode())
    if size > MOST_BYTES:
        raise ServiceError("TextSizeLimitExceededException", _size_message(size, "text"))


def _check_count(texts: Sequence[str]) -> None:
    if len(texts) > MOST_DOCUMENTS:
        raise ServiceError(
            "BatchSizeLimitExceededException",
            "Please use a smaller number of items in a single batch. Maximum batch size is "
            f"{MOST_DOCUMENTS}.",
        )


def _sort_out(texts: Sequence[str]) -> tuple[list[int], list[Params]]:
    """The indexes of the texts that fit, and the errors of those that do not."""
    fitting: list[int] = []
    errors: list[Params] = []
    for index, text in enumerate(texts):
        size = len(text.encode())
        if size <= MOST_BYTES:
            fitting.append(index)
        else:
            errors.append(
                {
                    "Index": index,
                    "ErrorCode": "TEXT_SIZE_LIMIT_EXCEEDED",
                    "ErrorMessage": _size_message(size, "document"),
                }
            )
    return fitting, errors


def _sentiment(found: Sentiment) -> Params:
    scores = {
        "Positive": found.positive,
        "Negative": found.negative,
        "Neutral": found.neutral,
        "Mixed": found.mixed,
    }
    best = max(scores, key=lambda name: scores[name])
    return {"Sentiment": best.upper(), "SentimentScore": scores}


def _languages(found: Sequence[Language]) -> list[Params]:
    ranked = sorted(found, key=lambda guess: guess.score, reverse=True)
    return [{"LanguageCode": guess.code, "Score": guess.score} for guess in ranked]
