"""Amazon Comprehend's operations."""

from collections.abc import Awaitable, Callable

from torana.services.comprehend import analyses
from torana.services.comprehend.analyses import Analysis
from torana.services.comprehend.classifiers import Question
from torana.services.comprehend.documents import (
    MOST_SEGMENTS,
    Params,
    check_count,
    check_language,
    check_size,
    sort_out,
)
from torana.services.comprehend.models import Models
from torana.services.comprehend.recognizer_models import Recognizers
from torana.services.engine_calls import EngineCalls
from torana.services.ports import Call, Engines
from torana.wire.faults import ServiceError

_DOCUMENTS = ("Bytes", "DocumentReaderConfig")


class Comprehend:
    """The facade. `languages`: those that a capability's engine reads; empty: any."""

    def __init__(
        self,
        engines: Engines,
        languages: Callable[[str], frozenset[str]],
        models: Models,
        recognizers: Recognizers,
    ) -> None:
        self._engines = EngineCalls(engines)
        self._models, self._recognizers = models, recognizers
        self._languages = languages

    def DetectSentiment(self, call: Call, params: Params) -> Awaitable[Params]:
        """The sentiment of a text."""
        return self._one(call, params, analyses.SENTIMENT)

    def BatchDetectSentiment(self, call: Call, params: Params) -> Awaitable[Params]:
        """The sentiments of up to 25 texts."""
        return self._batch(call, params, analyses.SENTIMENT)

    def DetectTargetedSentiment(self, call: Call, params: Params) -> Awaitable[Params]:
        """What is felt about each thing that a text speaks of."""
        return self._one(call, params, analyses.TARGETED_SENTIMENT)

    def BatchDetectTargetedSentiment(self, call: Call, params: Params) -> Awaitable[Params]:
        """The same of up to 25 texts."""
        return self._batch(call, params, analyses.TARGETED_SENTIMENT)

    def DetectDominantLanguage(self, call: Call, params: Params) -> Awaitable[Params]:
        """The languages a text may be in, the likeliest first."""
        return self._one(call, params, analyses.DOMINANT_LANGUAGE)

    def BatchDetectDominantLanguage(self, call: Call, params: Params) -> Awaitable[Params]:
        """The languages of up to 25 texts."""
        return self._batch(call, params, analyses.DOMINANT_LANGUAGE)

    async def DetectEntities(self, call: Call, params: Params) -> Params:
        """Persons, places, organisations, dates and amounts of a text."""
        _refuse_documents(params)
        if params.get("EndpointArn"):
            return await self._custom(call, params)
        return await self._one(call, params, analyses.ENTITIES)

    async def _custom(self, call: Call, params: Params) -> Params:
        """The entities that a recogniser of one's own finds."""
        check_size(params["Text"], analyses.ENTITIES.longest)
        endpoint = await self._models.endpoint(params["EndpointArn"])
        found = endpoint and await self._recognizers.get(endpoint.model)
        if not found:
            text = f"There is no endpoint {params['EndpointArn']}"
            raise ServiceError("ResourceUnavailableException", text, status=400)
        item = Question(str(self._recognizers.path(found)), params["Text"])
        (entities,) = await self._engines.run(call, "custom_entities", [item])
        return analyses.ENTITIES.write(entities)

    def BatchDetectEntities(self, call: Call, params: Params) -> Awaitable[Params]:
        """The entities of up to 25 texts."""
        return self._batch(call, params, analyses.ENTITIES)

    def DetectKeyPhrases(self, call: Call, params: Params) -> Awaitable[Params]:
        """The noun phrases of a text."""
        return self._one(call, params, analyses.KEY_PHRASES)

    def BatchDetectKeyPhrases(self, call: Call, params: Params) -> Awaitable[Params]:
        """The noun phrases of up to 25 texts."""
        return self._batch(call, params, analyses.KEY_PHRASES)

    def DetectSyntax(self, call: Call, params: Params) -> Awaitable[Params]:
        """The words of a text and their parts of speech."""
        return self._one(call, params, analyses.SYNTAX)

    def BatchDetectSyntax(self, call: Call, params: Params) -> Awaitable[Params]:
        """The words of up to 25 texts."""
        return self._batch(call, params, analyses.SYNTAX)

    def DetectPiiEntities(self, call: Call, params: Params) -> Awaitable[Params]:
        """Where a text holds personal data."""
        return self._one(call, params, analyses.PII)

    def ContainsPiiEntities(self, call: Call, params: Params) -> Awaitable[Params]:
        """Which kinds of personal data a text holds."""
        return self._one(call, params, analyses.PII_LABELS)

    async def DetectToxicContent(self, call: Call, params: Params) -> Params:
        """How toxic each of up to ten pieces of text is."""
        texts = [each["Text"] for each in params["TextSegments"]]
        if len(texts) > MOST_SEGMENTS:
            text = f"TextSegments: at most {MOST_SEGMENTS} segments, not {len(texts)}"
            raise ServiceError("InvalidRequestException", text)
        for text in texts:
            check_size(text, analyses.TOXICITY.longest)
        self._language(params, analyses.TOXICITY)
        found = await self._engines.run(call, analyses.TOXICITY.capability, texts)
        return {"ResultList": [analyses.TOXICITY.write(each) for each in found]}

    async def _one(self, call: Call, params: Params, wanted: Analysis) -> Params:
        text: str = params["Text"]
        check_size(text, wanted.longest)
        language = self._language(params, wanted)
        item = wanted.item(text, language)
        (found,) = await self._engines.run(call, wanted.capability, [item])
        return wanted.write(found)

    async def _batch(self, call: Call, params: Params, wanted: Analysis) -> Params:
        texts: list[str] = params["TextList"]
        check_count(texts)
        language = self._language(params, wanted)
        fitting, errors = sort_out(texts)
        items = [wanted.item(texts[index], language) for index in fitting]
        found = await self._engines.run(call, wanted.capability, items)
        results = [
            {"Index": index, **wanted.write(each)}
            for index, each in zip(fitting, found, strict=True)
        ]
        return {"ResultList": results, "ErrorList": errors}

    def _language(self, params: Params, wanted: Analysis) -> str:
        """The text's language; empty for the operation that finds it out."""
        code: str = params.get("LanguageCode", "")
        if code:
            check_language(code, self._languages(wanted.capability))
        return code


def _refuse_documents(params: Params) -> None:
    given = [name for name in _DOCUMENTS if name in params]
    if given:
        raise ServiceError(
            "InvalidRequestException",
            f"{', '.join(given)}: documents other than texts are not read here; send Text, or "
            "forward the service",
        )
    for name in ("Text",) if params.get("EndpointArn") else ("Text", "LanguageCode"):
        if name not in params:
            raise ServiceError("InvalidRequestException", f"{name} is missing")
