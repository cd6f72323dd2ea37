"""Shadow traffic: a share of the questions is put to another target, too; nobody reads the answers.

They cost money and are in the ledger, as `MODEL/shadow` of no key.
"""

import logging
import random
import time
from collections.abc import Callable

import msgspec

from torana.llm.call import Asked, try_one
from torana.llm.chat import Usage
from torana.llm.errors import LlmError
from torana.llm.reply import pipe_of, usage_of
from torana.llm.route import Model, Target
from torana.llm.spend import Spent
from torana.net.tasks import spawn

_log = logging.getLogger("torana.llm")
_MOST = 64
"""Shadows under way in a process; more are not cast."""


class Shadows:
    """Those of a process."""

    def __init__(self, spend: Callable[[Spent], None]) -> None:
        self._spend, self._running = spend, 0

    def cast(self, model: Model, asked: Asked) -> None:
        """Ask the model's shadows, as often as each is to be asked."""
        for target, share in model.shadows:
            if self._running < _MOST and random.random() < share:  # noqa: S311
                self._running += 1
                spawn(self._ask(model, target, msgspec.structs.replace(asked)), "shadow")

    async def _ask(self, model: Model, target: Target, asked: Asked) -> None:
        started, status, used = time.time(), 502, Usage()
        try:
            answered = await try_one(target, asked)
            try:
                status = answered.status
                if answered.raw is not None:
                    used = usage_of(answered, asked.front.operation) or used
                elif answered.answer is not None:
                    used = answered.answer.usage or used
                else:
                    pipe = pipe_of(asked, answered, None)
                    pipe.piece(answered.begun)
                    if not isinstance(answered.rest, bytes):
                        async for piece in answered.rest:
                            pipe.piece(piece)
                    pipe.finish()
                    used = pipe.usage or used
            finally:
                target.busy -= 1
        except LlmError as error:
            status = error.status
        except (TimeoutError, ConnectionError) as error:
            _log.info("a shadow of %s broke off: %s", model.name, error)
        finally:
            self._running -= 1
        self._spend(
            Spent(
                at=started,
                key="",
                model=f"{model.name}/shadow",
                provider=target.provider.name,
                target=target.model,
                status=status,
                input=used.input,
                output=used.output,
                cached=used.cached,
                usd=target.price.of(used) if target.price else None,
                seconds=time.time() - started,
                stream=asked.peek.stream,
            )
        )
