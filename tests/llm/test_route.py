"""Which target comes first, and which are left alone."""

from collections import Counter

from torana.llm.dialects import DIALECTS
from torana.llm.prices import Price
from torana.llm.route import ORDERS, Model, Provider, Retries, Target, candidates
from torana.net.client import HttpClient, Timeouts


def target(name: str, **given: float) -> Target:
    origin = HttpClient().origin("http", "127.0.0.1", 1)
    provider = Provider("p", DIALECTS["openai"], origin, "", (), Timeouts(), Timeouts())
    price = Price(given["price"], given["price"], 0) if "price" in given else None
    made = Target(provider, name, price, given.get("weight", 1.0), 15.0)
    made.busy, made.latency = int(given.get("busy", 0)), given.get("latency", 0.0)
    return made


def names(order: str, *targets: Target) -> list[str]:
    return [each.model for each in ORDERS[order](targets)]


def test_weights_share_the_traffic() -> None:
    targets = (target("a", weight=3), target("b", weight=1))
    first = Counter(names("weighted", *targets)[0] for _ in range(4000))
    assert 2800 < first["a"] < 3200


def test_the_least_busy_for_its_weight_comes_first() -> None:
    assert names("least-busy", target("a", busy=3), target("b", busy=4, weight=2)) == ["b", "a"]


def test_the_fastest_comes_first_and_an_untried_one_before_it() -> None:
    found = names("least-latency", target("a", latency=2), target("b", latency=1), target("c"))
    assert found == ["c", "b", "a"]


def test_the_cheapest_comes_first_and_one_without_a_price_last() -> None:
    found = names("least-cost", target("a"), target("b", price=2), target("c", price=1))
    assert found == ["c", "b", "a"]


def model(name: str, targets: tuple[Target, ...], *fallbacks: str) -> Model:
    return Model(name, targets, fallbacks, ORDERS["least-cost"], 0)


def test_fallbacks_follow_once_each_even_when_they_form_a_ring() -> None:
    one, two = target("one"), target("two")
    models = {"a": model("a", (one,), "b"), "b": model("b", (two,), "a")}
    assert list(candidates(models, models["a"])) == [one, two]


def test_a_target_that_keeps_failing_comes_last_until_it_answers() -> None:
    bad, good = target("bad", price=1), target("good", price=2)
    models = {"a": model("a", (bad, good))}
    for _ in range(5):
        assert next(candidates(models, models["a"])) is bad
        bad.failed(None)
    assert list(candidates(models, models["a"])) == [good, bad]
    bad.answered(0.1)
    assert next(candidates(models, models["a"])) is bad


def test_a_session_stays_with_its_target_and_sessions_spread() -> None:
    targets = (target("a"), target("b"), target("c"))
    model = Model("m", targets, (), ORDERS["weighted"], 0)
    first = [next(candidates({}, model, f"s{n}")).model for n in range(300)]
    assert first == [next(candidates({}, model, f"s{n}")).model for n in range(300)]
    assert min(Counter(first).values()) > 60


def test_after_its_rest_one_request_at_a_time_tries_a_failing_target() -> None:
    ill = target("ill")
    for _ in range(5):
        ill.failed(None)
    now = ill.closed_until + 1
    assert not ill.shut(now)
    ill.busy = 1
    assert ill.shut(now)
    ill.answered(0.1)
    assert not ill.shut(now)


def test_repeated_rounds_are_a_share_of_requests() -> None:
    retries = Retries()
    assert [retries.take() for _ in range(22)].count(True) == 20
    for _ in range(5):
        retries.asked()
    assert [retries.take(), retries.take()] == [True, False]


def test_a_target_that_said_when_to_come_again_is_left_alone_until_then() -> None:
    bad, good = target("bad", price=1), target("good", price=2)
    models = {"a": model("a", (bad, good))}
    bad.failed(60.0)
    assert next(candidates(models, models["a"])) is good
