"""Developers sign up and in, at the user pool that their portal names.

The pool does all the judging; a browser that it let in gets a session like the console's.
"""

import base64
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from torana.auth.keys import same
from torana.console.browser import Patience, cookie_of, same_site, set_cookie
from torana.console.refused import Refused, as_json, body_of
from torana.console.sessions import LONGEST, Sessions, csrf_of
from torana.message import Headers, Reply, Request, read
from torana.portal.shelf import Published
from torana.services.apigateway.book import Json
from torana.services.cognito_idp.directory import USER
from torana.services.documents import keep
from torana.services.portal.records import ACCOUNT, Account
from torana.state.store import Store

Api = Callable[[Request, str], Awaitable[Reply]]
"""An operation of a service that nobody signs."""

_FORM = 16 * 1024
_REPLY = 256 * 1024
_TARGET = "AWSCognitoIdentityProviderService."
_ANSWERS = {
    "SMS_MFA": "SMS_MFA_CODE",
    "SOFTWARE_TOKEN_MFA": "SOFTWARE_TOKEN_MFA_CODE",
    "EMAIL_OTP": "EMAIL_OTP_CODE",
    "NEW_PASSWORD_REQUIRED": "NEW_PASSWORD",
}
"""Challenges of a pool that the page can put, and the name of the one answer to each."""


class Holder(Struct, frozen=True):
    """Whose a session is."""

    portal: str
    pool: str
    username: str
    account: Account


class Developer(Struct, frozen=True):
    """Who is signed in."""

    account: Account
    pool: str
    csrf: str


