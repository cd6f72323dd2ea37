"""Versions of an API below one address, told apart by headers."""

import pytest
from msgspec.structs import replace

from tests.builders import api, ask, mock, ports
from torana.gateway.front_door import FrontDoor
from torana.gateway.locate import Live, Table
from torana.gateway.plan import compile
from torana.message import Headers
from torana.model.rest import Stage
from torana.model.version_set import VersionSet, longest_first
from torana.net.client import HttpClient

STAGES = {each: ("abc", f"v{each}") for each in ("1", "2")}
BY_HEADER = VersionSet("pets", STAGES, header="Accept-Version", default="1")
BY_MEDIA_TYPE = VersionSet("", STAGES, parameter="version")


def door(*sets: VersionSet) -> FrontDoor:
    made = {
        ("abc", stage): Live(
            compile(api(mock(body=f'"{stage}"')), Stage(stage), ports(HttpClient()))
        )
        for stage in ("v1", "v2")
    }
    return FrontDoor(Table(made, sets={"a.example": longest_first(sets)}))


async def get(path: str, headers: dict[str, str], *sets: VersionSet) -> tuple[int, str, str | None]:
    request = replace(ask("/"), target=path)
    request.headers = Headers([("Host", "a.example"), *headers.items()])
    reply = await door(*sets or (BY_HEADER, BY_MEDIA_TYPE))(request)
    assert isinstance(reply.body, bytes)
    return reply.status, reply.body.decode(), reply.headers.get("vary")


@pytest.mark.parametrize(
    ("path", "headers", "said", "varies"),
    [
        ("/pets/pets", {"Accept-Version": "2"}, '"v2"', "Accept-Version"),
        ("/pets/pets", {"accept-version": " 1"}, '"v1"', "Accept-Version"),
        ("/pets/pets", {}, '"v1"', "Accept-Version"),
        ("/pets", {"Accept": 'text/html, application/json; q=1; Version="2"'}, '"v2"', "Accept"),
    ],
)
async def test_a_header_chooses_the_stage(
    path: str, headers: dict[str, str], said: str, varies: str
) -> None:
    sets = (BY_HEADER,) if path == "/pets/pets" else (BY_MEDIA_TYPE,)
    assert await get(path, headers, *sets) == (200, said, varies)


@pytest.mark.parametrize(
    ("path", "headers", "message"),
    [
        (
            "/pets/pets",
            {"Accept-Version": "3"},
            "There is no version '3': Accept-Version may be 1, 2",
        ),
        ("/x", {}, "A version must be named: the parameter 'version' of Accept may be 1, 2"),
    ],
)
async def test_a_version_that_there_is_not_is_refused(
    path: str, headers: dict[str, str], message: str
) -> None:
    status, body, _ = await get(path, headers)
    assert (status, body) == (400, f'{{"message":"{message}"}}')


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (VersionSet("", STAGES), "must be named"),
        (VersionSet("", STAGES, "X-A", "version"), "must be named"),
        (VersionSet("", STAGES, "X A"), "must be named"),
        (VersionSet("", {}, "X-A"), "no versions"),
        (VersionSet("", STAGES, "X-A", default="3"), "the default '3' is none of 1, 2"),
    ],
)
def test_what_cannot_be_a_set_is_named(given: VersionSet, why: str) -> None:
    assert why in (given.wrong() or "")
