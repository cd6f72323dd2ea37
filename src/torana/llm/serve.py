"""The LLM API of the front door: from a request to the reply of a model."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from random import getrandbits
from typing import Protocol

import msgspec
from msgspec import Struct

from torana.llm.access import Access
from torana.llm.account import Account
from torana.llm.answers import Answers, Place, again
from torana.llm.apply import apply
from torana.llm.apply import named as applied
from torana.llm.cache import Kept
from torana.llm.call import Answered, Asked, call
from torana.llm.chat import Chat
from torana.llm.content import Record
from torana.llm.dialect import COUNTS, Front, user_of
from torana.llm.errors import LlmError, told
from torana.llm.fronts import front_of
from torana.llm.fronts.bedrock import ACTIONS
from torana.llm.fronts.forms import Form
from torana.llm.fronts.openai_errors import refuse
from torana.llm.fronts.passed import Passed
from torana.llm.guard import Guard
from torana.llm.guarded import judged_reply
from torana.llm.judges import asked_texts, judged
from torana.llm.keys import Key, Keys, allow, identify, may, reserve, take_request
from torana.llm.mark import TAGS, Mark, marked, whose
from torana.llm.realtime import PATH as REALTIME
from torana.llm.realtime import open_realtime
from torana.llm.reply import reply_of
from torana.llm.route import Model, Models, find
from torana.llm.shadow import Shadows
from torana.llm.spend import Spent
from torana.message import BodyTooLarge, Headers, Reply, Request, read

_log = logging.getLogger("torana.llm")

BODY_LIMIT = 32 * 1024 * 1024
"""Bytes of a request: pictures and documents travel within."""


Trace = Callable[[Headers, str], "Callable[[Spent], None] | None"]
"""Who is to be told of a call with these headers, of this operation."""


class Keeping(Protocol):
    """Who wants content kept, and what collects it."""

    def wants(self, key: Key, model: str) -> bool: ...
    def begin(self, asked: Asked, headers: Headers) -> Record: ...


class Plan(Struct, frozen=True):
    """Everything a request needs. Never changed: a new configuration swaps the whole."""

    models: Models
    keys: Keys
    created: int
    """`time.time()` when it was made: the models' age."""
    guards: Mapping[str, Guard] = {}
    """Every guardrail, by name."""
    end_user: str = ""
    """Where requests name their end user; see `marked`."""
    access: tuple[Access, ...] = ()
    """What must be kept for providers to be reached."""


