"""`TORANA_*` variables that nothing reads, so that a setting with a slip in its name does not pass
for one that holds."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

import msgspec

from torana.settings import FROM_ENVIRONMENT, BadSettings, Settings

_PREFIX = "TORANA_"
_OTHERS = ("DEMO_KEY", "WORKER", "WORKER_SOCKET")
"""Read by `app/node.py` and, between processes of one gateway, by `app/workers.py`."""
_ONLY_IN_THE_FILE = frozenset(Settings.__struct_fields__) - FROM_ENVIRONMENT
_REFERENCE = re.compile(rb'"env:TORANA_(\w+)')
_LINK = re.compile(r"(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)")
"""What Kubernetes sets in every container for a service whose name begins with torana, beside a
variable that ends in `_PORT`."""


def unread(environment: Mapping[str, str], settings: Settings) -> Iterator[str]:
    """Names of variables that are none of Torana's, and that no setting refers to.

    Raises `BadSettings` for one that looks as if a setting was meant: it is refused as an unknown
    one in torana.toml is.
    """
    known = [name.upper() for name in FROM_ENVIRONMENT]
    own = {*known, *_OTHERS}
    own |= {each.decode() for each in _REFERENCE.findall(msgspec.json.encode(settings))}
    for variable in sorted(environment):
        name = variable.removeprefix(_PREFIX)
        if name == variable or name in own or _LINK.fullmatch(name):
            continue
        if name.lower() in _ONLY_IN_THE_FILE:
            raise BadSettings(f"{variable}: {name.lower()} can only be set in torana.toml")
        near = get_close_matches(name.upper(), known, 1, 0.75)
        if near:
            raise BadSettings(f"{variable} is no setting: is {_PREFIX}{near[0]} meant?")
        if not name.endswith("_PORT"):
            yield variable
