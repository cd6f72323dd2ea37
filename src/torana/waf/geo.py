"""Countries of addresses, from the database that the extra `geo` installs (GeoLite2)."""
# pyright: basic

from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any


@cache
def countries() -> Callable[[str], str] | None:
    """The look-up of an address' country, two letters or none; None without the extra."""
    return None if find_spec("geoip2fast") is None else _country


def _country(address: str) -> str:
    found = _database().lookup(address).country_code
    return found if len(found) == 2 and found.isalpha() else ""


@cache
def _database() -> Any:
    """Half a million objects, read when the first rule asks for countries."""
    return import_module("geoip2fast").GeoIP2Fast()
