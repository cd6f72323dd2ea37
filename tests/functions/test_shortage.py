"""What becomes of seats and users when an instance cannot be made."""

from pathlib import Path
from typing import Any, cast

import pytest

from torana.functions.instance import Surroundings
from torana.functions.isolation import KINDS, Box
from torana.functions.pool import Limits, Pool, Seats
from torana.functions.sandbox import Sandbox
from torana.model.function import Event, FunctionVersion

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
VERSION = FunctionVersion("f", "$LATEST", ARN, "python3.11", "app.handler", "/nowhere", "1")


async def test_an_instance_that_cannot_be_made_gives_its_seat_back() -> None:
    def make(*_: Any) -> Any:
        raise OSError("no descriptor is left")

    seats = Seats(Limits(concurrency=1), lambda: None)
    pool = Pool(VERSION, cast(Surroundings, None), seats, make)
    with pytest.raises(OSError, match="descriptor"):
        await pool.invoke(Event("1", b"{}", ARN))
    assert seats.taken == 0


async def test_a_box_that_cannot_be_furnished_gives_its_user_back(tmp_path: Path) -> None:
    sandbox = Sandbox(next(kind for kind in KINDS if kind.own_user))
    free = len(sandbox._free)  # pyright: ignore[reportPrivateUsage]
    (tmp_path / "file").touch()
    box = Box(tmp_path / "file" / "home", tmp_path, None, (), 128, 512)
    with pytest.raises(OSError, match="file"):
        await sandbox.start(box, ["true"], {}, 1)
    assert len(sandbox._free) == free  # pyright: ignore[reportPrivateUsage]


async def test_a_seat_that_is_free_again_goes_to_who_still_has_callers_waiting() -> None:
    seats = Seats(Limits(concurrency=1), lambda: None)
    grown: list[str] = []

    class Hungry:
        def __init__(self, name: str, callers: int) -> None:
            self.name, self.callers = name, callers

        @property
        def wants_more(self) -> bool:
            return self.callers > 0

        def grow(self) -> bool:
            self.callers -= 1
            grown.append(self.name)
            return True

    for pool in (Hungry("a", 2), Hungry("b", 1)):
        seats.hungry[cast(Pool, pool)] = None
    for _ in range(4):
        seats.feed()
    assert grown == ["a", "b", "a"]
