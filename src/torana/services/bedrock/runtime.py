"""Inference: embeddings of the embedded model; chats go to the LLM API by the model's name.

`InvokeModel` takes a model's own form: Amazon Titan's or Cohere's for embeddings, Anthropic's or
OpenAI's for chats. Source: Amazon Bedrock User Guide, "Inference request parameters and response
fields for foundation models".
"""

import base64
from collections.abc import AsyncIterator
from typing import Any, Literal

import msgspec
from msgspec import Struct

from torana.message import BodyTooLarge, Continued, Headers, Reply, Request, read
from torana.services.bedrock.catalogue import EMBEDDINGS, model_of
from torana.services.engine_calls import EngineCalls
from torana.services.payload import as_stream
from torana.services.ports import Call, LanguageModels
from torana.wire.event_stream import MEDIA_TYPE, encode
from torana.wire.faults import ServiceError

Json = dict[str, Any]

_DIMENSIONS = 384
_MOST_TEXTS, _LONGEST = 96, 50_000
_MOST = 25 * 1024 * 1024
_CLAUDE = "anthropic_version"
_UNHEEDED = ("guardrailIdentifier", "guardrailVersion", "trace", "serviceTier")
_ERRORS = {
    400: "ValidationException",
    401: "AccessDeniedException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
}


class Passage(Struct, frozen=True):
    """What the embeddings engine takes."""

    text: str
    query: bool = True


class _Embed(Struct, forbid_unknown_fields=True):
    """Titan's form (`inputText`), or Cohere's (`texts`)."""

    inputText: str = ""
    dimensions: int = _DIMENSIONS
    normalize: bool = True
    embeddingTypes: list[Literal["float"]] = []
    texts: list[str] = []
    input_type: str = "search_query"
    truncate: str = "END"
    embedding_types: list[Literal["float"]] = []


