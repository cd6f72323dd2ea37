"""Long work in short stretches, so that requests in flight do not wait for it.

Work is a generator that stops wherever it may pause and returns its result. The garbage collector
rests meanwhile: it would look through all that is being made again and again, which costs more than
the work itself.
"""

import asyncio
import gc
from collections.abc import Generator
from time import perf_counter
from typing import TypeVar

T = TypeVar("T")

_STRETCH = 0.004
"""Seconds."""


def at_once(work: Generator[None, None, T]) -> T:
    """Do it all, without a pause."""
    collects = gc.isenabled()
    gc.disable()
    try:
        while True:
            next(work)
    except StopIteration as end:
        done: T = end.value
        return done
    finally:
        if collects:
            gc.enable()


async def with_pauses(work: Generator[None, None, T]) -> T:
    """Do it, and let others have a turn every few milliseconds."""
    try:
        while True:
            _stretch(work)
            await asyncio.sleep(0)
    except StopIteration as end:
        done: T = end.value
        return done


def _stretch(work: Generator[None, None, object]) -> None:
    """Raises `StopIteration` at the end."""
    collects, until = gc.isenabled(), perf_counter() + _STRETCH
    gc.disable()
    try:
        while perf_counter() < until:
            next(work)
    finally:
        if collects:
            gc.enable()
