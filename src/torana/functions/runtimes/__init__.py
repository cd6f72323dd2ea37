"""One family of runtimes a file, one line here."""

from collections.abc import Mapping

from torana.functions.runtimes import node, provided, python
from torana.functions.runtimes.runtime import Runtime, RuntimeMissing

FAMILIES = (python.FAMILY, node.FAMILY, provided.FAMILY)

RUNTIMES: Mapping[str, Runtime] = {name: family for family in FAMILIES for name in family.names}
"""By the service's identifiers, such as `python3.11`."""

__all__ = ["FAMILIES", "RUNTIMES", "Runtime", "RuntimeMissing"]
