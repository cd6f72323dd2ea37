"""How a stage of a file is served: its canary, its addresses, what it asks for in vain."""

import msgspec
import pytest

from tests.builders import api, ask, mock, ports, proxy
from torana.app.definitions import live
from torana.gateway.errors import InvalidApi
from torana.gateway.front_door import FrontDoor
from torana.gateway.locate import Table
from torana.message import Headers
from torana.model.rest import CanarySettings, Stage
from torana.net.client import HttpClient


async def test_a_canary_without_a_deployment_is_the_same_api_with_other_variables() -> None:
    canary = CanarySettings(percent_traffic=50, stage_variable_overrides={"v": "new"})
    stage = Stage("prod", variables={"v": "old"}, canary_settings=canary)
    found = live(api(mock(body='"$stageVariables.v"')), stage, ports(HttpClient()))
    door = FrontDoor(Table({("abc", "prod"): found}))
    said = {(await door(ask("/pets"))).body for _ in range(100)}
    assert said == {b'"old"', b'"new"'}


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("abc.execute-api.example.com", 200),
        ("abc.execute-api.eu-west-1.example.com:8080", 200),
        ("abc.execute-api.localhost", 403),
    ],
)
async def test_addresses_end_in_the_suffix_of_the_settings(host: str, status: int) -> None:
    found = live(api(mock()), Stage("prod"), ports(HttpClient()))
    door = FrontDoor(Table({("abc", "prod"): found}, {}, "example.com"))
    request = msgspec.structs.replace(ask("/pets"), target="/prod/pets")
    request.headers = Headers([("Host", host)])
    assert (await door(request)).status == status


@pytest.mark.parametrize(
    ("stage", "why"),
    [
        (Stage(web_acl_arn="arn:aws:wafv2:::x"), "no web ACL"),
        (Stage(canary_settings=CanarySettings("d1", 5)), "no deployment 'd1'"),
    ],
)
async def test_what_is_not_there_is_refused_by_name(stage: Stage, why: str) -> None:
    with pytest.raises(InvalidApi, match=why):
        live(api(mock()), stage, ports(HttpClient()))


async def test_a_vpc_link_that_leads_nowhere_is_refused_by_name() -> None:
    linked = proxy("/a", "http://127.0.0.1/", connection_type="VPC_LINK", connection_id="x")
    with pytest.raises(InvalidApi, match="ANY /a: connectionId 'x'"):
        live(api(linked), Stage(), ports(HttpClient()))
