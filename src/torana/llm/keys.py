"""Virtual keys: who may call which model, how often, and for how much.

What a request will cost is reserved before it is sent and settled when it is known.
"""

import hashlib
from collections.abc import Mapping
from time import time
from typing import Literal
from urllib.parse import parse_qsl

from msgspec import Struct

from torana.llm.chat import Usage
from torana.llm.errors import LlmError
from torana.llm.prices import Price
from torana.message import Headers
from torana.state.counters import Limit, Quota

MICRO = 1_000_000
"""Money is counted in millionths of a US dollar."""
_BEARER = "bearer "
_SIGNED = "AWS4-HMAC-SHA256 Credential="
"""AWS's clients show the key as their access key id, as they send bearer tokens over TLS only. Like
a bearer token it is all the proof there is: their signature says nothing more."""
_GUESS = 1024
"""Tokens of output that are reserved where the client sets no bound."""
_BYTES_A_TOKEN = 4


class Budget(Struct, frozen=True, eq=False):
    """What may be used in a period: millionths of a dollar, or tokens."""

    quota: Quota
    tokens: bool = False


Level = Literal["organization", "team", "user", "key"]
LEVELS: tuple[Level, ...] = ("organization", "team", "user", "key")
"""From the top."""


class Owners(Struct, frozen=True):
    """Whose a key is, by name; empty where it is nobody's."""

    organization: str = ""
    team: str = ""
    user: str = ""


NOBODY = Owners()


class Key(Struct, frozen=True, eq=False):
    """A virtual key, or a user, team or organization above it, its limits bound."""

    name: str
    models: frozenset[str]
    """Empty: every model."""
    requests: Limit | None = None
    tokens: Limit | None = None
    most_tokens: float = 0.0
    """The tokens that can be had at once."""
    budgets: tuple[Budget, ...] = ()
    expires: float = float("inf")
    """`time.time()`: its own, or that of the first above it."""
    above: "Key | None" = None
    """Whose limits hold as well."""
    mcp: tuple[str, ...] = ()
    """Patterns of MCP servers and their tools."""
    kind: str = "key"
    blocked: str = ""
    """Why it may not be used."""
    owners: Owners = NOBODY
    tags: tuple[str, ...] = ()
    """What its requests are reported under as well."""
    content: bool = False
    """What it asks and is answered is kept."""

    def tenant(self, level: Level) -> str:
        """Whom it shares with, up to a level; a key that has nobody there shares with none. All
        that is above is part of it: who moves elsewhere leaves what was shared behind."""
        above = self.owners
        names = (above.organization, above.team, above.user, self.name)
        at = LEVELS.index(level)
        if not names[at]:
            at = len(LEVELS) - 1
        return "\0".join((LEVELS[at], *names[: at + 1]))

    def __str__(self) -> str:
        return self.name if self.kind == "key" else f"the {self.kind} {self.name}"


Keys = Mapping[bytes, Key]
"""By the SHA-256 of the secret."""


