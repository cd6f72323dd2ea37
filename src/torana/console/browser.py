"""What is known of a browser: cookies, where its requests come from, and how often it guesses."""

from collections import OrderedDict
from http.cookies import CookieError, SimpleCookie

from torana.console.refused import Refused
from torana.message import Request
from torana.state.bucket import LocalBucket

_TRIES, _PER_SECOND = 10, 1 / 15
"""Sign-ins that an address may try at once, and what it gets back in a second."""
_ALL_TRIES, _ALL_PER_SECOND = 100, 2.0
"""The same for all addresses together."""
_MOST_ADDRESSES = 4096


class Patience:
    """With those who guess."""

    def __init__(self, tries: int = _TRIES, per_second: float = _PER_SECOND) -> None:
        """What an address may try at once, and what it gets back in a second."""
        self._of_one = (per_second, tries)
        self._tries: OrderedDict[str, LocalBucket] = OrderedDict()
        self._all = LocalBucket(_ALL_PER_SECOND, _ALL_TRIES)

    def take(self, request: Request) -> None:
        """One try of an address. Raises `Refused`."""
        if not self._bucket(request.peer.address).take() or not self._all.take():
            message = "Too many sign-ins were tried. Wait a minute, then try again."
            raise Refused(429, "TooManyRequests", message)

    def _bucket(self, address: str) -> LocalBucket:
        bucket = self._tries.pop(address, None) or LocalBucket(*self._of_one)
        self._tries[address] = bucket
        if len(self._tries) > _MOST_ADDRESSES:
            self._tries.popitem(last=False)
        return bucket


def same_site(request: Request) -> None:
    """Browsers say where a request comes from; others are not what this guards against. Raises
    `Refused`."""
    said = request.headers.get("sec-fetch-site")
    if said is not None and said not in ("same-origin", "none"):
        raise Refused(403, "Forged", "This request did not come from the console")


def set_cookie(request: Request, name: str, value: str, path: str, seconds: int) -> str:
    """The field's value; out of reach of scripts, and of other sites."""
    secure = "; Secure" if request.peer.scheme == "https" else ""
    return f"{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"


def cookie_of(request: Request, name: str) -> str:
    """A cookie's value, or nothing."""
    for line in request.headers.all("cookie"):
        try:
            morsel = SimpleCookie(line).get(name)
        except CookieError:
            continue
        if morsel is not None:
            return morsel.value
    return ""
