"""Variables that nothing reads."""

import pytest

from torana.settings import BadSettings, Key, Settings, load
from torana.variables import unread


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("TORANA_PROT", "is TORANA_PORT meant?"),
        ("TORANA_MANAGMENT_HOST", "is TORANA_MANAGEMENT_HOST meant?"),
        ("TORANA_port", "is TORANA_PORT meant?"),
        ("TORANA_TLS", "tls can only be set in torana.toml"),
    ],
)
def test_a_variable_that_is_nearly_a_setting_is_refused(name: str, said: str) -> None:
    with pytest.raises(BadSettings, match=name) as refused:
        list(unread({name: "1"}, Settings()))
    assert said in str(refused.value)


def test_others_that_nothing_reads_are_named() -> None:
    environment = {"TORANA_REQUIRE_SERVICES": "1", "TORANA_COLOUR": "red", "PATH": "/bin"}
    assert list(unread(environment, Settings())) == ["TORANA_COLOUR", "TORANA_REQUIRE_SERVICES"]


@pytest.mark.parametrize(
    "name",
    [
        "TORANA_PORT",
        "TORANA_DATA",
        "TORANA_DEMO_KEY",
        "TORANA_WORKER_SOCKET",
        "TORANA_PORTS",
        "TORANA_SERVICE_HOST",
        "TORANA_SERVICE_PORT_HTTP",
        "TORANA_PORT_8080_TCP_ADDR",
        "TORANA_PORTAL_PORT",
        "TORANA_MANAGEMENT_SERVICE_HOST",
        "TORANA_PORTAL_PORT_80_TCP",
    ],
)
def test_what_is_read_or_set_by_kubernetes_is_passed_over(name: str) -> None:
    """`TORANA_PORTS`: a setting may refer to any variable."""
    settings = Settings(keys={"app": Key("env:TORANA_PORTS")})
    assert list(unread({name: "1"}, settings)) == []


def test_what_kubernetes_says_of_a_service_called_torana_is_no_port() -> None:
    environment = {"TORANA_PORT": "tcp://10.0.0.1:8080", "TORANA_MANAGEMENT_PORT": "9001"}
    found = load({}, environment, None)
    assert (found.port, found.management_port) == (Settings().port, 9001)
