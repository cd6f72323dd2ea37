"""Invocations of endpoints: waited for, streamed, or left to be done.

Source: Amazon SageMaker Runtime API Reference.
"""

from collections.abc import AsyncIterator
from time import time
from typing import Any
from uuid import uuid4

import msgspec
from msgspec import Struct

from torana.message import BodyTooLarge, Continued, Headers, Reply, read
from torana.services.background import Background
from torana.services.documents import keep, write_object
from torana.services.members import part
from torana.services.payload import as_stream
from torana.services.ports import Call
from torana.services.sagemaker.book import ASYNC, Json
from torana.services.sagemaker.hosts import Ask, Hosts, ModelFailed, Told
from torana.state.objects import ObjectError, ObjectStore
from torana.state.store import Store
from torana.wire.event_stream import MEDIA_TYPE, encode
from torana.wire.faults import ServiceError

_MOST = 25 * 1024 * 1024
"""Bytes of a request. Source: "InvokeEndpoint", `Body`."""
_ASYNC_MOST = 1024 * 1024 * 1024
_UNHEEDED = (
    *("TargetModel", "TargetContainerHostname", "EnableExplanations", "SessionId"),
    *("InferenceComponentName", "PrefixAwareId"),
)


class Queued(Struct, frozen=True):
    """An invocation that is accepted."""

    endpoint: str
    bucket: str
    key: str
    """Of the request."""
    content_type: str
    accept: str
    attributes: str
    output: str
    """`s3://bucket/key` of the answer."""
    failure: str
    accepted: float
    expires: float


