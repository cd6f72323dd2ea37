"""Tokens held ahead of need: how a process takes from a shared limit without waiting.

The authority (a hub, Redis, the store) hands out tokens; whatever it has handed out is gone from
its own level until it is told otherwise, so what all processes admit can never exceed what the
limit allows. This side decides how much to hold: nothing while requests are rare, a few
milliseconds' worth while they are many.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from math import inf
from time import monotonic
from typing import Protocol

from msgspec import Struct

from torana.state.counters import CountersUnavailable

_log = logging.getLogger("torana.state")
_PROBE = 1.0
"""Seconds between two attempts to find an authority that is away."""


class Busy(Exception):
    """The authority is there but overrun, and the draw did not happen: refuse for the moment."""


class Draw(Struct, frozen=True):
    """What a process tells the authority and asks of it. Amounts in tokens."""

    need: float = 0
    """Wanted by callers who wait."""
    least: float = 0
    """What the most modest of them needs; less than that helps nobody."""
    ahead: float = 0
    """Wanted besides, to hold ahead."""
    unused: float = 0
    """Still held from earlier grants."""
    spoken: float = 0
    """The part of it that callers who wait will use once the rest is granted."""
    back: float = 0
    """Returned herewith."""
    debt: float = 0
    """Spent without having been granted."""


class Grant(Struct, frozen=True):
    """The authority's answer."""

    granted: float
    """For the callers who wait. It counts as used from now on."""
    ahead: float = 0
    """To hold."""
    retry: float = 0
    """Seconds in which asking again is in vain."""
    expires: float = inf
    """Seconds until all that is held becomes void."""
    remaining: float = 0
    """Left at the authority."""


class Alone(Protocol):
    """A limit for the time without an authority."""

    def take(self, n: float = 1) -> bool: ...
    def charge(self, n: float) -> None: ...
    def give(self, n: float) -> None: ...


class Manner(Struct, frozen=True):
    """How a sort of limit holds tokens ahead."""

    lookahead: float
    """Seconds of demand to hold."""
    portion: float
    """The part of the capacity that a process may hold at most."""
    idle: float
    """Seconds without use after which what is held goes back."""
    keeps: bool
    """Whether what was granted for a caller who has left may be kept, or is void."""
    deadline: float
    """Seconds the authority has to answer before the process goes on alone."""


