"""Any operation of any service, from JSON to JSON, by way of botocore and the gateway's own door.

The browser names a service, an operation and its parameters as boto3 does. botocore writes, signs
and reads; what it would send goes to the management listener's handler in this process. So a call
from the console is the same as one of an SDK: the same contract, the same checks, the same audit.
"""

import asyncio
import base64
import binascii
import contextvars
import os
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Lock
from typing import Any, cast

from torana.console.refused import Refused
from torana.message import Headers, Peer, Reply, Request, read
from torana.services.ports import Credential
from torana.wire.model import OWN

Handle = Callable[[Request], Awaitable[Reply]]

_THREADS = 16
"""Calls under way at the same time; more wait."""
_LONGEST = 910.0
"""Seconds: a function has 15 minutes."""
_REPLY_LIMIT = 64 * 1024 * 1024
_MOST_CLIENTS = 256
_ADDRESS = "http://gateway.console"
_peer: contextvars.ContextVar[Peer] = contextvars.ContextVar("peer")


class ServiceCalls:
    """`handle` answers a signed request."""

    def __init__(self, handle: Handle, names: Callable[[], tuple[str, ...]], region: str) -> None:
        self._handle, self._names, self._region = handle, names, region
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="console")
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._making = Lock()

    async def __call__(
        self,
        credential: Credential,
        peer: Peer,
        service: str,
        operation: str,
        params: Mapping[str, Any],
    ) -> dict[str, Any]:
        """The output's members: blobs in base64, times in ISO 8601. Raises `Refused`."""
        if service not in self._names():
            raise Refused(404, "UnknownService", f"The service '{service}' is not served here")
        loop = asyncio.get_running_loop()

        def work() -> dict[str, Any]:
            _peer.set(peer)
            return self._call(loop, credential, service, operation, params)

        run = contextvars.copy_context().run
        return await loop.run_in_executor(self._threads, run, work)

    def close(self) -> None:
        """What runs is finished by the gateway, and not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _call(
        self,
        loop: asyncio.AbstractEventLoop,
        credential: Credential,
        service: str,
        operation: str,
        params: Mapping[str, Any],
    ) -> dict[str, Any]:
        from botocore import xform_name
        from botocore.exceptions import BotoCoreError, ClientError

        client = self._client(loop, credential, service)
        model = client.meta.service_model
        if operation not in model.operation_names:
            raise Refused(404, "UnknownOperation", f"{service} has no operation {operation!r}")
        shape = model.operation_model(operation).input_shape
        given: dict[str, Any] = _incoming(shape, dict(params)) if shape is not None else {}
        try:
            output = getattr(client, xform_name(operation))(**given)
        except ClientError as error:
            said = cast(dict[str, Any], error.response)
            meta = said.get("ResponseMetadata", {})
            told = said.get("Error", {})
            raise Refused(
                int(meta.get("HTTPStatusCode") or 500),
                str(told.get("Code") or "Unknown"),
                str(told.get("Message") or said.get("message") or error),
                requestId=meta.get("RequestId"),
            ) from None
        except (BotoCoreError, ValueError) as error:
            raise Refused(400, "ParamValidation", str(error)) from None
        except (TimeoutError, ConnectionError) as error:
            raise Refused(504, "Timeout", f"The service did not answer: {error}") from None
        output.pop("ResponseMetadata", None)
        return cast(dict[str, Any], _outgoing(output))

    def _client(self, loop: asyncio.AbstractEventLoop, who: Credential, service: str) -> Any:
        key = who.access_key_id, who.secret_access_key, service
        with self._making:
            found = self._clients.get(key)
            if found is None:
                if len(self._clients) >= _MOST_CLIENTS:
                    self._clients.clear()
                found = self._clients[key] = self._made(loop, who, service)
            return found

    def _made(self, loop: asyncio.AbstractEventLoop, who: Credential, service: str) -> Any:
        from botocore.config import Config
        from botocore.session import Session

        # Whatever profile or file the gateway's own environment names is not what is asked for.
        session = Session({"profile": (None, None, None, None)})
        session.set_config_variable("config_file", os.devnull)
        session.set_config_variable("credentials_file", os.devnull)
        session.get_component("data_loader").search_paths.append(str(OWN))
        client: Any = session.create_client(  # pyright: ignore[reportUnknownMemberType]
            cast(Any, service),
            region_name=self._region,
            endpoint_url=_ADDRESS,
            aws_access_key_id=who.access_key_id,
            aws_secret_access_key=who.secret_access_key,
            aws_session_token=who.session_token,
            config=Config(
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path"},
                user_agent_extra="torana-console",
            ),
        )

        def answer(request: Any, **_: Any) -> Any:
            asked = asyncio.run_coroutine_threadsafe(self._ask(request, _peer.get()), loop)
            return asked.result(_LONGEST)

        client.meta.events.register("before-send", answer)
        return client

    async def _ask(self, prepared: Any, peer: Peer) -> Any:
        from botocore.awsrequest import AWSResponse, HeadersDict

        fields = [(str(name), _text(value)) for name, value in prepared.headers.items()]
        if not any(name.lower() == "host" for name, _ in fields):
            fields.append(("Host", _ADDRESS.rpartition("/")[2]))
        body: Any = prepared.body or b""
        if hasattr(body, "read"):
            body = body.read()
        target = prepared.url.removeprefix(_ADDRESS) or "/"
        content = body.encode() if isinstance(body, str) else bytes(body)
        request = Request(prepared.method, target, Headers(fields), content, peer)
        reply = await self._handle(request)
        answered = await read(reply.body, _REPLY_LIMIT)
        told: Any = HeadersDict(dict(reply.headers.items))
        return AWSResponse(prepared.url, reply.status, told, _Raw(answered))


class _Raw:
    """A whole body where botocore expects urllib3's response."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, amount: int = 0, **_: Any) -> Any:
        yield self.read()

    def read(self, amount: int | None = None, **_: Any) -> bytes:
        size = len(self._content) if amount is None else amount
        piece, self._content = self._content[:size], self._content[size:]
        return piece

    def close(self) -> None: ...


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _incoming(shape: Any, value: Any) -> Any:
    """JSON to what botocore takes: only blobs differ. Raises `Refused`."""
    if value is None:
        return None
    if shape.type_name == "blob":
        try:
            return base64.b64decode(str(value), validate=True)
        except (binascii.Error, ValueError):
            raise Refused(400, "Malformed", f"{shape.name} must be base64") from None
    if shape.type_name == "structure" and isinstance(value, dict):
        members = shape.members
        return {
            name: _incoming(members[name], item) if name in members else item
            for name, item in cast(dict[str, Any], value).items()
            if item is not None
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_incoming(shape.member, item) for item in cast(list[Any], value)]
    if shape.type_name == "map" and isinstance(value, dict):
        return {
            name: _incoming(shape.value, item) for name, item in cast(dict[str, Any], value).items()
        }
    return value


def _outgoing(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _outgoing(item) for name, item in cast(dict[str, Any], value).items()}
    if isinstance(value, list | tuple):
        return [_outgoing(item) for item in cast(list[Any], value)]
    if isinstance(value, datetime):
        return value.isoformat()
    if hasattr(value, "read"):
        value = value.read()
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    return value
