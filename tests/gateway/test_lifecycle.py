"""What clients are told of a version's life."""

from typing import Any

import pytest

from tests.builders import api, ask, door, mock
from torana.message import Reply
from torana.model.lifecycle import Deprecation, Lifecycle, State, wrong

V1 = Deprecation(
    "2026-06-01", "2027-01-31T12:00:00+01:00", "https://a.example/v2", "https://a.example/why"
)
"""A deprecation with everything."""


async def answer(life: Lifecycle | None, path: str = "/pets", **fields: Any) -> Reply:
    return await door(api(mock(), mock("/new"), lifecycle=life, **fields))(ask(path))


@pytest.mark.parametrize("path", ["/pets", "/nowhere"])
async def test_each_answer_of_a_deprecated_version_tells_when_and_what_instead(path: str) -> None:
    reply = await answer(Lifecycle("deprecated", V1), path)
    assert reply.headers.get("deprecation") == "@1780272000"
    assert reply.headers.get("sunset") == "Sun, 31 Jan 2027 11:00:00 GMT"
    assert reply.headers.get("link") == (
        '<https://a.example/v2>; rel="successor-version", <https://a.example/why>; '
        'rel="deprecation", <https://a.example/why>; rel="sunset"'
    )


async def test_a_retired_version_is_gone_in_the_apis_own_words() -> None:
    reply = await answer(Lifecycle("retired", V1))
    assert (reply.status, reply.headers.get("x-amzn-errortype")) == (410, "GoneException")
    assert reply.body == b'{"message":"This version of the API was retired"}'
    assert '<https://a.example/v2>; rel="successor-version"' in (reply.headers.get("link") or "")


async def test_only_the_operation_that_is_deprecated_says_so() -> None:
    life = Lifecycle(operations={"GET /pets": Deprecation("2026-06-01")})
    assert (await answer(life)).headers.get("deprecation") == "@1780272000"
    assert (await answer(life, "/new")).headers.get("deprecation") is None


async def test_an_operation_without_a_date_has_that_of_its_version() -> None:
    own = {"GET /pets": Deprecation(sunset="2026-12-01")}
    reply = await answer(Lifecycle("deprecated", V1, operations=own))
    assert reply.headers.get("deprecation") == "@1780272000"
    assert reply.headers.get("sunset") == "Tue, 01 Dec 2026 00:00:00 GMT"


async def test_a_version_in_design_is_not_there_for_whoever_does_not_sign() -> None:
    there, not_there = await answer(Lifecycle("design")), await answer(None, "/nowhere")
    assert (there.status, there.body) == (not_there.status, not_there.body)


async def test_what_says_nothing_of_its_life_has_no_steps_for_it() -> None:
    [route, *_] = door(api(mock())).table.stages["abc", "prod"].plan.routes
    assert "lifecycle" not in route.names


@pytest.mark.parametrize(
    ("life", "where"),
    [
        (Lifecycle("deprecated"), "state"),
        (Lifecycle("deprecated", Deprecation(sunset="2027-01-01")), "state"),
        (Lifecycle(deprecation=Deprecation("soon")), "deprecation.since"),
        (Lifecycle(deprecation=Deprecation("2027-01-02", "2027-01-01")), "deprecation.sunset"),
        (Lifecycle(deprecation=Deprecation(successor="v2\r\nX: y")), "deprecation.successor"),
        (Lifecycle(operations={"GET /a": Deprecation("2026-13-01")}), "operations.GET /a.since"),
    ],
)
def test_what_cannot_be_said_is_named(life: Lifecycle, where: str) -> None:
    assert [".".join(map(str, path)) for path, _ in wrong(life)] == [where]


@pytest.mark.parametrize("state", ["design", "published", "retired"])
def test_every_other_state_needs_no_date(state: State) -> None:
    assert list(wrong(Lifecycle(state))) == []
