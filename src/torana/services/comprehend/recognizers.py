"""Comprehend's operations on custom entity recognisers."""

import asyncio
import re

from torana.services.background import Background
from torana.services.comprehend.classifiers import absent, arn_of, bad, refuse_unknown
from torana.services.comprehend.documents import Params
from torana.services.comprehend.models import Models
from torana.services.comprehend.recognizer_models import (
    RECOGNIZER,
    Recognizer,
    Recognizers,
    described,
    new_model,
)
from torana.services.comprehend.training import now
from torana.services.documents import keep
from torana.services.members import part
from torana.services.ports import Call
from torana.wire.faults import ServiceError

_KNOWN = frozenset(
    {
        *("RecognizerName", "DataAccessRoleArn", "InputDataConfig", "LanguageCode"),
        *("VersionName", "ClientRequestToken"),
    }
)
_INPUT = frozenset({"DataFormat", "EntityTypes", "Documents", "Annotations", "EntityList"})
_MOST_TYPES = 25
_URI = re.compile(r"s3://[^/]+/.+")


class EntityRecognizers:
    """Training and keeping of recognisers."""

    def __init__(self, recognizers: Recognizers, models: Models, background: Background) -> None:
        self._all, self._models, self._background = recognizers, models, background

    async def CreateEntityRecognizer(self, call: Call, params: Params) -> Params:
        """Keeps the recogniser, then trains it in the background."""
        refuse_unknown(params, _KNOWN)
        given: Params = params["InputDataConfig"]
        refuse_unknown(given, _INPUT, "InputDataConfig.")
        _check(given)
        arn = arn_of(call, "entity-recognizer", params["RecognizerName"])
        version: str = params.get("VersionName", "")
        arn = f"{arn}/version/{version}" if version else arn
        if await self._all.get(arn) is not None:
            raise ServiceError("ResourceInUseException", f"{arn} exists", status=400)
        made = Recognizer(
            arn,
            params["LanguageCode"],
            params["DataAccessRoleArn"],
            given,
            now(),
            new_model(),
            version,
        )
        await self._all.keep(made)
        self._background.start(self._all.train(made), f"training of {arn}")
        return {"EntityRecognizerArn": arn}

    async def DescribeEntityRecognizer(self, call: Call, params: Params) -> Params:
        """Where it stands, and how well it did."""
        found = await self._the(params["EntityRecognizerArn"])
        return {"EntityRecognizerProperties": described(found)}

    async def ListEntityRecognizers(self, call: Call, params: Params) -> Params:
        """Those of the region, on one page."""
        refuse_unknown(params, frozenset({"MaxResults"}))
        found = await self._all.all(arn_of(call, "entity-recognizer", ""))
        return {"EntityRecognizerPropertiesList": [described(each) for each in found]}

    async def DeleteEntityRecognizer(self, call: Call, params: Params) -> Params:
        """With its model; not while an endpoint uses it."""
        found = await self._the(params["EntityRecognizerArn"])
        if any(each.model == found.arn for each in await self._models.endpoints()):
            raise ServiceError("ResourceInUseException", "An endpoint uses it", status=400)
        await keep(self._all.store, RECOGNIZER, found.arn, None)
        await asyncio.to_thread(self._all.path(found).unlink, missing_ok=True)
        return {}

    async def _the(self, arn: str) -> Recognizer:
        found = await self._all.get(arn)
        if found is None:
            raise absent(arn)
        return found


def _check(given: Params) -> None:
    """Raises `ServiceError`."""
    if given.get("DataFormat", "COMPREHEND_CSV") != "COMPREHEND_CSV":
        raise bad("InputDataConfig.DataFormat: only COMPREHEND_CSV is supported here")
    if not 1 <= len(given["EntityTypes"]) <= _MOST_TYPES:
        raise bad(f"InputDataConfig.EntityTypes: 1 to {_MOST_TYPES} types")
    if not given.get("Documents") or bool(given.get("Annotations")) == bool(
        given.get("EntityList")
    ):
        raise bad("InputDataConfig: give Documents, and either Annotations or an EntityList")
    for name in ("Documents", "Annotations", "EntityList"):
        for member in ("S3Uri", "TestS3Uri"):
            if not _URI.fullmatch(part(given, name).get(member) or "s3://b/k"):
                raise bad(f"InputDataConfig.{name}.{member} must be s3://bucket/key")
    marked = part(given, "Annotations").get("TestS3Uri") or given.get("EntityList")
    if given["Documents"].get("TestS3Uri") and not marked:
        raise bad("InputDataConfig.Annotations.TestS3Uri is needed for test documents")