def digest(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def presented(headers: Headers) -> str:
    """The secret a client shows, in any of the ways that clients do."""
    bearer = headers.get("authorization")
    if bearer is not None and bearer[:7].lower() == _BEARER:
        return bearer[7:].strip()
    if bearer is not None and bearer.startswith(_SIGNED):
        return bearer[len(_SIGNED) :].partition(",")[0].rsplit("/", 4)[0]
    return headers.get("x-api-key") or headers.get("api-key") or headers.get("x-goog-api-key") or ""


def identify(keys: Keys, headers: Headers, query: str = "") -> Key:
    """`query`: Google's clients may show the key there. Raises `LlmError`."""
    secret = presented(headers) or dict(parse_qsl(query)).get("key", "")
    if not secret:
        raise LlmError(
            "authentication",
            "You didn't provide an API key. Send it as `Authorization: Bearer KEY` or `x-api-key`.",
        )
    key = keys.get(digest(secret))
    if key is None:
        raise LlmError("authentication", "Incorrect API key provided.")
    return usable(key)


def usable(key: Key) -> Key:
    """Raises `LlmError` for a key that is blocked or over, or is of what is."""
    if key.blocked:
        raise LlmError("authentication", key.blocked, code="blocked_api_key")
    if key.expires < time():
        raise LlmError("authentication", "This API key has expired.", code="expired_api_key")
    return key


def may(key: Key, model: str) -> bool:
    """Whether a key, and all that is above it, may call a model."""
    each: Key | None = key
    while each is not None:
        if each.models and model not in each.models:
            return False
        each = each.above
    return True


def allow(key: Key, model: str) -> None:
    """Raises `LlmError` for a model the key may not call."""
    if not may(key, model):
        raise LlmError(
            "permission", f"This API key may not call the model `{model}`.", param="model"
        )


class Reserved(Struct):
    """What was taken for a request that is not settled yet."""

    held: list[tuple[Limit, float, bool]]
    """Of which limit, how much, and whether those are tokens: else millionths of a dollar."""

    def settle(self, usage: Usage | None, usd: float | None) -> None:
        """Take what it really was, and cost: None, nothing was sent or nothing was answered.
        Once."""
        held, self.held = self.held, []
        tokens = usage.input + usage.output if usage is not None else 0
        money = usd * MICRO if usd is not None else 0.0
        for limit, reserved, of_tokens in held:
            over = reserved - (tokens if of_tokens else money)
            if over > 0:
                limit.give(over)
            elif over < 0:
                limit.charge(-over)


async def reserve(key: Key, size: int, most: int | None, price: Price | None) -> Reserved:
    """Take what a request may cost, of the key and all that is above it: `size` in bytes, `most`
    tokens of output.

    Raises `LlmError` when a limit has not enough left; nothing is taken then but the request.
    """
    guess = Usage(size // _BYTES_A_TOKEN + 1, _GUESS if most is None else most)
    tokens, money = float(guess.input + guess.output), price.of(guess) * MICRO if price else 0.0
    reserved = Reserved([])
    hold = reserved.held.append
    each: Key | None = key
    try:
        while each is not None:
            # What a limit tells at once is not awaited: that is what it does nearly always.
            if (limit := each.requests) is not None:
                taken = limit.take(1)
                if not (await limit.ask(1) if taken is None else taken):
                    raise _too_many(each)
            if (limit := each.tokens) is not None:
                amount = min(tokens, each.most_tokens)
                taken = limit.take(amount)
                if not (await limit.ask(amount) if taken is None else taken):
                    raise _too_much(each, amount)
                hold((limit, amount, True))
            for budget in each.budgets:
                limit, amount = budget.quota, tokens if budget.tokens else money
                if amount:
                    taken = limit.take(amount)
                    if not (await limit.ask(amount) if taken is None else taken):
                        raise LlmError("budget", f"The budget of {each} is used up.")
                hold((limit, amount, budget.tokens))
            each = each.above
    except BaseException:
        reserved.settle(None, None)
        raise
    return reserved


async def take_request(key: Key) -> None:
    """Count a request that costs no tokens, of the key and all above it. Raises `LlmError`."""
    each: Key | None = key
    while each is not None:
        limit = each.requests
        if limit is not None:
            taken = limit.take(1)
            if not (await limit.ask(1) if taken is None else taken):
                raise _too_many(each)
        each = each.above


def _too_many(key: Key) -> LlmError:
    return LlmError(
        "rate_limit", f"Rate limit reached for requests per minute{_of(key)}.", retry_after=1.0
    )


def _too_much(key: Key, tokens: float) -> LlmError:
    return LlmError(
        "rate_limit",
        f"Rate limit reached for tokens per minute{_of(key)}.",
        retry_after=max(1.0, tokens / key.most_tokens * 60),
    )


def _of(key: Key) -> str:
    return "" if key.kind == "key" else f" of {key}"
