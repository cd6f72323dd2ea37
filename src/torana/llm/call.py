"""One call of a model: candidates are tried until one begins to answer.

An error before the first token moves on to the next candidate, whatever its status, be it an event
of a stream that began with 200. After the first token the answer is that candidate's.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator
from time import monotonic
from typing import Any

import msgspec
from msgspec import Struct

from torana.llm.chat import Answer, Chat, Usage, named
from torana.llm.counting import words
from torana.llm.dialect import ASKED, COUNTS, Dialect, Exchange, Front, Peek
from torana.llm.errors import LlmError
from torana.llm.forms import retarget
from torana.llm.mark import UNMARKED, Mark
from torana.llm.route import Model, Models, Provider, Target, candidates
from torana.message import Body, BodyTooLarge, Headers, Reply, Request, read
from torana.net.tasks import spawn

ANSWER_LIMIT = 64 * 1024 * 1024
"""Bytes of a whole answer."""
_FIRST_LIMIT = 1024 * 1024
"""Bytes that are looked at for a stream's first event."""
_PAUSE = 0.25
_LONGEST_PAUSE = 5.0
_DAY = 24 * 3600.0
"""Seconds. Who says to come again later than that has not said when."""
_CHECKED = frozenset({"chat", "completions", "responses", "embeddings"})
"""Operations whose answers are JSON that tells errors by `error`."""
_LASTING = frozenset({"invalid_request", "not_found", "permission", "too_large"})
"""Kinds of failure that another round cannot mend."""


class Asked(Struct):
    """A request for a model, as it came."""

    front: Front
    peek: Peek
    body: bytes
    read: Any = None
    guarded: bool = False
    """What is asked is `read`, never the body as it came; nor does an answer pass as it came."""
    kind: str = ""
    """The media type of a body that is a form."""
    mark: Mark = UNMARKED

    def size(self) -> int:
        """Bytes that are words: of a form, with its sounds and pictures, none are counted."""
        return 0 if self.kind else len(self.body)

    def question(self) -> Any:
        """What it asks, for providers of another API. Raises `LlmError`."""
        if self.read is None:
            self.read = self.front.read(self.body, self.peek)
        return self.read

    def chat(self) -> Chat:
        """The same, if that is a chat. Raises `LlmError`."""
        found = self.question()
        if not isinstance(found, Chat):
            raise _unsupported(self.peek.model, self.front.operation)
        return found


class Answered(Struct):
    """A candidate that answers."""

    target: Target
    status: int
    headers: Headers
    raw: bytes | None
    """A whole answer of the client's own API, else `answer` is it."""
    answer: Any = None
    """An `Answer`, or what else was asked for, with its `usage`."""
    begun: bytes = b""
    """Of a stream: what is here already."""
    rest: Body = b""
    native: bool = True
    """The provider was asked through the client's own API."""
    attempts: int = 1
    plain: bool = False
    """A stream of bytes that are no events, such as sound."""
    estimated: bool = False
    """It is the gateway's own estimate: the provider has no such counter."""
    told: bytes = b""
    """Of `raw`, what tells its usage, once that was looked for."""


async def call(models: Models, model: Model, asked: Asked, session: str = "") -> Answered:
    """The first candidate that answers; it counts as busy until the caller says otherwise.

    Raises `LlmError`: the last one's failure.
    """
    attempts = 0
    model.allowance.asked()
    failure: LlmError | None = None
    for round in range(model.retries + 1):
        if round:
            failure = failure or _nobody(model)
            if failure.kind in _LASTING or not model.allowance.take():
                break
            await asyncio.sleep(_pause(round, failure))
        targets = candidates(models, model, session)
        if model.hedge:
            found = await _raced(model, targets, asked, attempts)
            if isinstance(found, Answered):
                return found
            attempts, failure = found[0], found[1] or failure
            continue
        for target in targets:
            attempts += 1
            try:
                answered = await try_one(target, asked)
            except LlmError as error:
                failure = error
                continue
            answered.attempts = attempts
            return answered
    raise failure or _nobody(model)


def _nobody(model: Model) -> LlmError:
    return LlmError("overloaded", f"no provider of {model.name} can be called")


