"""What an app asks the pages for: the authorization request, checked.

Whatever is wrong with the client or the address that leads back is told to the person, never
redirected; the rest is told to the app.
Source: RFC 6749, 4.1; RFC 7636; OpenID Connect Core 1.0, 3.1; Cognito's "Authorize endpoint".
"""

import re
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from msgspec import Struct

from torana.services.cognito_idp.directory import Json

Query = Mapping[str, str]
KEPT = (
    "client_id",
    "response_type",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
)
"""Parameters that go along from page to page."""
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43,128}")
_LONGEST = 2048


class Wanted(Struct, frozen=True):
    """An authorization request that may be answered."""

    client: str
    redirect: str
    scopes: tuple[str, ...]
    query: dict[str, str]
    """As it came, of `KEPT`."""
    state: str = ""
    nonce: str | None = None
    challenge: str = ""

    def back(self, **answer: str) -> str:
        """The address that leads back to the app."""
        return back(self.redirect, self.state, **answer)


class Unfit(Exception):
    """A request that is told to the person alone."""


class Returned(Exception):
    """A request that the app is told about. `to` leads there."""

    def __init__(self, to: str) -> None:
        super().__init__(to)
        self.to = to


def back(redirect: str, state: str, **answer: str) -> str:
    """An app's address with an answer."""
    given = {**answer, **({"state": state} if state else {})}
    return redirect + ("&" if "?" in redirect else "?") + urlencode(given)


def redirect_of(client: Json, query: Query) -> str:
    """Where an app has its answer sent: an address that it has registered, to the letter. Raises
    `Unfit`."""
    allowed: list[str] = client.get("CallbackURLs") or []
    asked = query.get("redirect_uri") or client.get("DefaultRedirectURI") or ""
    if asked not in allowed:
        raise Unfit("The address to go back to is not one of the app's.")
    return asked


def wanted(client: Json, query: Query) -> Wanted:
    """Raises `Unfit` and `Returned`."""
    redirect = redirect_of(client, query)
    state = query.get("state", "")
    if any(len(each) > _LONGEST for each in query.values()):
        raise Unfit("The request is too long.")

    def refuse(error: str, why: str) -> Returned:
        return Returned(back(redirect, state, error=error, error_description=why))

    if "code" not in client.get("AllowedOAuthFlows", ()):
        raise refuse("unauthorized_client", "the client may not use the code flow")
    if query.get("response_type") != "code":
        raise refuse("unsupported_response_type", "response_type must be code")
    allowed: list[str] = client.get("AllowedOAuthScopes") or []
    scopes = tuple(dict.fromkeys(query.get("scope", "").split())) or tuple(allowed)
    if not set(scopes) <= set(allowed):
        raise refuse("invalid_scope", "a scope is not one of the client's")
    challenge = query.get("code_challenge", "")
    if challenge:
        if query.get("code_challenge_method") != "S256":
            raise refuse("invalid_request", "code_challenge_method must be S256")
        if not _CHALLENGE.fullmatch(challenge):
            raise refuse("invalid_request", "code_challenge is malformed")
    return Wanted(
        client["ClientId"],
        redirect,
        scopes,
        {name: query[name] for name in KEPT if name in query},
        state,
        query.get("nonce"),
        challenge,
    )


def origin(url: str) -> str:
    """For a Content-Security-Policy: the scheme and host of an address."""
    at = urlsplit(url)
    if at.scheme not in ("http", "https"):
        return f"{at.scheme}:"
    return f"{at.scheme}://{at.netloc}"
