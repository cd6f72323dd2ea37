"""Access tokens of providers that are not reached by a key: fetched beside the requests, and anew
before they end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic

from msgspec import Struct

from torana.llm.errors import LlmError
from torana.message import Request

_log = logging.getLogger("torana.llm")

_AHEAD = 300.0
"""Seconds before its end that a token is replaced; of short ones, half their time."""
_PAUSE, _LONGEST_PAUSE = 1.0, 60.0


class Token(Struct, frozen=True):
    """What a provider lets in, and for how many seconds."""

    value: str
    seconds: float

    def __repr__(self) -> str:
        return f"Token(…, {self.seconds})"


class NoToken(Exception):
    """Whoever gives tokens gave none; says why."""


Fetch = Callable[[], Awaitable[Token]]
"""Raises `NoToken`, `ConnectionError`, `TimeoutError`."""


class Access:
    """The token of one provider."""

    def __init__(self, provider: str, fetch: Fetch) -> None:
        self._provider, self._fetch = provider, fetch
        self._header, self._ends = "", 0.0
        self._first = asyncio.Event()

    def signed(self, request: Request) -> Request:
        """The request with the token. Raises `LlmError` while there is none."""
        if not self._header or monotonic() >= self._ends:
            raise LlmError("upstream", f"there is no access token for {self._provider}")
        request.headers.set("Authorization", self._header)
        return request

    async def tried(self) -> None:
        """Until the first attempt is over, whatever came of it."""
        await self._first.wait()

    async def keep(self) -> None:
        """Fetch tokens, for ever. One that still holds outlives a failure."""
        pause = _PAUSE
        while True:
            try:
                token = await self._fetch()
            except (NoToken, ConnectionError, TimeoutError) as error:
                why = str(error) or type(error).__name__
                _log.warning("no access token for %s: %s", self._provider, why)
                wait, pause = pause, min(pause * 2, _LONGEST_PAUSE)
            else:
                self._header, self._ends = f"Bearer {token.value}", monotonic() + token.seconds
                wait, pause = max(1.0, token.seconds - min(_AHEAD, token.seconds / 2)), _PAUSE
            finally:
                self._first.set()
            await asyncio.sleep(wait)
