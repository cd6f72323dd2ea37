"""Comprehend's operations on custom classifiers."""

import asyncio
import re

from msgspec import Struct

from torana.services.background import Background
from torana.services.comprehend.documents import LONG, Params, check_size
from torana.services.comprehend.models import (
    CLASSIFIER,
    Classifier,
    Models,
    described,
    new_model,
)
from torana.services.comprehend.training import now
from torana.services.documents import keep
from torana.services.engine_calls import EngineCalls
from torana.services.ports import Call
from torana.wire.faults import ServiceError

_URI = re.compile(r"s3://[^/]+/.*")
_PROMPT_SAFETY = re.compile(
    r"arn:aws[\w-]*:comprehend:[^:]*:aws:document-classifier-endpoint/prompt-safety"
)
_KNOWN = frozenset(
    {
        *("DocumentClassifierName", "DataAccessRoleArn", "InputDataConfig", "LanguageCode"),
        *("Mode", "VersionName", "ClientRequestToken"),
    }
)
_INPUT = frozenset({"DataFormat", "S3Uri", "TestS3Uri", "LabelDelimiter", "DocumentType"})


class Question(Struct, frozen=True):
    """What the classification takes."""

    path: str
    text: str


class Prompt(Struct, frozen=True):
    """What the injection engine takes."""

    text: str
    query: bool = True


def refuse_unknown(params: Params, known: frozenset[str], where: str = "") -> None:
    """Raises the service's error for members that nothing here heeds."""
    unknown = [f"{where}{name}" for name, value in params.items() if name not in known and value]
    if unknown:
        raise bad(f"Not supported here: {', '.join(unknown)}")


def bad(why: str) -> ServiceError:
    """A parameter that cannot be."""
    return ServiceError("InvalidRequestException", why, status=400)


def absent(arn: str) -> ServiceError:
    """There is no such thing."""
    return ServiceError("ResourceNotFoundException", f"There is no {arn}", status=400)


class Classifiers:
    """Training, endpoints, classification."""

    def __init__(self, models: Models, engines: EngineCalls, background: Background) -> None:
        self._models, self._engines, self._background = models, engines, background

    async def CreateDocumentClassifier(self, call: Call, params: Params) -> Params:
        """Keeps the classifier, then trains it in the background."""
        refuse_unknown(params, _KNOWN)
        given: Params = params["InputDataConfig"]
        refuse_unknown(given, _INPUT, "InputDataConfig.")
        if given.get("DataFormat", "COMPREHEND_CSV") != "COMPREHEND_CSV":
            raise bad("InputDataConfig.DataFormat: only COMPREHEND_CSV is supported here")
        if given.get("DocumentType", "PLAIN_TEXT_DOCUMENT") != "PLAIN_TEXT_DOCUMENT":
            raise bad("InputDataConfig.DocumentType: only PLAIN_TEXT_DOCUMENT is supported here")
        for name in ("S3Uri", "TestS3Uri"):
            if not _URI.fullmatch(given.get(name, "s3://b/" if name == "TestS3Uri" else "")):
                raise bad(f"InputDataConfig.{name} must be s3://bucket/key")
        arn = arn_of(call, "document-classifier", params["DocumentClassifierName"])
        version: str = params.get("VersionName", "")
        arn = f"{arn}/version/{version}" if version else arn
        if await self._models.classifier(arn) is not None:
            raise ServiceError("ResourceInUseException", f"{arn} exists", status=400)
        made = Classifier(
            arn,
            params["LanguageCode"],
            params["DataAccessRoleArn"],
            given["S3Uri"],
            given.get("TestS3Uri", ""),
            given.get("LabelDelimiter", "|"),
            params.get("Mode", "MULTI_CLASS") == "MULTI_CLASS",
            now(),
            new_model(),
            version,
        )
        await self._models.keep(made)
        self._background.start(self._models.train(made), f"training of {arn}")
        return {"DocumentClassifierArn": arn}

    async def DescribeDocumentClassifier(self, call: Call, params: Params) -> Params:
        """Where it stands, and how well it did."""
        found = await self._classifier(params["DocumentClassifierArn"])
        return {"DocumentClassifierProperties": described(found)}

    async def ListDocumentClassifiers(self, call: Call, params: Params) -> Params:
        """Those of the region, on one page."""
        refuse_unknown(params, frozenset({"MaxResults"}))
        found = await self._models.classifiers(arn_of(call, "document-classifier", ""))
        return {"DocumentClassifierPropertiesList": [described(each) for each in found]}

    async def DeleteDocumentClassifier(self, call: Call, params: Params) -> Params:
        """With its model; not while an endpoint uses it."""
        found = await self._classifier(params["DocumentClassifierArn"])
        if any(each.model == found.arn for each in await self._models.endpoints()):
            raise ServiceError("ResourceInUseException", "An endpoint uses it", status=400)
        await keep(self._models.store, CLASSIFIER, found.arn, None)
        await asyncio.to_thread(self._models.path(found).unlink, missing_ok=True)
        return {}

    async def ClassifyDocument(self, call: Call, params: Params) -> Params:
        """The classes of a text, the likeliest first."""
        refuse_unknown(params, frozenset({"Text", "EndpointArn"}))
        if "Text" not in params:
            raise bad("Text is missing")
        check_size(params["Text"], LONG)
        if _PROMPT_SAFETY.fullmatch(params["EndpointArn"]):
            return await self._prompt_safety(call, params["Text"])
        endpoint = await self._models.endpoint(params["EndpointArn"])
        found = endpoint and await self._models.classifier(endpoint.model)
        if not found:
            text = f"There is no endpoint {params['EndpointArn']}"
            raise ServiceError("ResourceUnavailableException", text, status=400)
        item = Question(str(self._models.path(found)), params["Text"])
        (classes,) = await self._engines.run(call, "classification", [item])
        shown = [{"Name": each.label, "Score": each.score} for each in classes]
        return {"Classes": shown} if found.exclusive else {"Labels": shown}

    async def _prompt_safety(self, call: Call, text: str) -> Params:
        """Unsafe as far as it tries to take over a model, or is toxic, whichever is likelier."""
        (attack,) = await self._engines.run(call, "injection", [Prompt(text)])
        (found,) = await self._engines.run(call, "toxicity", [text])
        unsafe = max(attack.score, found.toxic)
        scores = {"UNSAFE_PROMPT": unsafe, "SAFE_PROMPT": 1 - unsafe}
        ranked = sorted(scores, key=lambda name: -scores[name])
        return {"Classes": [{"Name": name, "Score": scores[name]} for name in ranked]}

    async def _classifier(self, arn: str) -> Classifier:
        found = await self._models.classifier(arn)
        if found is None:
            raise absent(arn)
        return found


def arn_of(call: Call, kind: str, name: str) -> str:
    """Of something of the caller's."""
    return f"arn:aws:comprehend:{call.region}:{call.principal.account}:{kind}/{name}"
