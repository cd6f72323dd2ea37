"""Comprehend's operations on endpoints: what serves classifiers and recognisers."""

from torana.services.comprehend.classifiers import absent, arn_of, refuse_unknown
from torana.services.comprehend.documents import Params
from torana.services.comprehend.models import (
    ENDPOINT,
    Classifier,
    Endpoint,
    Models,
    endpoint_shown,
    now,
)
from torana.services.comprehend.recognizer_models import Recognizer, Recognizers
from torana.services.documents import keep
from torana.services.ports import Call
from torana.wire.faults import ServiceError

_RECOGNIZER = ":entity-recognizer/"


class Endpoints:
    """The operations."""

    def __init__(self, models: Models, recognizers: Recognizers) -> None:
        self._models, self._recognizers = models, recognizers

    async def CreateEndpoint(self, call: Call, params: Params) -> Params:
        """In service at once; inference units change nothing here."""
        known = {"EndpointName", "ModelArn", "DesiredInferenceUnits", "ClientRequestToken"}
        refuse_unknown(params, frozenset(known | {"DataAccessRoleArn"}))
        found = await self._model(params.get("ModelArn", ""))
        if found.status != "TRAINED":
            text = f"The model is {found.status}"
            raise ServiceError("ResourceUnavailableException", text, status=400)
        kind = "entity-recognizer" if _RECOGNIZER in found.arn else "document-classifier"
        arn = arn_of(call, f"{kind}-endpoint", params["EndpointName"])
        if await self._models.endpoint(arn) is not None:
            raise ServiceError("ResourceInUseException", f"{arn} exists", status=400)
        await self._models.keep(Endpoint(arn, found.arn, params["DesiredInferenceUnits"], now()))
        return {"EndpointArn": arn, "ModelArn": found.arn}

    async def DescribeEndpoint(self, call: Call, params: Params) -> Params:
        """What it serves."""
        return {"EndpointProperties": endpoint_shown(await self._endpoint(params["EndpointArn"]))}

    async def ListEndpoints(self, call: Call, params: Params) -> Params:
        """Those of the region, on one page."""
        refuse_unknown(params, frozenset({"MaxResults"}))
        found = [
            each
            for kind in ("document-classifier", "entity-recognizer")
            for each in await self._models.endpoints(arn_of(call, f"{kind}-endpoint", ""))
        ]
        return {"EndpointPropertiesList": [endpoint_shown(each) for each in found]}

    async def DeleteEndpoint(self, call: Call, params: Params) -> Params:
        """The model stays."""
        found = await self._endpoint(params["EndpointArn"])
        await keep(self._models.store, ENDPOINT, found.arn, None)
        return {}

    async def _model(self, arn: str) -> Classifier | Recognizer:
        if _RECOGNIZER in arn:
            found = await self._recognizers.get(arn)
        else:
            found = await self._models.classifier(arn)
        if found is None:
            raise absent(arn)
        return found

    async def _endpoint(self, arn: str) -> Endpoint:
        found = await self._models.endpoint(arn)
        if found is None:
            raise absent(arn)
        return found