class Llm:
    """Serves the paths below `/v1/` that are an LLM's."""

    def __init__(
        self,
        plan: Plan,
        spend: Callable[[Spent], None],
        answers: Answers | None = None,
        trace: Trace | None = None,
    ) -> None:
        self._trace = trace
        self.plan, self._spend = plan, spend
        self._answers = answers or Answers()
        self._shadows = Shadows(spend)
        self.content: Keeping | None = None
        """Keeps what is asked and answered, where somebody may want that."""
        self._named: tuple[Plan, dict[str, Key]] = (Plan({}, {}, 0), {})
        self.late: Callable[[str], int] = lambda key: 0
        """Seconds after which a key is to try again, under pressure; 0: it is let in."""

    surface = ""

    def takes(self, path: str) -> bool:
        """Whether a path is ours."""
        if front_of(path) is not None or path == REALTIME or applied(path):
            return True
        return path == "/v1/models" or path.startswith("/v1/models/")

    async def __call__(self, request: Request, key: Key | None = None) -> Reply:
        """Answer a request, whatever it asks for. `key`: whose it is, where that is known."""
        path, _, query = request.target.partition("?")
        front = front_of(path)
        request_id = f"req_{getrandbits(96):024x}"
        try:
            if front is not None:
                who, body = self._enter(request, key, query), request.body
                if not isinstance(body, bytes) or len(body) > BODY_LIMIT:
                    body = await _body(request)
                asked = self._asked_of(front, path, request.headers, body)
                reply = await self.ask(who, asked, request.headers, path)
            elif (guardrail := applied(path)) is not None:
                reply = await self._apply(guardrail, request, key)
            elif path == REALTIME:
                reply = await open_realtime(self.plan.keys, self.plan.models, request, self._spend)
            else:
                reply = self._models(path, request, key)
        except LlmError as error:
            reply = _refuse(front, path, error)
        except Exception:  # noqa: BLE001 - the boundary: a fault in one request stays there
            _log.exception("%s failed", path)
            reply = _refuse(front, path, LlmError("internal", "Internal error"))
        reply.headers.add("x-request-id", request_id)
        if path == "/v1/messages":
            reply.headers.add("request-id", request_id)
        return reply

    async def _apply(self, guardrail: str, request: Request, known: Key | None) -> Reply:
        if request.method != "POST":
            raise LlmError("invalid_request", f"{request.method} is not allowed", status=405)
        key = self._admit(known or identify(self.plan.keys, request.headers))
        await take_request(key)
        return await apply(self.plan.guards, guardrail, await _body(request))

    def _admit(self, key: Key) -> Key:
        """Raises `LlmError`."""
        late = self.late(key.name)
        if late:
            raise LlmError("overloaded", "The gateway is overloaded.", retry_after=late)
        return key

    def _models(self, path: str, request: Request, known: Key | None) -> Reply:
        if request.method != "GET":
            raise LlmError("invalid_request", f"{request.method} is not allowed", status=405)
        plan = self.plan
        key = known or identify(plan.keys, request.headers)
        shown = [
            {"id": name, "object": "model", "created": plan.created, "owned_by": "torana"}
            for name in plan.models
            if may(key, name)
        ]
        name = path.removeprefix("/v1/models").removeprefix("/")
        if not name:
            return _json({"object": "list", "data": shown})
        find(plan.models, name)
        allow(key, name)
        return _json(next(each for each in shown if each["id"] == name))

    def _enter(self, request: Request, known: Key | None, query: str) -> Key:
        """Whose a question is. Raises `LlmError`."""
        if request.method != "POST":
            raise LlmError("invalid_request", f"{request.method} is not allowed", status=405)
        return self._admit(known or identify(self.plan.keys, request.headers, query))

    def _asked_of(self, front: Front, path: str, headers: Headers, body: bytes) -> Asked:
        """Raises `LlmError`."""
        asked = Asked(front, front.peek(body, path), body)
        if isinstance(front, Form):
            asked.kind = headers.get("content-type") or ""
        end_user = self.plan.end_user
        if end_user or headers.get(TAGS) is not None:
            asked.mark = marked(end_user, headers, body)
        return asked

    def ask(
        self,
        key: Key,
        asked: Asked,
        headers: Headers,
        path: str,
        tell: Callable[[Spent], None] | None = None,
    ) -> Awaitable[Reply]:
        """The answer to a question of a key. Raises `LlmError`. `tell` hears what it cost."""
        content = self.content
        if content is None or not content.wants(key, asked.peek.model):
            return self._answer(key, asked, headers, path, tell)
        record = content.begin(asked, headers)
        return _recorded(record, self._answer(key, asked, headers, path, record.telling(tell)))

    async def _answer(
        self,
        key: Key,
        asked: Asked,
        headers: Headers,
        path: str,
        tell: Callable[[Spent], None] | None,
    ) -> Reply:
        plan, started = self.plan, time.time()
        peek, body = asked.peek, asked.body
        spend = self._spend if tell is None else _both(self._spend, tell)
        if self._trace is not None:
            note = self._trace(headers, asked.front.operation)
            spend = spend if note is None else _both(spend, note)
        allow(key, peek.model)
        model = find(plan.models, peek.model)
        place = None
        if model.cache:
            tenant = key.tenant(model.tenant)
            place = await self._answers.find(tenant, path, asked, model, headers)
            if place is not None and place.kept is not None:
                return await self._again(place, place.kept, key, model, started, spend, asked.mark)
        guard = model.guard
        if guard is not None:
            asked.read, asked.guarded = guard.ask(_readable(asked)), True
            await judged(guard.judges, asked_texts(asked.read), "input")
        session = _session(model, key, headers, body) if model.affinity else ""
        whole = guard is not None and guard.whole and asked.front.operation not in COUNTS
        if whole:
            asked.peek = msgspec.structs.replace(peek, stream=False)
            asked.read = msgspec.structs.replace(asked.chat(), stream=False)
        answered, account = await self._asked(key, model, asked, session, started, spend)
        if guard is not None and whole:

            async def again(chat: Chat) -> tuple[Answered, Account]:
                asked.read = chat
                return await self._asked(key, model, asked, session, time.time(), spend)

            reply = await judged_reply(asked, answered, account, guard, again, peek.stream)
        else:
            reply = reply_of(asked, answered, account, guard)
        if place is not None:
            self._answers.record(place, reply, model, lambda: account.usd)
        return reply

    async def _asked(
        self,
        key: Key,
        model: Model,
        asked: Asked,
        session: str,
        started: float,
        spend: Callable[[Spent], None],
    ) -> tuple[Answered, Account]:
        """Reserve, and ask until a candidate answers. Raises `LlmError`."""
        most, size = asked.peek.max_tokens, asked.size()
        reserved = await reserve(key, size, most, model.targets[0].price)
        try:
            answered = await call(self.plan.models, model, asked, session)
        except BaseException as error:
            reserved.settle(None, None)
            status = error.status if isinstance(error, LlmError) else 499
            spend(Spent(started, key.name, model.name, "", "", status, **whose(key, asked.mark)))
            raise
        if model.shadows:
            self._shadows.cast(model, asked)
        account = Account(spend, started, key, model, answered, reserved, size, asked.mark)
        return answered, account

    def key_named(self, name: str) -> Key | None:
        """A key by its name, as those who hold its secret have it."""
        plan = self.plan
        if self._named[0] is not plan:
            self._named = plan, {each.name: each for each in plan.keys.values()}
        return self._named[1].get(name)

    async def _again(
        self,
        place: Place,
        kept: Kept,
        key: Key,
        model: Model,
        started: float,
        spend: Callable[[Spent], None],
        mark: Mark,
    ) -> Reply:
        """An answer once more. It counts as a request, and costs nothing."""
        await take_request(key)
        spent = Spent(started, key.name, model.name, "", "", 200, usd=0.0, **whose(key, mark))
        spend(msgspec.structs.replace(spent, hit=True, saved=kept.usd))
        return again(place, kept)