class Runtime:
    """The operations."""

    def __init__(self, engines: EngineCalls, models: LanguageModels) -> None:
        self._engines, self._models = engines, models

    async def InvokeModel(self, call: Call, params: Json) -> Json:
        """A request in the model's own form, answered in it."""
        model, body = _asked(params)
        if model == EMBEDDINGS:
            return await self._embed(call, body)
        reply = await self._chat(call, model, body, stream=False)
        return {"body": await _whole(reply), "contentType": "application/json"}

    async def InvokeModelWithResponseStream(self, call: Call, params: Json) -> Reply:
        """The same, as the answer comes."""
        model, body = _asked(params)
        if model == EMBEDDINGS:
            text = f"The model {model} does not support streaming"
            raise ServiceError("ValidationException", text)
        reply = await self._chat(call, model, body, stream=True)
        fields = [
            ("x-amzn-RequestId", call.request_id),
            ("Content-Type", MEDIA_TYPE),
            ("X-Amzn-Bedrock-Content-Type", "application/json"),
        ]
        return Reply(200, Headers(fields), Continued(b"", _chunks(reply)))

    async def Converse(self, call: Call, params: Json) -> Reply:
        """One answer of a model of the LLM API."""
        return await self._converse(call, params, "converse")

    async def ConverseStream(self, call: Call, params: Json) -> Reply:
        """The same, as it comes."""
        return await self._converse(call, params, "converse-stream")

    async def _converse(self, call: Call, params: Json, operation: str) -> Reply:
        model = self._known(model_of(params["modelId"]))
        request = call.request
        target = f"/model/{model}/{operation}"
        reply = await self._ask(call, Request("POST", target, request.headers, request.body))
        reply.headers.set("x-amzn-RequestId", call.request_id)
        return reply

    def _known(self, model: str) -> str:
        """Raises the service's error for a model that is not here."""
        if model == EMBEDDINGS:
            raise ServiceError("ValidationException", f"The model {model} only makes embeddings")
        if model not in self._models.names():
            raise ServiceError(
                "ValidationException", "The provided model identifier is invalid.", status=400
            )
        return model

    async def _ask(self, call: Call, request: Request) -> Reply:
        return await self._models.ask(request, call.principal.arn)

    async def _chat(self, call: Call, model: str, body: Json, *, stream: bool) -> Reply:
        """Asks in Anthropic's form or OpenAI's. Raises the service's error."""
        self._known(model)
        if "messages" not in body:
            text = "The body must have messages, as Anthropic's Messages API or OpenAI's Chat has"
            raise ServiceError("ValidationException", text)
        asked = {**{name: each for name, each in body.items() if name != _CLAUDE}, "model": model}
        if stream:
            asked["stream"] = True
        target = "/v1/messages" if _CLAUDE in body else "/v1/chat/completions"
        headers = Headers([("Content-Type", "application/json")])
        reply = await self._ask(call, Request("POST", target, headers, msgspec.json.encode(asked)))
        if reply.status >= 400:
            told = await _whole(reply)
            code = _ERRORS.get(reply.status, "ModelErrorException")
            raise ServiceError(code, _message(told), status=reply.status)
        return reply

    async def _embed(self, call: Call, body: Json) -> Json:
        try:
            asked = msgspec.convert(body, _Embed)
        except msgspec.ValidationError as error:
            raise ServiceError("ValidationException", f"Malformed input request: {error}") from None
        texts = [asked.inputText] if "inputText" in body else asked.texts
        if not texts or not all(texts):
            raise ServiceError("ValidationException", "inputText or texts is required")
        if len(texts) > _MOST_TEXTS or any(len(each) > _LONGEST for each in texts):
            text = f"At most {_MOST_TEXTS} texts of {_LONGEST} characters can be embedded at once"
            raise ServiceError("ValidationException", text)
        if asked.dimensions != _DIMENSIONS or not asked.normalize:
            text = f"The model has {_DIMENSIONS} dimensions, and its vectors are of length 1"
            raise ServiceError("ValidationException", text)
        query = asked.input_type != "search_document"
        rows = await self._engines.run(call, "embeddings", [Passage(t, query) for t in texts])
        counted = sum(row.tokens for row in rows)
        if "inputText" in body:
            answer: Json = {"embedding": rows[0].values, "inputTextTokenCount": counted}
        else:
            answer = {
                "id": call.request_id,
                "texts": texts,
                "embeddings": [row.values for row in rows],
                "response_type": "embeddings_floats",
            }
        encoded = msgspec.json.encode(answer)
        return {"body": encoded, "contentType": "application/json"}


def _asked(params: Json) -> tuple[str, Json]:
    """The model and its request. Raises the service's error."""
    wrong = [name for name in _UNHEEDED if params.get(name) not in (None, "DISABLED", "default")]
    if wrong:
        raise ServiceError("ValidationException", f"Not supported here: {', '.join(wrong)}")
    try:
        body = msgspec.json.decode(params.get("body") or b"", type=Json)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        text = "Malformed input request, please reformat your input and try again."
        raise ServiceError("ValidationException", text) from None
    return model_of(params["modelId"]), body


async def _whole(reply: Reply) -> bytes:
    try:
        return await read(reply.body, _MOST)
    except BodyTooLarge:
        raise ServiceError("ModelErrorException", "The model's answer is too long") from None


def _message(body: bytes) -> str:
    """The text of an error in Anthropic's form or OpenAI's."""
    try:
        return msgspec.json.decode(body)["error"]["message"]
    except (msgspec.DecodeError, KeyError, TypeError):
        return "The model did not answer"


async def _chunks(reply: Reply) -> AsyncIterator[bytes]:
    """Server-sent events as the service's frames, one each."""
    rest = b""
    headers = {
        ":event-type": "chunk",
        ":content-type": "application/json",
        ":message-type": "event",
    }
    source = as_stream(reply.body)
    try:
        async for piece in source:
            *whole, rest = (rest + piece.replace(b"\r\n", b"\n")).split(b"\n\n")
            for event in whole:
                data = b"\n".join(
                    line[5:].lstrip() for line in event.split(b"\n") if line.startswith(b"data:")
                )
                if data and data != b"[DONE]":
                    kept = base64.b64encode(data).decode()
                    yield encode(headers, msgspec.json.encode({"bytes": kept}))
    finally:
        await source.aclose()
