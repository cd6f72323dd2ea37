"""A pool's pages: which path leads where.

Source: Cognito Developer Guide, "User pool endpoints and managed login reference".
"""

from collections.abc import Awaitable, Callable, Mapping

from msgspec import structs

from torana.message import Reply
from torana.services.apigateway.book import Sheet
from torana.services.cognito_idp import CognitoIdp
from torana.services.cognito_idp.codes import Codes
from torana.services.cognito_idp.directory import Json
from torana.services.cognito_idp.hosted.cookies import Visitor
from torana.services.cognito_idp.hosted.origins import allowed, for_any_origin
from torana.services.cognito_idp.hosted.pages import Page
from torana.services.cognito_idp.hosted.sign_in_pages import SignInPages
from torana.services.cognito_idp.hosted.sign_up_pages import SignUpPages
from torana.services.cognito_idp.hosted.token_endpoint import TokenEndpoint
from torana.services.cognito_idp.hosted.visit import Visit, redirected
from torana.services.cognito_idp.wanted import Returned, Unfit, Wanted, wanted
from torana.services.given import items
from torana.wire.faults import ServiceError

Shown = Callable[[Visit, Wanted], Reply]
Taken = Callable[[Visit, Wanted, Json], Awaitable[Reply]]


class Site:
    """Every pool's pages."""

    def __init__(self, idp: CognitoIdp) -> None:
        self._idp = idp
        codes = Codes(idp.directory)
        self._sign_in, ups = SignInPages(idp, codes), SignUpPages(idp)
        tokens = TokenEndpoint(idp, codes)
        self._for_apps: Mapping[str, Callable[[Visit], Awaitable[Reply]]] = {
            "/oauth2/token": tokens.token,
            "/oauth2/revoke": tokens.revoke,
            "/oauth2/userInfo": tokens.user_info,
        }
        self._plain: Mapping[str, Callable[[Visit], Awaitable[Reply]]] = {
            "/oauth2/authorize": self._authorize,
            "/logout": self._logout,
        }
        self._forms: Mapping[str, tuple[Shown, Taken]] = {
            "/login": (self._sign_in.ask, self._sign_in.take),
            "/signup": (ups.ask_sign_up, ups.sign_up),
            "/confirm": (ups.ask_code, ups.confirm),
            "/resendcode": (ups.ask_resend, ups.resend),
            "/forgotPassword": (ups.ask_forgotten, ups.forgotten),
            "/confirmForgotPassword": (ups.ask_replacement, ups.replace),
        }

    async def __call__(self, visit: Visit, path: str) -> Reply:
        """The page at a path, or what becomes of its form."""
        if path in self._for_apps:
            preflight = visit.request.method == "OPTIONS"
            reply = allowed(visit.request) if preflight else await self._for_apps[path](visit)
            return for_any_origin(reply)
        try:
            if path in self._plain:
                return await self._plain[path](visit)
            if path in self._forms:
                return await self._form(visit, *self._forms[path])
        except Returned as returned:
            return redirected(returned.to)
        except Unfit as unfit:
            return visit.show(Page("This does not work", error=str(unfit)), status=400)
        except ServiceError as error:
            text = "Something went wrong on our side. Please try again."
            shown = error.message if error.status != 500 else text
            return visit.show(Page("This does not work", error=shown), status=error.status or 400)
        return visit.show(Page("There is no such page"), status=404)

    async def _client(self, visit: Visit) -> Json:
        """Raises `Unfit`."""
        id = visit.query.get("client_id", "")

        async def find(sheet: Sheet) -> Json:
            return await self._idp.directory.client(sheet, visit.pool["Id"], id)

        try:
            client = await self._idp.directory.book.read(find)
        except ServiceError:
            raise Unfit("There is no such app here.") from None
        if not client.get("AllowedOAuthFlowsUserPoolClient"):
            raise Unfit("This app does not sign in with these pages.")
        return client

    async def _form(self, visit: Visit, shown: Shown, taken: Taken) -> Reply:
        client = await self._client(visit)
        asked = wanted(client, visit.query)
        if visit.request.method in ("GET", "HEAD"):
            return shown(visit, asked)
        if visit.request.method != "POST":
            raise ServiceError("MethodNotAllowed", "Only GET and POST are allowed.", status=405)
        if not visit.cookies.is_ours(visit.request, visit.form.get("_csrf", "")):
            # Nothing of the form is used: it may have been sent by another site.
            return shown(structs.replace(visit, form={}), asked)
        return await taken(visit, asked, client)

    async def _authorize(self, visit: Visit) -> Reply:
        """Straight back to the app where somebody is signed in, else to the page for that."""
        client = await self._client(visit)
        asked = wanted(client, visit.query)
        prompt = visit.query.get("prompt", "").split()
        visitor = visit.cookies.visitor(visit.request)
        if visitor is not None and "login" not in prompt:
            user = await self._idp.directory.book.read(
                lambda sheet: self._idp.directory.find_user(sheet, visit.pool, visitor.username)
            )
            if user is not None and _goes_on(user, visitor):
                return await self._sign_in.let_in(visit, asked, user, visitor.auth_time)
        if "none" in prompt:
            raise Returned(asked.back(error="login_required"))
        return redirected(visit.to("/login", asked))

    async def _logout(self, visit: Visit) -> Reply:
        """Then to where the app has said that one may go, or to sign in again."""
        client = await self._client(visit)
        to = visit.query.get("logout_uri")
        if to is None:
            asked = wanted(client, visit.query)
            reply = redirected(visit.to("/login", asked))
        elif to in items(client, "LogoutURLs"):
            reply = redirected(to)
        else:
            raise Unfit("The address to go to is not one of the app's.")
        visit.cookies.sign_out(visit.request, reply)
        return reply


def _goes_on(user: Json, visitor: Visitor) -> bool:
    """Whether who has signed in is signed in still: not after another password."""
    ended = max(user.get("signedOut", 0.0), user.get("passwordSince", 0.0))
    return user["enabled"] and user["sub"] == visitor.sub and ended < visitor.auth_time
