import pytest

from tests.builders import api, mock
from tests.builders import door as front
from torana.gateway.domain_rules import Rule, Rules
from torana.gateway.front_door import FrontDoor, Handler, origin_form
from torana.gateway.locate import Table
from torana.message import Headers, Reply, Request

LIVE = front(api(mock())).table.stages["abc", "prod"]


def read(target: str) -> tuple[str, str | None]:
    found = origin_form(Request("GET", target, Headers([("host", "other"), ("X-A", "1")])))
    assert ("X-A", "1") in found.headers.items
    return found.target, found.headers.get("host")


def test_the_authority_of_an_absolute_target_is_the_host() -> None:
    assert read("http://a.test:81/b?c=//d") == ("/b?c=//d", "a.test:81")
    assert read("HTTPS://a.test?c") == ("/?c", "a.test")
    assert read("http://a.test") == ("/", "a.test")


def test_a_star_asks_of_the_whole_server() -> None:
    assert read("*") == ("/", "other")


def test_no_other_scheme_is_served() -> None:
    with pytest.raises(ValueError, match="Invalid request target"):
        read("ftp://a.test/b")


class Chats:
    """Beside the APIs, on a path of its own."""

    surface = ""

    def takes(self, path: str) -> bool:
        return path == "/v1/chat"

    async def __call__(self, request: Request) -> Reply:
        return Reply(200, Headers(), b"chat")


class Names:
    """Whole hosts, some of which come and go."""

    def __init__(self) -> None:
        self.known: set[str] = set()

    def find(self, host: str, path: str) -> Handler | None:
        return page if host in self.known else None

    def never(self, host: str, path: str) -> bool:
        return not host.startswith("may-be.")


async def page(request: Request) -> Reply:
    return Reply(200, Headers(), b"page")


async def asked(door: FrontDoor, host: str = "a.test", **headers: str) -> object:
    fields = [("Host", host), *headers.items()]
    return (await door(Request("GET", "/v1/chat", Headers(fields)))).body


def beside(table: Table | None = None) -> FrontDoor:
    door = FrontDoor(table or Table({}))
    door.besides = (Chats(),)
    return door


async def test_what_is_beside_the_apis_answers_until_a_deployment_claims_its_host() -> None:
    door = beside()
    assert [await asked(door) for _ in range(2)] == [b"chat"] * 2
    stages = {("abc", "prod"): LIVE}
    door.table = Table(stages, domains={"a.test": {"": ("abc", "prod")}})
    assert await asked(door) != b"chat"
    door.table = Table({})
    assert await asked(door) == b"chat"


async def test_a_host_that_is_created_later_is_served_at_once() -> None:
    door, names = beside(), Names()
    door.pools = names
    for host in ("may-be.test", "a.test"):
        assert [await asked(door, host) for _ in range(2)] == [b"chat"] * 2
    names.known.add("may-be.test")
    assert await asked(door, "may-be.test") == b"page"


async def test_a_websocket_api_that_is_deployed_is_served_at_once() -> None:
    door = beside()
    door.sockets = sockets = Deployed()
    assert [await asked(door) for _ in range(2)] == [b"chat"] * 2
    sockets.table = {"a.test"}
    assert await asked(door) == b"page"


class Deployed:
    """WebSocket APIs by their hosts."""

    def __init__(self) -> None:
        self.table: set[str] = set()

    def find(self, host: str, path: str) -> Handler | None:
        return page if host in self.table else None


async def test_a_rule_that_goes_by_headers_is_asked_each_time() -> None:
    beta = Rule("abc", "prod", headers=(("x-beta", lambda value: value == "1"),))
    door = beside(
        Table({("abc", "prod"): LIVE}, rules={"a.test": Rules((beta,), mappings_too=False)})
    )
    assert [await asked(door) for _ in range(2)] == [b"chat"] * 2
    assert await asked(door, **{"X-Beta": "1"}) != b"chat"
