"""A request's account: settled once, when it is known what it used."""

import time
from collections.abc import Callable

from msgspec import Struct

from torana.llm.call import Answered
from torana.llm.chat import Usage
from torana.llm.keys import Key, Reserved
from torana.llm.mark import UNMARKED, Mark, tags_of
from torana.llm.route import Model
from torana.llm.spend import Spent

BYTES_A_TOKEN = 4
"""Where a provider tells no usage, its tokens are guessed from the bytes."""


class Account(Struct):
    """Settles a request once, when it is known what it used."""

    spend: Callable[[Spent], None]
    started: float
    """`time.time()` when the request came."""
    key: Key
    model: Model
    answered: Answered
    reserved: Reserved
    size: int
    """Bytes of what was asked that are words."""
    mark: Mark = UNMARKED
    first: float = 0.0
    """Seconds to the first token of a stream."""
    usd: float | None = None
    """What it cost, once that is known."""

    def seconds(self) -> float:
        """Since the request came."""
        return time.time() - self.started

    def settle(self, usage: Usage | None, tokens: int, stream: bool = False) -> None:
        """`tokens`: about how many came, where the provider tells no usage."""
        used = usage or Usage(self.size // BYTES_A_TOKEN, tokens)
        answered, key = self.answered, self.key
        target, owners = answered.target, key.owners
        target.busy -= 1
        price = target.price
        usd = self.usd = price.of(used) if price is not None else None
        self.reserved.settle(used, usd)
        self.spend(
            Spent(
                at=self.started,
                key=key.name,
                model=self.model.name,
                provider=target.provider.name,
                target=target.model,
                status=answered.status,
                input=used.input,
                output=used.output,
                cached=used.cached,
                usd=usd,
                seconds=time.time() - self.started,
                stream=stream,
                attempts=answered.attempts,
                estimated=usage is None,
                first=self.first,
                team=owners.team,
                organization=owners.organization,
                user=owners.user,
                end_user=self.mark.end_user,
                tags=tags_of(key, self.mark),
            )
        )
