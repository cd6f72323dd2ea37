"""The address of an AWS integration or of an authorizer's function, taken apart.

Source: Developer Guide, `Integration.uri`:
`arn:aws:apigateway:{region}:{subdomain.service|service}:{path|action}/{service_api}`.
"""

import re

from msgspec import Struct

from torana.gateway.errors import InvalidApi

_ARN = re.compile(
    r"arn:aws[a-z-]*:apigateway:(?P<region>[a-z0-9-]+):(?P<service>[A-Za-z0-9.-]+)"
    r":(?P<kind>path|action)/(?P<rest>.*)",
    re.DOTALL,
)


class Uri(Struct, frozen=True):
    """An AWS integration's address, taken apart."""

    region: str
    service: str
    subdomain: str
    action: str
    """Empty for the `path/` form."""
    target: str
    """Path and query of the `path/` form."""


def parse(uri: str) -> Uri:
    """Raises `InvalidApi`."""
    match = _ARN.fullmatch(uri)
    if match is None:
        raise InvalidApi(
            f"integration uri {uri!r} must be "
            "arn:aws:apigateway:{region}:{service}:{path|action}/{service_api}"
        )
    subdomain, _, service = match["service"].rpartition(".")
    if match["kind"] == "action":
        action, _, query = match["rest"].partition("&")
        return Uri(
            match["region"], service, subdomain, action, "/" + (f"?{query}" if query else "")
        )
    return Uri(match["region"], service, subdomain, "", "/" + match["rest"].lstrip("/"))
