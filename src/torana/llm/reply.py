"""What a client gets of a candidate's answer: its bytes, an answer written anew, a stream."""

from torana.llm.account import BYTES_A_TOKEN, Account
from torana.llm.call import Answered, Asked
from torana.llm.chat import Usage
from torana.llm.dialect import COUNTS, Front
from torana.llm.dialects import DIALECTS
from torana.llm.errors import LlmError
from torana.llm.guard import Guard, GuardedWriter
from torana.llm.relay import Observing, Passing, Pipe, Relay, Through, Translating
from torana.llm.sse import EVENT_STREAM
from torana.message import Headers, Reply


def reply_of(asked: Asked, answered: Answered, account: Account, guard: Guard | None) -> Reply:
    """Settles the account of whole answers; that of a stream when it is over."""
    front, target = asked.front, answered.target
    fields = [("x-torana-provider", target.provider.name), ("x-torana-model", target.model)]
    if answered.raw is not None:
        kind = answered.headers.get("content-type") or "application/json"
        fields.append(("Content-Type", kind))
        guess = 0 if front.operation in SOUNDS else len(answered.raw) // BYTES_A_TOKEN
        account.settle(usage_of(answered, front.operation), guess)
        return Reply(answered.status, Headers(fields), answered.raw)
    if answered.answer is not None:
        fields.append(("Content-Type", "application/json"))
        answer, free = answered.answer, front.operation in _FREE
        if answered.estimated:
            fields.append(("x-torana-estimate", "o200k_base"))
        account.settle(Usage() if free else answer.usage, 0)
        if guard is not None and not free:
            answer = guard.answer(answer)
        body = front.write(answer, asked.question(), account.seconds())
        return Reply(200, Headers(fields), body)
    pipe: Pipe
    if answered.plain:
        fields.append(("Content-Type", answered.headers.get("content-type") or ""))
        pipe = Through()
    else:
        fields += [("Content-Type", stream_type(front)), ("Cache-Control", "no-cache")]
        pipe = pipe_of(asked, answered, guard)
    account.first = account.seconds()

    def done() -> None:
        account.settle(pipe.usage, pipe.events, stream=True)

    return Reply(200, Headers(fields), Relay(answered, pipe, front.fail, done))


def stream_type(front: Front) -> str:
    """The media type of a front's streams."""
    dialect = DIALECTS.get(front.dialect)
    return EVENT_STREAM if dialect is None else dialect.stream_type


def pipe_of(asked: Asked, answered: Answered, guard: Guard | None) -> Pipe:
    """What becomes of a stream's bytes."""
    front, target = asked.front, answered.target
    dialect = target.provider.dialect
    if not answered.native:
        writer = front.writer(asked.chat())
        return Translating(target, writer if guard is None else GuardedWriter(writer, guard))
    if dialect.stream_type != EVENT_STREAM:
        return Observing(dialect)
    return Passing(dialect, front.operation, asked.peek.with_usage)


_FREE = COUNTS | {"moderations"}
"""Operations for which providers charge nothing."""
SOUNDS = frozenset({"speech", "transcriptions", "translations", "images", "image_edits"})
"""Operations whose bytes are no tokens."""


def usage_of(answered: Answered, operation: str) -> Usage | None:
    """What a whole answer says that it used."""
    if operation in _FREE:
        return Usage()
    try:
        return answered.target.provider.dialect.usage(answered.told or answered.raw or b"")
    except LlmError:
        return None
