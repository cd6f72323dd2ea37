"""Virtual keys: who may call which model, how often, and for how much.

What a request will cost is reserved before it is sent and settled when it is known.
"""

import hashlib
from collections.abc import Mapping
from time import time
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


class Key(Struct, frozen=True, eq=False):
    """A virtual key, its limits bound."""

    name: str
    models: frozenset[str]
    """Empty: every model."""
    requests: Limit | None = None
    tokens: Limit | None = None
    most_tokens: float = 0.0
    """The tokens that can be had at once."""
    budget: Quota | None = None
    expires: float = float("inf")
    """`time.time()`."""
    team: "Key | None" = None
    """Whose limits hold as well."""
    mcp: tuple[str, ...] = ()
    """Patterns of MCP servers and their tools."""


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
    if key.expires < time():
        raise LlmError("authentication", "This API key has expired.", code="expired_api_key")
    return key


def allow(key: Key, model: str) -> None:
    """Raises `LlmError` for a model the key may not call."""
    if key.team is not None:
        allow(key.team, model)
    if key.models and model not in key.models:
        raise LlmError(
            "permission", f"This API key may not call the model `{model}`.", param="model"
        )


class Reserved(Struct):
    """What was taken for a request that is not settled yet."""

    key: Key
    tokens: float
    micros: float
    team: "Reserved | None" = None

    def settle(self, usage: Usage | None, price: Price | None) -> None:
        """Take what it really was: None, nothing was sent or nothing was answered. Once."""
        used = usage or Usage()
        _correct(self.key.tokens, self.tokens, used.input + used.output)
        cost = price.of(used) * MICRO if price else 0.0
        _correct(self.key.budget, self.micros, cost)
        self.tokens = self.micros = 0.0
        if self.team is not None:
            self.team.settle(usage, price)


def _correct(limit: Limit | None, reserved: float, real: float) -> None:
    if limit is None:
        return
    if reserved > real:
        limit.give(reserved - real)
    elif real > reserved:
        limit.charge(real - reserved)


async def reserve(key: Key, size: int, most: int | None, price: Price | None) -> Reserved:
    """Take what a request may cost: `size` in bytes, `most` tokens of output.

    Raises `LlmError` when a limit has not enough left; nothing is taken then but the request.
    """
    reserved = await _reserve(key, size, most, price)
    if key.team is not None:
        try:
            reserved.team = await _reserve(key.team, size, most, price)
        except BaseException:
            reserved.settle(None, None)
            raise
    return reserved


async def take_request(key: Key) -> None:
    """Count a request that costs no tokens, of the key and its team. Raises `LlmError`."""
    (await reserve(key, 0, 0, None)).settle(None, None)


async def _reserve(key: Key, size: int, most: int | None, price: Price | None) -> Reserved:
    if key.requests is not None and not await _take(key.requests, 1):
        raise LlmError("rate_limit", "Rate limit reached for requests per minute.", retry_after=1.0)
    guess = Usage(size // _BYTES_A_TOKEN + 1, _GUESS if most is None else most)
    tokens = 0.0
    if key.tokens is not None:
        tokens = min(float(guess.input + guess.output), key.most_tokens)
        if not await _take(key.tokens, tokens):
            raise LlmError(
                "rate_limit",
                "Rate limit reached for tokens per minute.",
                retry_after=max(1.0, tokens / key.most_tokens * 60),
            )
    micros = 0.0
    if key.budget is not None and price is not None:
        micros = price.of(guess) * MICRO
        if not await _take(key.budget, micros):
            if key.tokens is not None:
                key.tokens.give(tokens)
            raise LlmError("budget", f"The budget of {key.name} is used up.")
    return Reserved(key, tokens, micros)


async def _take(limit: Limit, n: float) -> bool:
    taken = limit.take(n)
    return await limit.ask(n) if taken is None else taken