class Allowance:
    """A limit whose authority is elsewhere. Implements `Quota`.

    `draw` asks the authority and raises `CountersUnavailable`; `alone` makes the limit for the
    time without it, from what is held and what remained; `owed` tells what to pay afterwards.
    """

    def __init__(
        self,
        capacity: float,
        manner: Manner,
        draw: Callable[[Draw], Awaitable[Grant]],
        alone: Callable[[float, float], Alone],
        owed: Callable[[Alone], float] = lambda alone: 0.0,
    ) -> None:
        self.capacity = capacity
        self._manner = manner
        self._ask_authority = draw
        self._make_alone = alone
        self._owed = owed
        self._held = 0.0
        self._low = 0.0
        """Below this, more is fetched in the background; 0 while that is under way."""
        self._expires = inf
        self._closed_until = 0.0
        self._remaining = inf
        self._demand = 0.0
        """Tokens a second."""
        self._target = 0.0
        """What to hold at the present demand."""
        self._had, self._since = 0.0, monotonic()
        self._touched = self._since
        self._last_held = 0.0
        self._probed = 0.0
        self._recalled = False
        self._alone: Alone | None = None
        self._waiting: list[tuple[float, asyncio.Future[bool]]] = []
        self._drawing: asyncio.Task[None] | None = None

    @property
    def remaining(self) -> float:
        """See `Quota`."""
        return max(0.0, min(self._remaining, self.capacity) + self._held)

    @property
    def away(self) -> bool:
        """Whether the authority does not answer."""
        return self._alone is not None

    def take(self, n: float = 1) -> bool | None:
        """See `Limit`."""
        held = self._held - n
        if held < 0 or monotonic() >= self._expires:
            return self._short(n)
        self._held = held
        if held < self._low:
            self._low = 0.0
            self._start()
        return True

    def _short(self, n: float) -> bool | None:
        if self._alone is not None:
            return self._alone.take(n)
        now = monotonic()
        if now >= self._expires:
            self._lapse()
        if n > self.capacity or now < self._closed_until:
            return False
        return None

    def _lapse(self) -> None:
        self._held, self._had, self._expires = min(self._held, 0.0), 0.0, inf
        self._remaining, self._closed_until = self.capacity, 0.0

    async def ask(self, n: float = 1) -> bool:
        """See `Limit`."""
        taken = self.take(n)
        if taken is not None:
            return taken
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((n, answer))
        self._start()
        try:
            return await answer
        except asyncio.CancelledError:
            # The answer may have come at the very moment that the caller left.
            if not answer.cancelled() and answer.result():
                self.give(n)
            raise

    def charge(self, n: float) -> None:
        """See `Limit`."""
        if self._alone is not None:
            self._alone.charge(n)
            return
        self._held -= n
        if self._held < self._low:
            self._start()

    def give(self, n: float) -> None:
        """See `Limit`."""
        if self._alone is not None:
            self._alone.give(n)
        else:
            self._held = min(self._held + n, self.capacity)
            self._had += n

    def recall(self) -> None:
        """Somebody else is short: give back what is held, as soon as nobody here waits for it."""
        self._recalled = True
        self._start()

    def configure(self, capacity: float) -> None:
        """Change the most that can be taken at once; ask the authority again."""
        if capacity != self.capacity:
            self.capacity = capacity
            self._closed_until = 0.0

    def tick(self, now: float) -> None:
        """Return what lies idle, pay debts, look for an authority that is away. Call it often."""
        if self._held != self._last_held:
            self._last_held, self._touched = self._held, now
        if self._alone is not None:
            if now >= self._probed + _PROBE:
                self._start()
        elif self._held < 0:
            self._start()
        elif self._held > 0 and now >= self._touched + self._manner.idle:
            self.recall()

    async def close(self) -> None:
        """Return what is held. What cannot be returned counts as used."""
        if self._held or self._drawing is not None:
            self.recall()
        if self._drawing is not None:
            await self._drawing

    def _start(self) -> None:
        if self._drawing is None:
            self._drawing = asyncio.get_running_loop().create_task(self._draw_all())

    async def _draw_all(self) -> None:
        try:
            again = True
            while again:
                await self._draw_once()
                again = bool(self._waiting) or self._recalled
        finally:
            self._drawing = None

    async def _draw_once(self) -> None:
        asked = len(self._waiting)
        sent = monotonic()
        draw = self._next_draw(sent)
        try:
            async with asyncio.timeout(self._manner.deadline):
                grant = await self._ask_authority(draw)
        except Busy:
            self._held += draw.back - draw.debt if self._alone is None else 0.0
            self._serve(asked)
        except (CountersUnavailable, TimeoutError) as error:
            if self._alone is None:
                _log.warning("a limit is kept locally: %s", error or "no answer in time")
            self._go_alone(draw)
        except Exception:  # noqa: BLE001 - logged; the callers who wait must get an answer
            _log.exception("a limit is kept locally")
            self._go_alone(draw)
        else:
            self._receive(draw, grant, asked, sent)

    def _next_draw(self, now: float) -> Draw:
        if now >= self._expires:
            self._lapse()
        self._measure(now)
        debt = self._owed(self._alone) if self._alone is not None else max(0.0, -self._held)
        self._held = max(self._held, 0.0)
        back, ahead = 0.0, 0.0
        if self._recalled:
            self._recalled = False
            back, self._held = self._held, 0.0
        else:
            most = self.capacity * self._manner.portion
            self._target = float(int(min(self._demand * self._manner.lookahead, most)))
            ahead = max(0.0, self._target - self._held)
        wanted = sum(n for n, _ in self._waiting)
        return Draw(
            need=max(0.0, wanted - self._held),
            least=max(0.0, min((n for n, _ in self._waiting), default=0.0) - self._held),
            ahead=ahead,
            unused=self._held,
            spoken=min(wanted, self._held),
            back=back,
            debt=debt,
        )

    def _measure(self, now: float) -> None:
        """Update the demand; half of it is what was used since the last draw."""
        passed = max(now - self._since, 1e-4)
        used = max(0.0, self._had - self._held) + sum(n for n, _ in self._waiting)
        weight = passed / (passed + self._manner.lookahead)
        self._demand += (used / passed - self._demand) * weight
        self._since = now

    def _receive(self, draw: Draw, grant: Grant, asked: int, sent: float) -> None:
        if self._alone is not None:
            self._held -= self._owed(self._alone) - draw.debt
            self._alone = None
        self._held += grant.granted + grant.ahead
        self._expires = sent + grant.expires
        self._remaining = grant.remaining
        self._closed_until = monotonic() + grant.retry
        self._serve(asked)
        if not self._manner.keeps:
            spoken = draw.spoken if grant.granted >= draw.least else 0.0
            self._held = min(self._held, draw.unused - spoken + grant.ahead)
        self._had = self._held
        self._low = min(self._target / 2, self._held)

    def _serve(self, asked: int) -> None:
        waiting, self._waiting = self._waiting[:asked], self._waiting[asked:]
        for n, answer in waiting:
            if not answer.done():
                enough = n <= self._held
                self._held -= n if enough else 0.0
                answer.set_result(enough)

    def _go_alone(self, draw: Draw) -> None:
        self._probed = monotonic()
        if self._alone is None:
            self._alone = self._make_alone(self._held + draw.back, self._remaining)
            self._alone.charge(draw.debt)
            self._held = 0.0
        waiting, self._waiting = self._waiting, []
        for n, answer in waiting:
            if not answer.done():
                answer.set_result(self._alone.take(n))


class Allowances:
    """The allowances of a process, by name, and the clock that tends to them."""

    PULSE = 0.05

    def __init__(self) -> None:
        self._by_name: dict[str, Allowance] = {}
        self._ticking: asyncio.Task[None] | None = None

    def get(self, name: str) -> Allowance | None:
        """The allowance of a name."""
        return self._by_name.get(name)

    def add(self, name: str, allowance: Allowance) -> Allowance:
        """Tend to one more."""
        self._by_name[name] = allowance
        if self._ticking is None:
            self._ticking = asyncio.get_running_loop().create_task(self._tick())
        return allowance

    @property
    def away(self) -> bool:
        """Whether any of them goes on alone."""
        return any(allowance.away for allowance in self._by_name.values())

    async def close(self) -> None:
        """Return what all of them hold."""
        if self._ticking is not None:
            self._ticking.cancel()
        await asyncio.gather(*(allowance.close() for allowance in self._by_name.values()))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self.PULSE)
            now = monotonic()
            for allowance in list(self._by_name.values()):
                allowance.tick(now)
