"""Token buckets of one process."""

from hypothesis import given
from hypothesis import strategies as st

from torana.state.bucket import LocalBucket, Ration


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_new_bucket_admits_its_burst_and_no_more() -> None:
    bucket = LocalBucket(1, 3, clock=Clock())
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]


def test_tokens_come_back_at_the_rate() -> None:
    clock = Clock()
    bucket = LocalBucket(2, 3, clock=clock)
    assert bucket.take(3)
    clock.now += 0.49
    assert not bucket.take()
    clock.now += 0.02
    assert bucket.take()


def test_a_bucket_fills_to_its_burst_only() -> None:
    clock = Clock()
    bucket = LocalBucket(10, 3, clock=clock)
    clock.now += 100
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]


def test_a_bucket_without_rate_and_burst_admits_nothing() -> None:
    assert not LocalBucket(0, 0).take()


def test_debt_is_paid_before_anything_is_admitted() -> None:
    clock = Clock()
    bucket = LocalBucket(1, 5, clock=clock)
    bucket.charge(8)
    clock.now += 3.5
    assert not bucket.take()
    clock.now += 0.5
    assert bucket.take()


def test_what_is_given_back_can_be_taken_again() -> None:
    bucket = LocalBucket(0, 5, clock=Clock())
    assert bucket.take(5)
    bucket.give(2)
    assert bucket.take(2)
    assert not bucket.take()


def test_new_numbers_keep_the_tokens() -> None:
    clock = Clock()
    bucket = LocalBucket(1, 10, clock=clock)
    bucket.take(8)
    bucket.configure(100, 20)
    assert not bucket.take(3)
    clock.now += 0.0101
    assert bucket.take(3)


def test_a_smaller_burst_takes_the_excess_away() -> None:
    bucket = LocalBucket(1, 10, clock=Clock())
    bucket.configure(1, 2)
    assert [bucket.take() for _ in range(3)] == [True, True, False]


@given(
    rate=st.floats(0, 1000),
    burst=st.floats(0, 100),
    steps=st.lists(st.tuples(st.floats(0, 2), st.floats(0, 10)), max_size=60),
)
def test_no_stretch_of_time_admits_more_than_burst_and_rate(
    rate: float, burst: float, steps: list[tuple[float, float]]
) -> None:
    clock = Clock()
    bucket = LocalBucket(rate, burst, clock=clock)
    admitted: list[tuple[float, float]] = []
    for passed, n in steps:
        clock.now += passed
        if bucket.take(n):
            admitted.append((clock.now, n))
    for first in range(len(admitted)):
        total = 0.0
        for now, n in admitted[first:]:
            total += n
            assert total <= burst + rate * (now - admitted[first][0]) + 1e-6


def test_a_ration_tells_what_was_spent() -> None:
    ration = Ration(3)
    assert [ration.take(2), ration.take(2)] == [True, False]
    ration.charge(4)
    ration.give(1)
    assert (ration.left, ration.spent) == (-2, 5)
