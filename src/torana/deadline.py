"""How long a task waits for something: `asyncio.timeout` without its states and its coroutines,
since every request sets one and hardly any sees it pass."""

from asyncio import CancelledError, current_task, get_running_loop
from types import TracebackType


class Deadline:
    """Around what is awaited: `with Deadline(5.0): ...`. Raises `TimeoutError` once the time is up,
    in the task that entered it, and lets every other cancellation through."""

    __slots__ = ("_cancelling", "_passed", "_seconds", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._passed = False

    def __enter__(self) -> None:
        loop = get_running_loop()
        task = current_task(loop)
        if task is None:
            raise RuntimeError("a deadline needs a task")
        self._task, self._cancelling = task, task.cancelling()
        self._timer = loop.call_later(self._seconds, self._pass)

    def _pass(self) -> None:
        self._passed = True
        self._task.cancel()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        # Another cancellation that came meanwhile, or an outer deadline's, goes on.
        if self._passed and self._task.uncancel() <= self._cancelling and kind is CancelledError:
            raise TimeoutError from error