class People:
    """The forms, and the sessions."""

    def __init__(self, store: Store, api: Api) -> None:
        self._store, self._api = store, api
        self._sessions = Sessions(store, kind="portal-session")
        # Many developers share an address; the pool itself sees to guesses at one of them.
        self._patience = Patience(60, 1.0)

    async def sign_up(self, published: Published, request: Request) -> Reply:
        """`{email, password, name?}`. Raises `Refused`, as all here."""
        given, client = await self._form(published, request)
        attributes = [{"Name": "email", "Value": given["email"]}]
        if given.get("name"):
            attributes.append({"Name": "name", "Value": given["name"]})
        done = await self._ask(
            "SignUp",
            ClientId=client,
            Username=given["email"],
            Password=given.get("password", ""),
            UserAttributes=attributes,
        )
        return as_json(
            {
                "confirmed": bool(done.get("UserConfirmed")),
                "sentTo": done.get("CodeDeliveryDetails", {}).get("Destination"),
            }
        )

    async def confirm(self, published: Published, request: Request) -> Reply:
        """`{email, code}`."""
        given, client = await self._form(published, request)
        await self._ask(
            "ConfirmSignUp",
            ClientId=client,
            Username=given["email"],
            ConfirmationCode=given.get("code", ""),
        )
        return as_json({})

    async def resend(self, published: Published, request: Request) -> Reply:
        """`{email}`: another code."""
        given, client = await self._form(published, request)
        await self._ask("ResendConfirmationCode", ClientId=client, Username=given["email"])
        return as_json({})

    async def forgot(self, published: Published, request: Request) -> Reply:
        """`{email}`: a code for another password."""
        given, client = await self._form(published, request)
        await self._ask("ForgotPassword", ClientId=client, Username=given["email"])
        return as_json({})

    async def reset(self, published: Published, request: Request) -> Reply:
        """`{email, code, password}`."""
        given, client = await self._form(published, request)
        await self._ask(
            "ConfirmForgotPassword",
            ClientId=client,
            Username=given["email"],
            ConfirmationCode=given.get("code", ""),
            Password=given.get("password", ""),
        )
        return as_json({})

    async def sign_in(self, published: Published, base: str, request: Request) -> Reply:
        """`{email, password}`, or the answer to what the pool asked then: `{email, challenge,
        session, answer}`."""
        given, client = await self._form(published, request)
        challenge = given.get("challenge")
        if challenge is None:
            done = await self._ask(
                "InitiateAuth",
                ClientId=client,
                AuthFlow="USER_PASSWORD_AUTH",
                AuthParameters={
                    "USERNAME": given["email"],
                    "PASSWORD": given.get("password", ""),
                },
            )
        else:
            if challenge not in _ANSWERS:
                raise _unknown(challenge)
            done = await self._ask(
                "RespondToAuthChallenge",
                ClientId=client,
                ChallengeName=challenge,
                Session=given.get("session", ""),
                ChallengeResponses={
                    "USERNAME": given["email"],
                    _ANSWERS[challenge]: given.get("answer", ""),
                },
            )
        if "AuthenticationResult" not in done:
            if done.get("ChallengeName") not in _ANSWERS:
                raise _unknown(str(done.get("ChallengeName")))
            asked = {"challenge": done["ChallengeName"], "session": done["Session"]}
            return as_json(asked)
        return await self._let_in(published, base, request, done["AuthenticationResult"])

    async def sign_out(self, published: Published, base: str, request: Request) -> Reply:
        """Ends the session."""
        await self.enter(published, request)
        await self._sessions.close(cookie_of(request, _cookie_name(published, request)))
        reply = as_json({})
        name = _cookie_name(published, request)
        reply.headers.add("Set-Cookie", set_cookie(request, name, "", base or "/", 0))
        return reply

    async def known(self, published: Published, request: Request) -> Developer | None:
        """Who is signed in, or nobody. All but reading wants the page's own proof."""
        same_site(request)
        secret = cookie_of(request, _cookie_name(published, request))
        session = await self._sessions.find(secret) if secret else None
        if session is None:
            return None
        holder = msgspec.json.decode(session.holder, type=Holder)
        if holder.portal != published.id or not await self._goes_on(published, holder):
            return None
        csrf = csrf_of(secret)
        if request.method != "GET" and not same(request.headers.get("x-torana-csrf") or "", csrf):
            raise Refused(403, "Forged", "This request did not come from the portal")
        return Developer(holder.account, holder.pool, csrf)

    async def enter(self, published: Published, request: Request) -> Developer:
        """Who is signed in."""
        found = await self.known(published, request)
        if found is None:
            raise Refused(401, "SignedOut", "Sign in to go on")
        return found

    async def _goes_on(self, published: Published, holder: Holder) -> bool:
        """Whether the pool still has the developer, and the portal the pool."""
        client = published.client()
        if client is None or client[0] != holder.pool:
            return False
        # The pool's own document: asking the service would need a token that is kept somewhere.
        names = (holder.username, holder.username.lower())
        for name in dict.fromkeys(names):
            kept = await self._store.get(
                USER, f"{quote(holder.pool, safe='')}/{quote(name, safe='')}"
            )
            if kept is not None:
                user: Json = msgspec.json.decode(kept.body)
                return bool(user["enabled"]) and user["sub"] == holder.account.id
        return False

    async def _let_in(
        self, published: Published, base: str, request: Request, tokens: Json
    ) -> Reply:
        # Straight from the pool, in this process: its signature says nothing more.
        payload = tokens["IdToken"].split(".")[1]
        claims: Json = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=="))
        account = Account(
            claims["sub"],
            str(claims.get("email") or claims["cognito:username"]),
            str(claims.get("name") or ""),
            bool(claims.get("email_verified")),
        )
        await keep(self._store, ACCOUNT, account.id, msgspec.json.encode(account))
        client = published.client()
        assert client is not None
        holder = Holder(published.id, client[0], claims["cognito:username"], account)
        opened = await self._sessions.open(msgspec.json.encode(holder).decode())
        reply = as_json({"csrf": csrf_of(opened)})
        name = _cookie_name(published, request)
        cookie = set_cookie(request, name, opened, base or "/", int(LONGEST))
        reply.headers.add("Set-Cookie", cookie)
        return reply

    async def _form(self, published: Published, request: Request) -> tuple[dict[str, str], str]:
        """What was filled in, and the pool's client."""
        same_site(request)
        self._patience.take(request)
        client = published.client()
        if client is None:
            raise Refused(404, "NoSignIn", "Nobody signs in to this portal")
        given = {name: str(value) for name, value in (await body_of(request, _FORM)).items()}
        given["email"] = given.get("email", "").strip()
        return given, client[1]

    async def _ask(self, operation: str, **params: Any) -> Json:
        """An operation of the pool's API. Raises `Refused` with its error."""
        fields = [
            ("X-Amz-Target", _TARGET + operation),
            ("Content-Type", "application/x-amz-json-1.1"),
        ]
        request = Request("POST", "/", Headers(fields), msgspec.json.encode(params))
        reply = await self._api(request, "cognito-idp")
        body = await read(reply.body, _REPLY)
        done: Json = msgspec.json.decode(body) if body else {}
        if reply.status >= 300:
            code = str(done.get("__type") or "Unknown").rpartition("#")[2]
            message = str(done.get("message") or done.get("Message") or code)
            raise Refused(400 if reply.status < 500 else reply.status, code, message)
        return done


def _cookie_name(published: Published, request: Request) -> str:
    """Cookies know no ports: two gateways of one host go by different names."""
    return f"torana-portal-{published.id}-{request.peer.local_port}"


def _unknown(challenge: str) -> Refused:
    return Refused(400, "UnknownChallenge", f"The portal cannot put the pool's {challenge}")
