"""`/v1/realtime`: a conversation over a WebSocket, passed both ways and metered answer by answer.

Source: OpenAI API reference, "Realtime"; the key of a browser comes as a subprotocol.
"""

import asyncio
import time
from collections.abc import Callable
from urllib.parse import parse_qs, quote

import msgspec
from msgspec import Struct

from torana.llm.chat import Usage
from torana.llm.errors import LlmError
from torana.llm.fronts.openai_errors import told
from torana.llm.keys import Key, Keys, Reserved, allow, identify, reserve
from torana.llm.mark import whose
from torana.llm.route import Models, Target, candidates, find
from torana.llm.spend import Spent
from torana.message import Headers, Request, Sent, SocketLimits, Upgrade, WebSocket
from torana.net.tasks import spawn

PATH = "/v1/realtime"
LIMITS = SocketLimits(message=16 << 20, frame=16 << 20, idle=900.0, lifetime=3600.0)
_KEY = "openai-insecure-api-key."
_PASSED = frozenset({"openai-beta", "openai-safety-identifier"})
_POLICY = 1008


class _Details(Struct):
    cached_tokens: int | None = 0


class _Used(Struct):
    input_tokens: int | None = 0
    output_tokens: int | None = 0
    input_token_details: _Details | None = None


class _Response(Struct):
    usage: _Used | None = None


class _Event(Struct):
    type: str = ""
    response: _Response | None = None


_event = msgspec.json.Decoder(_Event)


def _shown(request: Request) -> Headers:
    """The headers that show the key, wherever the client put it."""
    for offered in request.headers.all("sec-websocket-protocol"):
        for each in offered.split(","):
            if each.strip().startswith(_KEY):
                return Headers([("x-api-key", each.strip()[len(_KEY) :])])
    return request.headers


async def open_realtime(
    keys: Keys, models: Models, request: Request, spend: Callable[[Spent], None]
) -> Upgrade:
    """The answer to the handshake, once a provider has taken ours. Raises `LlmError`."""
    key = identify(keys, _shown(request))
    query = parse_qs(request.target.partition("?")[2])
    name = query.get("model", [""])[0]
    if not name:
        raise LlmError("invalid_request", "Name a model: ?model=NAME", param="model")
    allow(key, name)
    model = find(models, name)
    if model.guard is not None:
        raise LlmError("invalid_request", "the guardrails of this model let only chats through")
    conversation = _Conversation(key, model.name, spend)
    await conversation.reserve(model.targets[0])
    try:
        target, far = await _dialled(models, name, request)
    except BaseException:
        conversation.release()
        raise
    conversation.begin(target)
    offered = ",".join(request.headers.all("sec-websocket-protocol"))
    agreed = [("Sec-WebSocket-Protocol", "realtime")] if "realtime" in offered else []
    fields = [*agreed, ("x-torana-provider", target.provider.name)]
    fields.append(("x-torana-model", target.model))

    async def session(near: WebSocket) -> None:
        await conversation.run(near, far)

    def sent(_: Sent) -> None:
        # The server may refuse the handshake, or find nobody there any more.
        if conversation.end():
            spawn(far.close(), "hang up")

    return Upgrade(101, Headers(fields), sent=sent, session=session, limits=LIMITS)


async def _dialled(models: Models, name: str, request: Request) -> tuple[Target, WebSocket]:
    failure = LlmError(
        "invalid_request", f"no provider of {name} has a realtime API", code="unsupported_operation"
    )
    passed = [item for item in request.headers.items if item[0].lower() in _PASSED]
    for target in candidates(models, find(models, name)):
        provider = target.provider
        path = provider.dialect.path("realtime", target.model, True)
        if path is None or provider.dial is None:
            continue
        fields = [item for item in provider.headers if item[0].lower() != "content-type"]
        place = f"{provider.prefix}{path}?model={quote(target.model)}"
        ours = Request("GET", place, Headers([*fields, *passed]))
        try:
            signed = ours if provider.sign is None else provider.sign(ours)
            return target, await provider.dial(place, signed.headers)
        except LlmError as error:
            failure = error
        except TimeoutError:
            failure = LlmError("timeout", f"{provider.name} did not answer in time")
        except ConnectionError as error:
            failure = LlmError("upstream", f"{provider.name} cannot be reached: {error}")
        target.failed(None)
    raise failure


class _Conversation:
    """Each answer is an account of its own: reserved before, settled with what it used."""

    def __init__(self, key: Key, model: str, spend: Callable[[Spent], None]) -> None:
        self._key, self._model, self._spend = key, model, spend
        self._reserved: Reserved | None = None
        self._target: Target | None = None
        self._since = time.time()

    async def reserve(self, target: Target) -> None:
        """Raises `LlmError` when a limit has not enough left."""
        self._reserved = await reserve(self._key, 0, None, target.price)

    def release(self) -> None:
        """Nothing more was used."""
        if self._reserved is not None:
            self._reserved.settle(None, None)
            self._reserved = None

    def begin(self, target: Target) -> None:
        """A provider took it."""
        self._target = target
        target.busy += 1
        target.answered(time.time() - self._since)

    async def run(self, near: WebSocket, far: WebSocket) -> None:
        """Until either end leaves."""
        assert self._target is not None
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_pump(near, far))
                tasks.create_task(self._answers(far, near))
        except* ConnectionError:
            # One end is gone, so the other is told.
            await asyncio.gather(near.close(), far.close(), return_exceptions=True)
        finally:
            self.end()

    def end(self) -> bool:
        """It is over; whether it was not before."""
        target, self._target = self._target, None
        if target is None:
            return False
        target.busy -= 1
        self.release()
        return True

    async def _answers(self, far: WebSocket, near: WebSocket) -> None:
        target = self._target
        assert target is not None
        while (message := await far.receive()) is not None:
            await near.send(message)
            used = _used(message)
            if used is None:
                continue
            self._settle(target, used)
            try:
                await self.reserve(target)
            except LlmError as error:
                value = {"type": "error", "event_id": "event_limit", **told(error)}
                await near.send(msgspec.json.encode(value).decode())
                await near.close(_POLICY, error.message[:100])
                await far.close()
                return
        await near.close(_known(far.close_code))

    def _settle(self, target: Target, used: Usage) -> None:
        usd = target.price.of(used) if target.price else None
        if self._reserved is not None:
            self._reserved.settle(used, usd)
            self._reserved = None
        now = time.time()
        self._spend(
            Spent(
                at=self._since,
                key=self._key.name,
                model=self._model,
                provider=target.provider.name,
                target=target.model,
                status=200,
                input=used.input,
                output=used.output,
                cached=used.cached,
                usd=usd,
                seconds=now - self._since,
                stream=True,
                **whose(self._key),
            )
        )
        self._since = now


async def _pump(source: WebSocket, sink: WebSocket) -> None:
    while (message := await source.receive()) is not None:
        await sink.send(message)
    await sink.close(_known(source.close_code))


def _known(code: int | None) -> int:
    """What may be said in a close frame (RFC 6455, 7.4)."""
    return code if code is not None and (1000 <= code <= 1003 or code >= 1007) else 1000


def _used(message: str | bytes) -> Usage | None:
    """What an answer that is over has used."""
    data = message.encode() if isinstance(message, str) else message
    if b'"response.done"' not in data:
        return None
    try:
        event = _event.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if event.type != "response.done" or event.response is None or event.response.usage is None:
        return None
    used = event.response.usage
    cached = (used.input_token_details and used.input_token_details.cached_tokens) or 0
    return Usage(used.input_tokens or 0, used.output_tokens or 0, cached)
