"""Mapping templates in a document: the caller says whether one is well written."""

import re
from collections.abc import Callable

from torana.openapi.place import Place

CheckTemplate = Callable[[str], "str | None"]
"""None for a template that compiles, else what is wrong with it."""

_MEDIA_TYPE = re.compile(r"\$default|[A-Za-z0-9!#$&^_.+*-]+/[A-Za-z0-9!#$&^_.+*-]+(?:\s*;.*)?")


def check_templates(owner: Place, key: str, check: CheckTemplate | None) -> None:
    """Note what is wrong with the templates of a member, by content type."""
    for content_type, at in owner.members(key):
        check_media_type(content_type, at)
        if check is not None and isinstance(at.value, str) and (wrong := check(at.value)):
            at.fail("template", f"the template for {content_type}: {wrong}")


def check_media_type(name: str, at: Place) -> None:
    """Note a content type that is none."""
    if not _MEDIA_TYPE.fullmatch(name):
        at.fail("media-type", f"invalid content type specified: {name[:100]!r}")