async def _raced(
    model: Model, targets: Iterator[Target], asked: Asked, attempts: int
) -> "Answered | tuple[int, LlmError | None]":
    """The next candidate is asked as well when the ones before have not begun in time; who begins
    first is the answer, the others are let go."""
    failure: LlmError | None = None
    running: set[asyncio.Task[Answered]] = set()
    try:
        while True:
            target = next(targets, None)
            if target is not None:
                attempts += 1
                running.add(asyncio.ensure_future(try_one(target, asked)))
            if not running:
                return attempts, failure
            done, running = await asyncio.wait(
                running,
                timeout=model.hedge if target is not None else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in done:
                error = task.exception()
                if error is None:
                    running |= done - {task}
                    answered = task.result()
                    answered.attempts = attempts
                    return answered
                if not isinstance(error, LlmError):
                    running |= done - {task}
                    raise error
                failure = error
    finally:
        for task in running:
            task.cancel()
            task.add_done_callback(_let_go)


def _let_go(task: "asyncio.Task[Answered]") -> None:
    """One that began after all is told to stop."""
    if not task.cancelled() and task.exception() is None:
        answered = task.result()
        answered.target.busy -= 1
        spawn(_close(answered.rest), "let a hedge go")


async def try_one(target: Target, asked: Asked) -> Answered:
    """Ask a target, and note how it does. Raises `LlmError`."""
    if asked.front.operation in COUNTS and _uncounted(target, asked):
        answered = await _estimated(target, asked)
        target.busy += 1
        return answered
    started = monotonic()
    target.busy += 1
    try:
        answered = await _ask(target, asked)
    except BaseException as error:
        target.busy -= 1
        if isinstance(error, LlmError) and error.kind not in ("invalid_request", "too_large"):
            target.failed(error.retry_after)
        raise
    target.answered(monotonic() - started)
    return answered


def _pause(round: int, failure: LlmError) -> float:
    wanted = failure.retry_after or _PAUSE * 2 ** (round - 1)
    return min(wanted, _LONGEST_PAUSE)


async def _ask(target: Target, asked: Asked) -> Answered:
    provider = target.provider
    written = _written(target, asked)
    try:
        reply = await _sent(provider, asked, written)
        if reply.status >= 300:
            raise _refusal(target, reply, await read(reply.body, _FIRST_LIMIT))
        if asked.peek.stream and _is_stream(reply, provider.dialect):
            async with asyncio.timeout(provider.timeouts.head):
                answered = await _stream(target, reply, written.operation == "chat")
                answered.native = written.native
                return answered
        if written.native and not isinstance(reply.body, bytes) and _sounds(reply):
            return Answered(target, reply.status, reply.headers, None, rest=reply.body, plain=True)
        body = reply.body
        if not isinstance(body, bytes) or len(body) > ANSWER_LIMIT:
            body = await read(body, ANSWER_LIMIT)
    except TimeoutError as error:
        raise LlmError("timeout", f"{provider.name} did not answer in time") from error
    except ConnectionError as error:
        raise LlmError("upstream", f"{provider.name} cannot be reached: {error}") from error
    except BodyTooLarge as error:
        raise LlmError("upstream", f"{provider.name} answers with too much") from error
    if written.native:
        told = _check(target, body) if written.operation in _CHECKED else b""
        return Answered(target, reply.status, reply.headers, body, told=told)
    if written.exchange is not None:
        answer: Any = written.exchange.read(body)
    else:
        answer = named(provider.dialect.read(body), target.model)
    return Answered(target, 200, reply.headers, None, answer, native=False)


class _Whole(Struct):
    error: Any = None
    usage: msgspec.Raw = msgspec.Raw()


_whole = msgspec.json.Decoder(_Whole)


def _check(target: Target, body: bytes) -> bytes:
    """The part that tells usage by itself, if one does. Raises `LlmError` for an answer of status
    200 that is broken, or an error."""
    try:
        found = _whole.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        text = f"the answer of {target.provider.name} is malformed: {error}"
        raise LlmError("upstream", text) from error
    if found.error:
        raise target.provider.dialect.refusal(502, body)
    told = bytes(found.usage) if target.provider.dialect.usage_alone else b""
    return b'{"usage":%b}' % told if told.startswith(b"{") else b""


def _sent(provider: Provider, asked: Asked, written: "_Written") -> Awaitable[Reply]:
    headers = Headers([*provider.headers])
    if asked.kind:
        headers.set("Content-Type", asked.kind)
    request = Request("POST", provider.prefix + written.path, headers, written.body)
    if provider.sign is not None:
        request = provider.sign(request)
    timeouts = provider.timeouts if asked.peek.stream else provider.whole
    return provider.origin.send(request, timeouts)


def _uncounted(target: Target, asked: Asked) -> bool:
    """Whether the provider has no counter of tokens."""
    return not _native(target, asked) and "count_tokens" not in target.provider.dialect.exchanges


async def _estimated(target: Target, asked: Asked) -> Answered:
    """The tokens of a chat for a provider without a counter. Raises `LlmError`."""
    estimate = target.provider.estimate
    if estimate is None:
        raise _unsupported(target.model, asked.front.operation)
    answer = Answer("", target.model, (), usage=Usage(await estimate(*words(asked.chat()))))
    return Answered(target, 200, Headers(), None, answer, estimated=True, native=False)


class _Written(Struct):
    """A question as a target's provider takes it."""

    path: str
    body: bytes
    operation: str
    native: bool
    exchange: Exchange | None = None


def _written(target: Target, asked: Asked) -> _Written:
    """Raises `LlmError` for what the provider has not."""
    dialect, operation = target.provider.dialect, asked.front.operation
    native, exchange = _native(target, asked), None
    if native:
        change = dialect.retarget if not asked.kind else retarget
        body = change(asked.body, asked.peek, target.model)
    elif (exchange := dialect.exchanges.get(ASKED.get(operation, operation))) is not None:
        body, operation = exchange.write(asked.question(), target.model), exchange.operation
    else:
        body, operation = dialect.write(asked.chat(), target.model), "chat"
    path = dialect.path(operation, target.model, asked.peek.stream)
    if path is None or (operation in target.provider.without and not native):
        raise _unsupported(target.model, asked.front.operation)
    return _Written(path, body, operation, native, exchange)


def _native(target: Target, asked: Asked) -> bool:
    """Whether the body passes as it is."""
    provider, front = target.provider, asked.front
    speaks = provider.dialect.name == front.dialect or front.operation in provider.dialect.shared
    return speaks and front.operation not in provider.without and not asked.guarded


def _unsupported(model: str, operation: str) -> LlmError:
    return LlmError(
        "invalid_request",
        f"the provider of {model} has no {operation} API",
        code="unsupported_operation",
    )


def _refusal(target: Target, reply: Reply, body: bytes) -> LlmError:
    if reply.status < 400:
        text = f"{target.provider.name} answered {reply.status}, which leads nowhere"
        return LlmError("upstream", text)
    error = target.provider.dialect.refusal(reply.status, body)
    after = reply.headers.get("retry-after")
    if after is not None and after.strip().replace(".", "", 1).isdecimal():
        error.retry_after = min(float(after), _DAY)
    if error.kind == "authentication":
        # The client's own key is good: it is ours at the provider that is not.
        return LlmError(
            "upstream", f"{target.provider.name} refuses the gateway's credentials", status=502
        )
    return error


def _sounds(reply: Reply) -> bool:
    return (reply.headers.get("content-type") or "").startswith("audio/")


def _is_stream(reply: Reply, dialect: Dialect) -> bool:
    kind = reply.headers.get("content-type") or ""
    return kind.partition(";")[0].strip().lower() == dialect.stream_type


async def _stream(target: Target, reply: Reply, chat: bool) -> Answered:
    """A stream whose first token is here, with no error before it."""
    begun, cut = list[bytes](), target.provider.dialect.cutter()
    size = 0
    try:
        async for piece in _pieces(reply.body):
            begun.append(piece)
            size += len(piece)
            if _begins(target.provider.dialect, cut.feed(piece), chat):
                first = b"".join(begun)
                return Answered(target, reply.status, reply.headers, None, None, first, reply.body)
            if size > _FIRST_LIMIT:
                raise LlmError("upstream", "the provider's stream does not begin")
    except ValueError as error:
        await _close(reply.body)
        raise LlmError("upstream", f"the provider's stream is malformed: {error}") from error
    except BaseException:
        await _close(reply.body)
        raise
    raise LlmError("upstream", f"{target.provider.name} ended its answer before it began")


def _begins(dialect: Dialect, events: Iterable[bytes], chat: bool) -> bool:
    """Raises `LlmError` for an event that reports an error."""
    for data in events:
        fault = dialect.fault(data)
        if fault is not None:
            raise fault
        if not chat or dialect.begins(data):
            return True
    return False


async def _pieces(body: Body) -> AsyncIterator[bytes]:
    if isinstance(body, bytes):
        yield body
        return
    async for piece in body:
        yield piece


async def _close(body: Body) -> None:
    if not isinstance(body, bytes):
        await body.aclose()