async def _recorded(record: Record, answer: Awaitable[Reply]) -> Reply:
    try:
        reply = await answer
    except LlmError as error:
        record.failed(error)
        raise
    return record.heard(reply)


def _refuse(front: Front | None, path: str, error: LlmError) -> Reply:
    """As the API of the path spells it."""
    if front is None and applied(path) is not None:
        front = ACTIONS["converse"]
    reply = refuse(error) if front is None else front.refuse(error)
    return told(reply, error)


async def _body(request: Request) -> bytes:
    try:
        return await read(request.body, BODY_LIMIT)
    except TimeoutError as error:
        raise LlmError("invalid_request", "The body came too slowly.", status=408) from error
    except ConnectionError as error:
        raise LlmError("invalid_request", "The body broke off.") from error
    except BodyTooLarge as error:
        raise LlmError("too_large", f"The body is over {BODY_LIMIT} bytes.") from error


def _both(
    first: Callable[[Spent], None], second: Callable[[Spent], None]
) -> Callable[[Spent], None]:
    def tell(spent: Spent) -> None:
        first(spent)
        second(spent)

    return tell


def _session(model: Model, key: Key, headers: Headers, body: bytes) -> str:
    """What keeps a request with its target; empty where the client names nothing."""
    kind, _, name = model.affinity.partition(":")
    if kind == "key":
        return key.name
    if kind == "header":
        return headers.get(name.lower()) or ""
    return user_of(body)


def _readable(asked: Asked) -> Chat:
    """Raises `LlmError` for what no guardrail can look into."""
    if isinstance(asked.front, Passed):
        raise LlmError(
            "invalid_request",
            f"the guardrails of this model let only chats through, not {asked.front.operation}",
            code="unsupported_operation",
        )
    return asked.chat()


def _json(value: object) -> Reply:
    headers = Headers([("Content-Type", "application/json")])
    return Reply(200, headers, msgspec.json.encode(value))
