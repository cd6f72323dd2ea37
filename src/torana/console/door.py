"""Signing in and out."""

from collections.abc import Awaitable, Callable

from msgspec import Struct

from torana.auth.keys import same
from torana.console.browser import Patience, cookie_of, same_site, set_cookie
from torana.console.refused import Refused, as_json, body_of
from torana.console.sessions import LONGEST, Session, Sessions, csrf_of
from torana.message import Reply, Request
from torana.services.ports import Credential

Find = Callable[[str], Awaitable[Credential | None]]

_FORM = 16 * 1024
_PATH = "/console"
_NO = "The access key ID or the secret access key is wrong"


class Entrant(Struct, frozen=True):
    """Who is signed in."""

    credential: Credential
    session: Session
    csrf: str


class Door:
    """Lets in who has an access key's secret."""

    def __init__(self, sessions: Sessions, find: Find) -> None:
        self._sessions, self._find = sessions, find
        self._patience = Patience()

    async def sign_in(self, request: Request) -> Reply:
        """`{accessKeyId, secretAccessKey, sessionToken?}` for a cookie. Raises `Refused`."""
        same_site(request)
        self._patience.take(request)
        given = await body_of(request, _FORM)
        name, secret, token = (
            str(given.get(field) or "").strip()
            for field in ("accessKeyId", "secretAccessKey", "sessionToken")
        )
        credential = await self._find(name)
        # Compared in either case: how long it takes tells nobody which keys there are.
        right = same(credential.secret_access_key if credential else "-", secret)
        right &= same((credential and credential.session_token) or "", token)
        if credential is None or not right:
            raise Refused(401, "InvalidCredentials", _NO)
        opened = await self._sessions.open(name)
        reply = as_json({"csrf": csrf_of(opened)})
        reply.headers.add(
            "Set-Cookie", set_cookie(request, _cookie_name(request), opened, _PATH, int(LONGEST))
        )
        return reply

    async def sign_out(self, request: Request) -> Reply:
        """Ends the session. Raises `Refused`."""
        await self.enter(request)
        await self._sessions.close(cookie_of(request, _cookie_name(request)))
        reply = as_json({})
        reply.headers.add("Set-Cookie", set_cookie(request, _cookie_name(request), "", _PATH, 0))
        return reply

    async def enter(self, request: Request) -> Entrant:
        """Whose request it is. All but reading wants the page's own proof. Raises `Refused`."""
        same_site(request)
        secret = cookie_of(request, _cookie_name(request))
        session = await self._sessions.find(secret) if secret else None
        credential = await self._find(session.holder) if session else None
        if session is None or credential is None:
            raise Refused(401, "SignedOut", "Sign in to go on")
        csrf = csrf_of(secret)
        if request.method != "GET" and not same(request.headers.get("x-torana-csrf") or "", csrf):
            raise Refused(403, "Forged", "This request did not come from the console")
        return Entrant(credential, session, csrf)


def _cookie_name(request: Request) -> str:
    """Cookies know no ports: two gateways of one host go by different names."""
    return f"torana-{request.peer.local_port}"
