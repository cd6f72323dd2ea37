"""A request's account: settled once, when it is known what it used."""

import time
from collections.abc import Callable

from torana.llm.call import Answered
from torana.llm.chat import Usage
from torana.llm.keys import Key, Reserved
from torana.llm.mark import UNMARKED, Mark, whose
from torana.llm.route import Model
from torana.llm.spend import Spent

BYTES_A_TOKEN = 4
"""Where a provider tells no usage, its tokens are guessed from the bytes."""


class Account:
    """Settles a request once, when it is known what it used."""

    def __init__(
        self,
        spend: Callable[[Spent], None],
        started: float,
        key: Key,
        model: Model,
        answered: Answered,
        reserved: Reserved,
        size: int,
        mark: Mark = UNMARKED,
    ) -> None:
        self._spend, self._started, self._size, self._mark = spend, started, size, mark
        self._key, self._model, self._answered, self._reserved = key, model, answered, reserved
        self.usd: float | None = None
        """What it cost, once that is known."""
        self._first = time.time() - started

    def seconds(self) -> float:
        """Since the request came."""
        return time.time() - self._started

    def settle(self, usage: Usage | None, tokens: int, stream: bool = False) -> None:
        """`tokens`: about how many came, where the provider tells no usage."""
        used = usage or Usage(self._size // BYTES_A_TOKEN, tokens)
        target = self._answered.target
        target.busy -= 1
        self._reserved.settle(used, target.price)
        self.usd = target.price.of(used) if target.price else None
        self._spend(
            Spent(
                at=self._started,
                key=self._key.name,
                model=self._model.name,
                provider=target.provider.name,
                target=target.model,
                status=self._answered.status,
                input=used.input,
                output=used.output,
                cached=used.cached,
                usd=self.usd,
                seconds=self.seconds(),
                stream=stream,
                attempts=self._answered.attempts,
                estimated=usage is None,
                first=self._first if stream else 0.0,
                **whose(self._key, self._mark),
            )
        )
