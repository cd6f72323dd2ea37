"""Countries of addresses, from the database that the extra `geo` installs (GeoLite2)."""
# pyright: basic

from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec


@cache
def countries() -> Callable[[str], str] | None:
    """The look-up of an address' country, two letters or none; None without the extra.
    The database is read once."""
    if find_spec("geoip2fast") is None:
        return None
    database = import_module("geoip2fast").GeoIP2Fast()

    def country(address: str) -> str:
        found = database.lookup(address).country_code
        return found if len(found) == 2 and found.isalpha() else ""

    return country
