import pytest

from torana.gateway.front_door import origin_form
from torana.message import Headers, Request


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
