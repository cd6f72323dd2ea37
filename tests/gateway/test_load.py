"""Under pressure the least important requests are turned away first, and let in again slowly."""

import asyncio
import time
from typing import Any

import httpx
import msgspec
import pytest

from tests.builders import api, ask, door, mock, ports, serving
from tests.gateway.http_api import serving as http
from torana.gateway.contract import Grant, Ports
from torana.gateway.front_door import FrontDoor
from torana.gateway.load import LOOKS, Admission, Limits, Load, Priorities, looking
from torana.message import Headers, Reply, Request
from torana.model.rest import GatewayResponse, Stage
from torana.model.usage import UsagePlan
from torana.net.client import HttpClient
from torana.net.tasks import spawn

LOW, NORMAL, HIGH, CRITICAL = range(4)


def windows(load: Load, number: int, *lags: float) -> None:
    for _ in range(number):
        for at in range(LOOKS):
            load.look(lags[at % len(lags)])


def shares(load: Load) -> list[int]:
    """Of a hundred requests of each rank, how many are let in."""
    return [sum(load.admits(rank) for _ in range(100)) for rank in range(4)]


def under(pressure: float) -> Load:
    load = Load(Limits())
    load.pressure = pressure
    return load


@pytest.mark.parametrize(
    ("pressure", "let_in"),
    [
        (0.0, [100, 100, 100, 100]),
        (0.25, [75, 100, 100, 100]),
        (1.0, [0, 100, 100, 100]),
        (1.5, [0, 50, 100, 100]),
        (3.0, [0, 0, 0, 100]),
    ],
)
def test_the_lowest_priority_goes_first(pressure: float, let_in: list[int]) -> None:
    load = under(pressure)
    assert shares(load) == let_in
    assert load.shed == [100 - each for each in let_in]


def test_one_late_moment_is_no_overload_and_a_late_window_is() -> None:
    load = Load(Limits(lag=0.2))
    windows(load, 10, 5.0, 0.0)
    assert load.pressure == 0
    windows(load, 1, 0.3)
    assert (load.pressure, load.lag) == (0.25, 0.3)


def test_pressure_grows_while_it_is_late_and_falls_slowly_after_several_good_windows() -> None:
    load = Load(Limits(lag=0.2))
    for _ in range(20):
        shares(load)
        windows(load, 1, 0.3)
    assert load.pressure == 3
    windows(load, 5, 0.15)
    assert load.pressure == 3, "better, but not good"
    windows(load, 2, 0.05)
    assert load.pressure == 3, "good, but not for long"
    windows(load, 1, 0.05)
    assert load.pressure == 2.875
    windows(load, 1, 0.15)
    windows(load, 2, 0.05)
    assert load.pressure == 2.875, "counted anew"
    windows(load, 30, 0.0)
    assert load.pressure == 0


def test_ranks_that_nobody_asks_in_are_passed_over() -> None:
    load = Load(Limits(lag=0.2))
    windows(load, 1, 0.3)
    load.admits(NORMAL)
    windows(load, 1, 0.3)
    assert load.pressure == 1.25
    windows(load, 9, 0.3)
    assert load.pressure == 1.25, "nobody asks: whatever is late, it is no request"


def test_requests_at_once_count_where_they_have_a_limit() -> None:
    busy = 11
    load = Load(Limits(lag=0, requests=10), lambda: busy)
    windows(load, 1, 9.9)
    assert load.pressure == 0.25
    busy = 9
    windows(load, 9, 0.0)
    assert load.pressure == 0.25
    busy = 8
    windows(load, 9, 0.0)
    assert load.pressure == 0


def test_priorities_of_methods_stages_apis_and_tags() -> None:
    given = Priorities(
        {"*": "low", "shop/*": "normal", "shop/prod/GET /pay": "critical", "blog": "high"}
    )
    assert given.method(("shop/prod/GET /pay", "shop/prod", "shop"), ()) == CRITICAL
    assert given.method(("shop/prod/GET /see", "shop/prod", "shop"), ()) == NORMAL
    assert given.method(("blog/prod/GET /", "blog/prod", "blog"), ()) == HIGH
    assert given.method(("x/prod/GET /", "x/prod", "x"), ()) == LOW
    tags, none = {"torana:priority": "high"}, Priorities({})
    assert none.method(("a",), ({}, tags)) == HIGH
    assert none.method(("a",), ({"torana:priority": "low"}, tags)) == LOW
    assert none.method(("a",), ({"torana:priority": "odd"},)) == NORMAL


