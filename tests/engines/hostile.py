"""Engines that misbehave on demand, and tell how they were called."""

import os
import threading
import time
from collections.abc import Sequence

from msgspec import Struct

from torana.engines.engine import Capability


class Order(Struct, frozen=True):
    """What an item makes the engine do, before it answers."""

    say: str = ""
    sleep: float = 0.0
    die: bool = False
    fail: str = ""
    eat: int = 0
    """Bytes to keep for ever."""


class Echo(Struct, frozen=True):
    say: str
    pid: int
    batch: int
    """How many items came in the same run."""
    thread: str


class Obedient:
    def __init__(self) -> None:
        self.eaten: list[bytes] = []

    def run(self, batch: Sequence[Order], /) -> list[Echo]:
        return [self.obey(order, len(batch)) for order in batch]

    def obey(self, order: Order, size: int) -> Echo:
        time.sleep(order.sleep)
        if order.eat:
            self.eaten.append(b"x" * order.eat)
        if order.die:
            os.kill(os.getpid(), 9)
        if order.fail:
            raise ValueError(order.fail)
        return Echo(order.say, os.getpid(), size, threading.current_thread().name)


ENGINE = Capability(
    name="obey", input=Order, output=Echo, load=Obedient, batch=8, queue=16, longest=3.0
)


def orders(*says: str) -> list[Order]:
    return [Order(say) for say in says]
