"""The authority over a shared bucket, on a simulated clock with late messages and dying workers."""

from hypothesis import given, settings
from hypothesis import strategies as st

from torana.state.allowance import Draw, Grant
from torana.state.ledger import BucketLedger

STEP = st.tuples(
    st.sampled_from(["take", "draw", "arrive", "answer", "back", "die"]),
    st.integers(0, 3),
    st.integers(1, 4),
    st.floats(0, 0.5),
)


class Worker:
    """A holder whose draws and answers are under way for as long as the test likes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.held = 0.0
        self.sent: Draw | None = None
        self.granted: float | None = None
        """Ahead, on its way."""

    def die(self) -> None:
        self.name += "'"
        self.held, self.sent, self.granted = 0.0, None, None


class Simulation:
    """Workers, a ledger, a clock, and the moments at which something was admitted."""

    def __init__(self, rate: float, burst: float) -> None:
        self.now = 0.0
        self.ledger = BucketLedger(rate, burst, 0.0)
        self.workers = [Worker(str(n)) for n in range(4)]
        self.admitted: list[float] = []

    def step(self, what: str, number: int, n: int) -> None:
        worker = self.workers[number]
        getattr(self, what)(worker, n)

    def take(self, worker: Worker, n: int) -> None:
        while n and worker.held >= 1:
            worker.held -= 1
            self.admitted.append(self.now)
            n -= 1

    def draw(self, worker: Worker, n: int) -> None:
        if worker.sent is None and worker.granted is None:
            worker.sent = Draw(need=n, least=1, ahead=n, unused=worker.held)

    def back(self, worker: Worker, n: int) -> None:
        if worker.sent is None and worker.granted is None:
            worker.sent = Draw(back=worker.held)
            worker.held = 0.0

    def arrive(self, worker: Worker, n: int) -> None:
        if worker.sent is not None:
            grant = self.ledger.draw(worker.name, worker.sent, self.now)
            self.admitted += [self.now] * int(grant.granted)
            worker.granted, worker.sent = grant.ahead, None

    def answer(self, worker: Worker, n: int) -> None:
        if worker.granted is not None:
            worker.held += worker.granted
            worker.granted = None

    def die(self, worker: Worker, n: int) -> None:
        self.ledger.release(worker.name)
        worker.die()


@settings(max_examples=300)
@given(rate=st.floats(0, 50), burst=st.integers(0, 20), steps=st.lists(STEP, max_size=150))
def test_no_stretch_of_time_admits_more_than_burst_and_rate(
    rate: float, burst: int, steps: list[tuple[str, int, int, float]]
) -> None:
    simulation = Simulation(rate, burst)
    for what, worker, n, passed in steps:
        simulation.now += passed
        simulation.step(what, worker, n)
    moments = simulation.admitted
    for first in range(len(moments)):
        for last in range(first, len(moments)):
            bound = burst + rate * (moments[last] - moments[first])
            assert last - first + 1 <= bound + 1e-6


@given(rate=st.floats(0.5, 5), burst=st.integers(1, 5))
def test_a_low_rate_is_not_lost_among_workers(rate: float, burst: int) -> None:
    """Requests come to workers in turn, slower than the rate: every one of them is admitted."""
    simulation = Simulation(rate, burst)
    for turn in range(40):
        worker = simulation.workers[turn % 4]
        worker.sent = Draw(need=1, least=1)
        simulation.arrive(worker, 1)
        simulation.answer(worker, 1)
        simulation.now += 1.01 / rate
    assert len(simulation.admitted) == 40


def test_what_is_needed_goes_before_what_is_wanted_ahead() -> None:
    ledger = BucketLedger(1, 10, 0.0)
    assert ledger.draw("a", Draw(need=8, least=1, ahead=10), 0.0) == Grant(8, 1, remaining=1)
    assert ledger.draw("b", Draw(need=1, least=1, ahead=10), 0.0) == Grant(1, 0, remaining=0)


def test_less_than_anybody_can_use_is_not_handed_out() -> None:
    ledger = BucketLedger(1, 10, 0.0)
    assert ledger.draw("a", Draw(need=12, least=12), 0.0).granted == 0
    assert ledger.draw("a", Draw(need=10, least=10), 0.0).granted == 10


def test_a_refusal_tells_when_to_ask_again() -> None:
    ledger = BucketLedger(100, 1, 0.0)
    ledger.draw("a", Draw(need=1, least=1), 0.0)
    assert 0 < ledger.draw("a", Draw(need=1, least=1), 0.002).retry <= 0.01


def test_whoever_is_short_may_wait_for_what_others_hold() -> None:
    ledger = BucketLedger(0, 4, 0.0)
    ledger.draw("a", Draw(ahead=6), 0.0)
    wish = Draw(need=4, least=4)
    ledger.report("b", wish, 0.0)
    assert ledger.lacks("b", wish, 0.0)
    ledger.report("a", Draw(back=2), 0.0)
    assert not ledger.lacks("b", wish, 0.0)
    assert ledger.grant("b", wish, 0.0).granted == 4


def test_a_debt_is_paid_from_what_comes() -> None:
    ledger = BucketLedger(10, 10, 0.0)
    ledger.draw("a", Draw(debt=15), 0.0)
    assert ledger.draw("a", Draw(need=1, least=1), 0.5).granted == 0
    assert ledger.draw("a", Draw(need=1, least=1), 0.61).granted == 1


def test_an_untouched_bucket_need_not_be_remembered() -> None:
    ledger = BucketLedger(10, 10, 0.0)
    ledger.draw("a", Draw(ahead=4), 0.0)
    assert not ledger.is_fresh(9.0)
    ledger.report("a", Draw(back=4), 9.0)
    assert ledger.is_fresh(9.0)


def test_a_bucket_that_others_may_have_used_starts_empty() -> None:
    ledger = BucketLedger(1, 10, 0.0, full=False)
    assert ledger.draw("a", Draw(need=1, least=1), 0.0).granted == 0
