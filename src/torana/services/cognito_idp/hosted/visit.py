"""One request at a pool's pages, with what every page needs."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4

from msgspec import Struct, structs

from torana.message import Headers, Reply, Request
from torana.services.cognito_idp.directory import Json
from torana.services.cognito_idp.hosted.cookies import Cookies
from torana.services.cognito_idp.hosted.pages import Page, reply
from torana.services.cognito_idp.wanted import Wanted, origin
from torana.services.ports import Call, Principal

_FIELDS = 50
FORM = 64 * 1024
"""Bytes of a form."""


class Visit(Struct, frozen=True):
    """A request, read."""

    request: Request
    base: str
    """Where the pages are: empty, or a path."""
    pool: Json
    query: Mapping[str, str]
    form: Mapping[str, str]
    cookies: Cookies
    account: str

    def call(self, operation: str) -> Call:
        """For the service's operations, which are asked for by nobody that has credentials."""
        region = self.pool["Id"].partition("_")[0]
        who = Principal(self.account, "", "Anonymous")
        return Call(operation, who, region, str(uuid4()), 30.0, self.request)

    def to(self, path: str, wanted: Wanted | None = None, **more: str) -> str:
        """The address of another page, with what the app asks for."""
        query = urlencode({**(wanted.query if wanted else {}), **more})
        return f"{self.base}{path}" + (f"?{query}" if query else "")

    def show(self, page: Page, wanted: Wanted | None = None, status: int = 200) -> Reply:
        """A page; its form can be sent from this browser alone."""
        new: list[tuple[str, int]] = []
        if page.action:
            token = self.cookies.token(self.request, new)
            hidden = {**page.hidden, "_csrf": token}
            page = structs.replace(page, hidden=hidden)
        made = reply(page, status, leads_to=origin(wanted.redirect) if wanted else "")
        self.cookies.remember(self.request, made, new)
        return made


def redirected(to: str) -> Reply:
    """Go there with a GET."""
    return Reply(303, Headers([("Location", to), ("Cache-Control", "no-store")]))


def pairs(text: str) -> dict[str, str]:
    """A query or a form; the first of each name. Raises `ValueError` for too many fields."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(
        text, keep_blank_values=True, max_num_fields=_FIELDS, encoding="utf-8", errors="replace"
    ):
        found.setdefault(name, value)
    return found
