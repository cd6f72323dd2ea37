"""Which stage a request is for."""

from msgspec import structs

from tests.builders import api, door, mock
from torana.gateway.domain_rules import Rule, Rules
from torana.gateway.locate import Table
from torana.message import Headers

LIVE = door(api(mock())).table.stages["abc", "prod"]


def table(**given: object) -> Table:
    return Table({("abc", "prod"): LIVE}, **given)  # type: ignore[arg-type]


def test_a_place_is_found_again_as_at_first() -> None:
    local, domains = "/restapis/abc/prod/_user_request_/pets", {"a.example": {"": ("abc", "prod")}}
    asked = table(domains=domains)
    for host, path in (("", local), ("a.example", "/pets"), ("b.example", "/pets")):
        assert asked.find(host, path) == asked.find(host, path)
    assert asked.find("b.example", "/pets") is None


def test_a_host_does_not_find_what_another_asked_for() -> None:
    asked = table(domains={"a.example": {"": ("abc", "prod")}})
    assert asked.find("a.example", "/pets") is not None
    assert asked.find("b.example", "/pets") is None


def test_rules_are_asked_each_time_as_they_go_by_headers() -> None:
    beta = Rule("abc", "prod", headers=(("x-beta", lambda value: value == "1"),))
    asked = table(rules={"a.example": Rules((beta,), mappings_too=False)})
    assert asked.find("a.example", "/pets", Headers([("X-Beta", "1")])) is not None
    assert asked.find("a.example", "/pets", Headers()) is None


def test_mappings_behind_rules_do_not_hide_the_rules() -> None:
    beta = Rule(
        "abc", "prod", headers=(("x-beta", lambda value: value == "1"),), base="pets", strip=True
    )
    domains = {"a.example": {"": ("abc", "prod")}}
    asked = table(rules={"a.example": Rules((beta,), mappings_too=True)}, domains=domains)
    mapped = asked.find("a.example", "/pets", Headers())
    ruled = asked.find("a.example", "/pets", Headers([("X-Beta", "1")]))
    assert mapped is not None and ruled is not None
    assert (mapped.path, ruled.path) == ("/pets", "/")


def test_a_table_made_from_another_finds_for_itself() -> None:
    first = table()
    local = "/restapis/abc/prod/_user_request_/pets"
    assert first.find("", local) is not None
    assert structs.replace(first, stages={}).find("", local) is None


def test_what_is_remembered_is_bounded() -> None:
    asked = table()
    for number in range(5000):
        asked.find("", f"/restapis/abc/prod/_user_request_/{number}")
    found = asked.find("", "/restapis/abc/prod/_user_request_/last")
    assert found is not None and found.path == "/last"
    assert len(asked._seen) == 4096  # pyright: ignore[reportPrivateUsage]