class Invocations:
    """The operations. What is accepted is done by this node, again after a crash."""

    def __init__(
        self, store: Store, objects: ObjectStore, hosts: Hosts, background: Background
    ) -> None:
        self._store, self._objects, self._hosts = store, objects, hosts
        self._background = background

    async def InvokeEndpoint(self, call: Call, params: Json) -> Json:
        """Wait for the model's answer."""
        told = await self._ask(call, params, stream=False)
        return {**_fields(told), "Body": told.body}

    async def InvokeEndpointWithResponseStream(self, call: Call, params: Json) -> Reply:
        """Take the answer as it comes."""
        told = await self._ask(call, params, stream=True)
        fields = [
            ("x-amzn-RequestId", call.request_id),
            ("Content-Type", MEDIA_TYPE),
            ("X-Amzn-SageMaker-Content-Type", told.content_type),
            ("x-Amzn-Invoked-Production-Variant", told.variant),
        ]
        if told.attributes:
            fields.append(("X-Amzn-SageMaker-Custom-Attributes", told.attributes))
        return Reply(200, Headers(fields), Continued(b"", _parts(told.body)))

    async def InvokeEndpointAsync(self, call: Call, params: Json) -> Json:
        """Accepted when it is stored; the answer goes to the bucket of the configuration."""
        name = params["EndpointName"]
        endpoint = await self._endpoint(call, name)
        config = part(part(endpoint, "AsyncInferenceConfig"), "OutputConfig")
        place: str = config.get("S3OutputPath") or ""
        if not place:
            raise _invalid(f"Endpoint {name} is not configured for asynchronous inference")
        given: str = params.get("InputLocation") or ""
        if params.get("Body") or not given.startswith("s3://"):
            raise _invalid("InputLocation must be s3://bucket/key")
        bucket, _, key = given.removeprefix("s3://").partition("/")
        id = params.get("InferenceId") or str(uuid4())
        failure: str = config.get("S3FailurePath") or place
        now = time()
        queued = Queued(
            name,
            bucket,
            key,
            params.get("ContentType") or "application/octet-stream",
            params.get("Accept") or "*/*",
            params.get("CustomAttributes") or "",
            f"{place.rstrip('/')}/{uuid4()}.out",
            f"{failure.rstrip('/')}/{uuid4()}-error.out",
            now,
            now + (params.get("RequestTTLSeconds") or 21600),
        )
        kept = f"{name}/{uuid4()}"
        await keep(self._store, ASYNC, kept, msgspec.json.encode(queued))
        self._background.start(self._do(kept, queued), f"asynchronous invocation of {name}")
        return {
            "InferenceId": id,
            "OutputLocation": queued.output,
            "FailureLocation": queued.failure,
        }

    async def resume(self) -> None:
        """Do again what an earlier process accepted and did not finish."""
        async for document in self._store.scan(ASYNC):
            await self._do(document.id, msgspec.json.decode(document.body, type=Queued))

    async def _do(self, id: str, queued: Queued) -> None:
        try:
            told = await self._answer(queued)
            body: bytes = told.body
            await self._put(queued.output, body, told.content_type)
        except (ModelFailed, LookupError, ObjectError, BodyTooLarge, ConnectionError) as error:
            text = str(error) or "The input is too long"
            await self._put(queued.failure, text.encode(), "text/plain")
        await keep(self._store, ASYNC, id, None)

    async def _answer(self, queued: Queued) -> Told:
        if time() > queued.expires:
            raise LookupError("The request's time to live is over")
        endpoint = await self._hosts.endpoint(queued.endpoint)
        if endpoint is None:
            raise LookupError(f"Endpoint {queued.endpoint} not found.")
        found = await self._objects.get(queued.bucket, queued.key)
        body = await read(self._objects.read(found, 0, found.size), _ASYNC_MOST)
        ask = Ask(body, queued.content_type, queued.accept, queued.attributes)
        return await self._hosts.ask(endpoint, ask)

    async def _put(self, place: str, body: bytes, content_type: str) -> None:
        bucket, _, key = place.removeprefix("s3://").partition("/")
        await write_object(self._objects, bucket, key, body, content_type)

    async def _endpoint(self, call: Call, name: str) -> Json:
        found = await self._hosts.endpoint(name)
        if found is None or found["EndpointStatus"] not in ("InService", "Updating"):
            raise _invalid(f"Endpoint {name} of account {call.principal.account} not found.")
        return found

    async def _ask(self, call: Call, params: Json, *, stream: bool) -> Told:
        wrong = [name for name in _UNHEEDED if params.get(name)]
        if wrong:
            raise _invalid(f"Not supported here: {', '.join(wrong)}")
        body: bytes = params.get("Body") or b""
        if len(body) > _MOST:
            raise _invalid(f"Body must have at most {_MOST} bytes")
        endpoint = await self._endpoint(call, params["EndpointName"])
        ask = Ask(
            body,
            params.get("ContentType") or "application/octet-stream",
            params.get("Accept") or "*/*",
            params.get("CustomAttributes") or "",
            stream,
        )
        try:
            return await self._hosts.ask(endpoint, ask, params.get("TargetVariant") or "")
        except LookupError:
            raise _invalid(f"Variant {params['TargetVariant']} not found.") from None
        except ModelFailed as error:
            raise _failed(error) from None


def _failed(error: ModelFailed) -> ServiceError:
    status, text = error.status or 500, str(error)
    side = "primary"
    return ServiceError(
        "ModelError",
        f"Received {'client' if status < 500 else 'server'} error ({status}) from {side} with "
        f'message "{text}".',
        fields={"OriginalStatusCode": status, "OriginalMessage": text},
    )


def _invalid(text: str) -> ServiceError:
    return ServiceError("ValidationError", text)


def _fields(told: Told) -> Json:
    found: Json = {"ContentType": told.content_type, "InvokedProductionVariant": told.variant}
    return {**found, "CustomAttributes": told.attributes} if told.attributes else found


async def _parts(body: Any) -> AsyncIterator[bytes]:
    headers = {
        ":event-type": "PayloadPart",
        ":content-type": "application/octet-stream",
        ":message-type": "event",
    }
    source = as_stream(body)
    try:
        async for piece in source:
            yield encode(headers, piece)
    except (TimeoutError, ConnectionError) as error:
        broken = {":message-type": "exception", ":exception-type": "ModelStreamError"}
        told = {"Message": str(error) or "The container broke off", "ErrorCode": "ModelStreamError"}
        yield encode({**broken, ":content-type": "application/json"}, msgspec.json.encode(told))
    finally:
        await source.aclose()
