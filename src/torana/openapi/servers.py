"""The base path of a document, and what becomes of it.

Source: Developer Guide, "Set the OpenAPI basePath property": `ignore` (the default), `prepend` or
`split`, where the first part is left away and the rest is prepended.
"""

import re
from collections.abc import Callable, Mapping
from typing import Literal
from urllib.parse import urlsplit

from torana.openapi.place import Place

BasePath = Literal["ignore", "prepend", "split"]

_VARIABLE = re.compile(r"\{([^{}]*)\}")


def prefix(root: Place, mode: BasePath) -> str:
    """What every path begins with: empty, or `/…` without a slash at its end."""
    return _MODES[mode](_base_path(root))


def _base_path(root: Place) -> str:
    if root.sheet.version == "2.0":
        return root.text("basePath").rstrip("/")
    for server in root.listed("servers"):
        return _server_path(server)
    return ""


def _server_path(server: Place) -> str:
    defaults = {name: place.text("default") for name, place in server.members("variables")}
    url = server.text("url")
    if "{basePath}" in url:
        return "/" + defaults.get("basePath", "").strip("/")
    path = _VARIABLE.sub(lambda found: defaults.get(found[1], ""), url)
    try:
        return urlsplit(path).path.rstrip("/")
    except ValueError:
        server.fail("server", f"{url[:200]!r} is no URL")
        return ""


def _split(base: str) -> str:
    _, _, rest = base.strip("/").partition("/")
    return f"/{rest}" if rest else ""


_MODES: Mapping[BasePath, Callable[[str], str]] = {
    "ignore": lambda base: "",
    "prepend": lambda base: base.rstrip("/"),
    "split": _split,
}
