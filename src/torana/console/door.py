"""Signing in and out: cookies, the proof against forged requests, and patience with guessers."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from http.cookies import CookieError, SimpleCookie

from msgspec import Struct

from torana.auth.keys import same
from torana.console.refused import Refused, as_json, body_of
from torana.console.sessions import LONGEST, Session, Sessions, csrf_of
from torana.message import Reply, Request
from torana.services.ports import Credential
from torana.state.bucket import LocalBucket

Find = Callable[[str], Awaitable[Credential | None]]

_FORM = 16 * 1024
_TRIES, _PER_SECOND = 10, 1 / 15
"""Sign-ins that an address may try at once, and what it gets back in a second."""
_ALL_TRIES, _ALL_PER_SECOND = 100, 2.0
"""The same for all addresses together."""
_MOST_ADDRESSES = 4096
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
        self._tries: OrderedDict[str, LocalBucket] = OrderedDict()
        self._all = LocalBucket(_ALL_PER_SECOND, _ALL_TRIES)

    async def sign_in(self, request: Request) -> Reply:
        """`{accessKeyId, secretAccessKey, sessionToken?}` for a cookie. Raises `Refused`."""
        _same_site(request)
        if not self._bucket(request.peer.address).take() or not self._all.take():
            message = "Too many sign-ins were tried. Wait a minute, then try again."
            raise Refused(429, "TooManyRequests", message)
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
        reply.headers.add("Set-Cookie", _cookie(request, opened, int(LONGEST)))
        return reply

    async def sign_out(self, request: Request) -> Reply:
        """Ends the session. Raises `Refused`."""
        await self.enter(request)
        await self._sessions.close(_secret(request))
        reply = as_json({})
        reply.headers.add("Set-Cookie", _cookie(request, "", 0))
        return reply

    async def enter(self, request: Request) -> Entrant:
        """Whose request it is. All but reading wants the page's own proof. Raises `Refused`."""
        _same_site(request)
        secret = _secret(request)
        session = await self._sessions.find(secret) if secret else None
        credential = await self._find(session.access_key_id) if session else None
        if session is None or credential is None:
            raise Refused(401, "SignedOut", "Sign in to go on")
        csrf = csrf_of(secret)
        if request.method != "GET" and not same(request.headers.get("x-torana-csrf") or "", csrf):
            raise Refused(403, "Forged", "This request did not come from the console")
        return Entrant(credential, session, csrf)

    def _bucket(self, address: str) -> LocalBucket:
        bucket = self._tries.pop(address, None) or LocalBucket(_PER_SECOND, _TRIES)
        self._tries[address] = bucket
        if len(self._tries) > _MOST_ADDRESSES:
            self._tries.popitem(last=False)
        return bucket


def _same_site(request: Request) -> None:
    """Browsers say where a request comes from; others are not what this guards against."""
    said = request.headers.get("sec-fetch-site")
    if said is not None and said not in ("same-origin", "none"):
        raise Refused(403, "Forged", "This request did not come from the console")


def _cookie_name(request: Request) -> str:
    """Cookies know no ports: two gateways of one host go by different names."""
    return f"torana-{request.peer.local_port}"


def _cookie(request: Request, value: str, seconds: int) -> str:
    secure = "; Secure" if request.peer.scheme == "https" else ""
    return (
        f"{_cookie_name(request)}={value}; Path=/console; Max-Age={seconds}; "
        f"HttpOnly; SameSite=Strict{secure}"
    )


def _secret(request: Request) -> str:
    for line in request.headers.all("cookie"):
        try:
            morsel = SimpleCookie(line).get(_cookie_name(request))
        except CookieError:
            continue
        if morsel is not None:
            return morsel.value
    return ""
