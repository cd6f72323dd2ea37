"""Looking after targets that are left alone, so that no request has to find out how they are."""

import asyncio
from collections.abc import Callable
from time import monotonic

import msgspec

from torana.llm import chat as c
from torana.llm.call import Asked, try_one
from torana.llm.dialect import Peek
from torana.llm.errors import LlmError
from torana.llm.fronts import FRONTS
from torana.llm.route import Models, Target
from torana.net.tasks import spawn

_LEAST = 1.0
_PATH = "/v1/chat/completions"


def question(model: str) -> Asked:
    """The smallest there is: one token."""
    body = msgspec.json.encode(
        {"model": model, "messages": [{"role": "user", "content": "ping"}], "max_tokens": 1}
    )
    chat = c.Chat(model, (c.Message("user", (c.Text("ping"),)),), max_tokens=1)
    return Asked(FRONTS[_PATH], Peek(model, False, 1), body, chat)


async def probing(models: Callable[[], Models]) -> None:
    """For as long as this process runs."""
    due: dict[int, float] = {}
    while True:
        now = monotonic()
        for model in models().values():
            for target in model.targets if model.probe else ():
                if not target.ill():
                    due.pop(id(target), None)
                elif due.setdefault(id(target), now + model.probe) <= now and not target.busy:
                    due[id(target)] = now + model.probe
                    spawn(_probe(target), f"probe of {target.model}")
        await asyncio.sleep(_LEAST)


async def _probe(target: Target) -> None:
    try:
        await try_one(target, question(target.model))
        target.busy -= 1
    except LlmError:
        # What is wrong with it is noted with the target: it stays left alone.
        return
