"""What a request is reported under: its key, whose that is, the end user it is for, its tags."""

from typing import Any

from msgspec import Struct

from torana.llm.dialect import user_of
from torana.llm.keys import Key
from torana.message import Headers

TAGS = "x-torana-tags"
"""The header by which clients tag a request: names with commas between them."""
_MOST_TAGS, _LONGEST = 10, 128


class Mark(Struct, frozen=True):
    """What a request says of itself."""

    end_user: str = ""
    tags: tuple[str, ...] = ()


UNMARKED = Mark()


def marked(end_user: str, headers: Headers, body: bytes) -> Mark:
    """`end_user`: where it is named, `user` (in the body) or `header:NAME`; empty: nowhere."""
    named = ""
    if end_user:
        kind, _, name = end_user.partition(":")
        named = headers.get(name.lower()) or "" if kind == "header" else user_of(body)
    said = headers.get(TAGS) or ""
    tags = dict.fromkeys(tag.strip()[:_LONGEST] for tag in said.split(",") if tag.strip())
    return Mark(named[:_LONGEST], tuple(tags)[:_MOST_TAGS])


def whose(key: Key, mark: Mark = UNMARKED) -> dict[str, Any]:
    """Members of a line of the ledger."""
    owners = key.owners
    return {
        "team": owners.team,
        "organization": owners.organization,
        "user": owners.user,
        "end_user": mark.end_user,
        "tags": tags_of(key, mark),
    }


def tags_of(key: Key, mark: Mark) -> tuple[str, ...]:
    """The key's, and those of the request that are not among them."""
    tags = key.tags
    if mark.tags:
        return (*tags, *(tag for tag in mark.tags if tag not in tags))
    return tags
