"""What a browser keeps for the pages: who is signed in, and that a form came from one of them."""

import secrets
from http.cookies import CookieError, SimpleCookie

import msgspec
from msgspec import Struct

from torana.auth import keys
from torana.message import Reply, Request
from torana.services.cognito_idp.directory import now
from torana.services.kms.ring import Seal

_SESSION, _FORM = "torana-session", "torana-form"
LASTS = 3600.0
"""Seconds that one stays signed in. Source: "The managed login session cookie"."""


class Visitor(Struct, frozen=True, tag="cognito-visitor"):
    """Who is signed in at a pool's pages."""

    pool: str
    username: str
    sub: str
    auth_time: float


class _Form(Struct, frozen=True, tag="cognito-form"):
    pool: str
    cookie: str


class Cookies:
    """Of one pool's pages; they are at `base`."""

    def __init__(self, seal: Seal, pool: str, base: str) -> None:
        self._seal, self._pool, self._path = seal, pool, base or "/"

    def visitor(self, request: Request) -> Visitor | None:
        """Who is signed in, as far as the cookie tells."""
        try:
            plain = self._seal.open(_read(request, _SESSION))
            found = msgspec.json.decode(plain, type=Visitor)
        except (ValueError, msgspec.MsgspecError):
            return None
        fresh = found.auth_time + LASTS > now()
        return found if found.pool == self._pool and fresh else None

    def sign_in(self, request: Request, reply: Reply, user: dict[str, str], at: float) -> None:
        """Remember somebody."""
        made = Visitor(self._pool, user["username"], user["sub"], at)
        self._set(request, reply, _SESSION, self._seal.close(msgspec.json.encode(made)), int(LASTS))

    def sign_out(self, request: Request, reply: Reply) -> None:
        """Forget who it was."""
        self._set(request, reply, _SESSION, "", 0)

    def token(self, request: Request, reply_to: list[tuple[str, int]]) -> str:
        """For a form; the cookie that it belongs to is added to `reply_to` if there is none."""
        cookie = _read(request, _FORM)
        if len(cookie) != 43:
            cookie = secrets.token_urlsafe(32)
            reply_to.append((cookie, int(LASTS)))
        return self._seal.close(msgspec.json.encode(_Form(self._pool, cookie)))

    def remember(self, request: Request, reply: Reply, new: list[tuple[str, int]]) -> None:
        """Set the cookies that `token` has found missing."""
        for value, age in new:
            self._set(request, reply, _FORM, value, age)

    def is_ours(self, request: Request, token: str) -> bool:
        """Whether a form was sent from a page that this browser got from here."""
        try:
            found = msgspec.json.decode(self._seal.open(token), type=_Form)
        except (ValueError, msgspec.MsgspecError):
            return False
        return found.pool == self._pool and keys.same(found.cookie, _read(request, _FORM))

    def _set(self, request: Request, reply: Reply, name: str, value: str, age: int) -> None:
        secure = "; Secure" if request.peer.scheme == "https" else ""
        reply.headers.add(
            "Set-Cookie",
            f"{name}={value}; Path={self._path}; Max-Age={age}; HttpOnly; SameSite=Lax{secure}",
        )


def _read(request: Request, name: str) -> str:
    for line in request.headers.all("cookie"):
        try:
            found = SimpleCookie(line).get(name)
        except CookieError:
            continue
        if found is not None:
            return found.value
    return ""
