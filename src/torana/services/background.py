"""Work that goes on after its request was answered: jobs and trainings."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from torana.net.tasks import spawn


class Background:
    """The work of one process. What is cut off at the end is done again by who kept it."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        """Run `work` beside everything else; its failure is logged with `name`."""
        task = spawn(work, name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Cut everything off."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