def at(load: Load, priorities: dict[str, Any], keys: dict[str, Grant] | None = None) -> Ports:
    admission = Admission(load, Priorities(priorities))
    return msgspec.structs.replace(ports(HttpClient(), keys), admission=admission)


async def test_a_rest_api_says_so_as_a_gateway_response_of_its_own() -> None:
    load = under(1.0)
    own = at(load, {"abc/prod/GET /low": "low", "abc/prod/GET /own": "low"})
    of = door(api(mock("/low"), mock("/usual")), None, own)
    reply = await of(ask("/low"))
    assert (reply.status, reply.body) == (503, b'{"message":"Service Unavailable"}')
    assert reply.headers.get("retry-after") == "3"
    assert reply.headers.get("x-amzn-errortype") == "ServiceUnavailableException"
    assert (await of(ask("/usual"))).status == 200
    load.pressure = 0.0
    assert (await of(ask("/low"))).status == 200
    said = GatewayResponse(
        "DEFAULT_5XX", "529", response_templates={"application/json": '{"busy": true}'}
    )
    load.pressure = 1.0
    custom = api(mock("/own"), gateway_responses={"DEFAULT_5XX": said})
    reply = await door(custom, None, own)(ask("/own"))
    assert (reply.status, reply.body) == (529, b'{"busy": true}')
    assert reply.headers.get("retry-after") == "3"


async def test_a_key_or_its_plan_is_worth_more_than_the_method() -> None:
    plans = {name: UsagePlan(name, name.title()) for name in ("gold", "tin")}
    keys = {
        name: Grant(f"id-{name}", name, {("abc", "prod"): plans[plan]})
        for name, plan in {"ann": "gold", "bob": "tin", "eve": "tin"}.items()
    }
    priorities = {"plan:Gold": "critical", "plan:tin": "low", "key:eve": "high"}
    own = at(under(2.0), priorities, keys)
    of = door(api(mock(api_key_required=True)), Stage("prod"), own)
    for key, status in {"ann": 200, "bob": 503, "eve": 200, "nobody": 503}.items():
        assert (await of(ask("/pets", x_api_key=key))).status == status, key


async def test_an_http_api_and_what_is_no_api_say_so_too() -> None:
    load = under(2.0)
    own = at(load, {"user-pools": "low"})
    route = http.api({"GET /": http.function("1")})
    reply = await http.door(route, None, own)(http.ask("/"))
    assert (reply.status, reply.headers.get("retry-after")) == (503, "5")
    assert reply.body == b'{"message":"Service Unavailable"}'

    class Pools:
        def find(self, host: str, path: str) -> Any:
            async def answer(request: Request) -> Reply:
                return Reply(200, Headers())

            return answer if path == "/pool" else None

        def never(self, host: str, path: str) -> bool:
            return False

    of = door(api(mock()), None, own)
    of.pools, of.admission = Pools(), own.admission
    request = Request("GET", "/pool", Headers([("Host", "a")]))
    assert (await of(request)).status == 503
    of.admission = Admission(load)
    assert (await of(request)).status == 200, "people who sign in are more than normal"


async def test_a_saturated_process_answers_what_matters_most() -> None:
    """Really saturated: each request takes the loop for itself, for a while."""
    load = Load(Limits(lag=0.02))
    own = at(load, {"*/GET /pay": "critical"})

    def busy_door() -> FrontDoor:
        return door(api(mock("/see"), mock("/pay")), None, own)

    of, answered = busy_door(), {"/see": list[int](), "/pay": list[int]()}

    async def busy(request: Request) -> Reply:
        reply = await of(request)
        if reply.status == 200:
            time.sleep(0.002)  # noqa: ASYNC251 - the work that saturates
        return reply

    async def client(url: str, path: str, pause: float) -> None:
        async with httpx.AsyncClient(base_url=url, timeout=30) as asking:
            while load.shed[NORMAL] < 20:
                found = await asking.get(f"/restapis/abc/prod/_user_request_{path}")
                answered[path].append(found.status_code)
                await asyncio.sleep(pause)

    look = spawn(looking(load, 0.02), "look")
    async with serving(busy) as listener:
        url = f"http://127.0.0.1:{listener.port}"
        crowd = [client(url, "/see", 0) for _ in range(30)]
        await asyncio.wait_for(asyncio.gather(*crowd, client(url, "/pay", 0.05)), 50)
    look.cancel()
    assert set(answered["/see"]) == {200, 503}
    assert set(answered["/pay"]) == {200}
