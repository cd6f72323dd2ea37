"""Signing up, confirming and forgotten passwords, on the pages."""

from collections.abc import Awaitable, Callable

from torana.message import Reply
from torana.services.cognito_idp import CognitoIdp
from torana.services.cognito_idp.directory import Json
from torana.services.cognito_idp.hosted.pages import Field, Page
from torana.services.cognito_idp.hosted.visit import Visit, redirected
from torana.services.cognito_idp.schema import required
from torana.services.cognito_idp.wanted import Wanted
from torana.services.ports import Call
from torana.wire.faults import ServiceError

_KINDS = {
    "email": ("email", "email"),
    "phone_number": ("tel", "tel"),
    "birthdate": ("date", "bday"),
}
_PREFIX = "attribute."


class SignUpPages:
    """The forms and what becomes of them."""

    def __init__(self, idp: CognitoIdp) -> None:
        self._idp = idp

    async def _try(
        self,
        visit: Visit,
        client: Json,
        operation: Callable[[Call, Json], Awaitable[Json]],
        name: str,
        **params: object,
    ) -> ServiceError | None:
        """Do what the service does for the app itself."""
        given: Json = {"ClientId": client["ClientId"], "Username": name, **params}
        proof = self._idp.own.hash_of(client, name)
        if proof:
            given["SecretHash"] = proof
        try:
            await operation(visit.call(operation.__name__), given)
        except ServiceError as error:
            return error
        return None

    def ask_sign_up(self, visit: Visit, wanted: Wanted, error: str = "") -> Reply:
        """For a name, a password and what the pool wants to know."""
        form, pool = visit.form, visit.pool
        fields: list[Field] = []
        if not pool.get("UsernameAttributes"):
            value = form.get("username", "")
            fields.append(Field("username", "Username", complete="username", value=value))
        for name in _asked(pool):
            kind, complete = _KINDS.get(name, ("text", ""))
            label = name.removeprefix("custom:").replace("_", " ").capitalize()
            value = form.get(_PREFIX + name, "")
            fields.append(Field(_PREFIX + name, label, kind, complete, value))
        fields.append(Field("password", "Password", "password", "new-password"))
        page = Page(
            "Create an account",
            visit.to("/signup", wanted),
            "Create the account",
            fields,
            error=error,
            links=[(visit.to("/login", wanted), "Sign in instead")],
        )
        return visit.show(page, wanted)

    async def sign_up(self, visit: Visit, wanted: Wanted, client: Json) -> Reply:
        """Then the code that was sent is asked for."""
        form, pool = visit.form, visit.pool
        profile = {name: form[_PREFIX + name] for name in _asked(pool) if form.get(_PREFIX + name)}
        name = form.get("username", "").strip()
        if pool.get("UsernameAttributes"):
            name = profile.get(pool["UsernameAttributes"][0], "")
        error = await self._try(
            visit,
            client,
            self._idp.sign_ups.SignUp,
            name,
            Password=form.get("password", ""),
            UserAttributes=[{"Name": each, "Value": value} for each, value in profile.items()],
        )
        if error is not None and error.code != "CodeDeliveryFailureException":
            return self.ask_sign_up(visit, wanted, error.message)
        return redirected(visit.to("/confirm", wanted, username=name))

    def ask_code(self, visit: Visit, wanted: Wanted, error: str = "", says: str = "") -> Reply:
        """For the code of a sign-up."""
        name = visit.form.get("username") or visit.query.get("username", "")
        page = Page(
            "Confirm your account",
            visit.to("/confirm", wanted),
            "Confirm",
            (
                Field("username", "Username", complete="username", value=name),
                Field("code", "Code", complete="one-time-code", numeric=True),
            ),
            error=error,
            says=[says or "If your account needs it, a code was sent to you."],
            links=[(visit.to("/resendcode", wanted, username=name), "Send another code")],
        )
        return visit.show(page, wanted)

    async def confirm(self, visit: Visit, wanted: Wanted, client: Json) -> Reply:
        """Then one can sign in."""
        name = visit.form.get("username", "").strip()
        code = visit.form.get("code", "").replace(" ", "")
        operation = self._idp.sign_ups.ConfirmSignUp
        error = await self._try(visit, client, operation, name, ConfirmationCode=code)
        if error is not None:
            return self.ask_code(visit, wanted, error.message)
        return redirected(visit.to("/login", wanted))

    def ask_resend(self, visit: Visit, wanted: Wanted, error: str = "") -> Reply:
        """Whether to send another code."""
        name = visit.form.get("username") or visit.query.get("username", "")
        page = Page(
            "Send another code",
            visit.to("/resendcode", wanted),
            "Send",
            (Field("username", "Username", complete="username", value=name),),
            error=error,
        )
        return visit.show(page, wanted)

    async def resend(self, visit: Visit, wanted: Wanted, client: Json) -> Reply:
        """Another code."""
        name = visit.form.get("username", "").strip()
        operation = self._idp.sign_ups.ResendConfirmationCode
        error = await self._try(visit, client, operation, name)
        if error is not None:
            return self.ask_resend(visit, wanted, error.message)
        return redirected(visit.to("/confirm", wanted, username=name))

    def ask_forgotten(self, visit: Visit, wanted: Wanted, error: str = "") -> Reply:
        """Whose password is forgotten."""
        name = visit.form.get("username") or visit.query.get("username", "")
        page = Page(
            "Forgot your password?",
            visit.to("/forgotPassword", wanted),
            "Send me a code",
            (Field("username", "Username or email address", complete="username", value=name),),
            error=error,
            links=[(visit.to("/login", wanted), "Back to sign in")],
        )
        return visit.show(page, wanted)

    async def forgotten(self, visit: Visit, wanted: Wanted, client: Json) -> Reply:
        """A code for another password."""
        name = visit.form.get("username", "").strip()
        error = await self._try(visit, client, self._idp.sign_ups.ForgotPassword, name)
        if error is not None:
            return self.ask_forgotten(visit, wanted, error.message)
        return redirected(visit.to("/confirmForgotPassword", wanted, username=name))

    def ask_replacement(self, visit: Visit, wanted: Wanted, error: str = "") -> Reply:
        """For the code and another password."""
        name = visit.form.get("username") or visit.query.get("username", "")
        page = Page(
            "Choose another password",
            visit.to("/confirmForgotPassword", wanted),
            "Change the password",
            (
                Field("username", "Username", complete="username", value=name),
                Field("code", "Code", complete="one-time-code", numeric=True),
                Field("password", "New password", "password", "new-password"),
            ),
            error=error,
            says=["A code was sent to you."],
        )
        return visit.show(page, wanted)

    async def replace(self, visit: Visit, wanted: Wanted, client: Json) -> Reply:
        """Then one can sign in."""
        form = visit.form
        error = await self._try(
            visit,
            client,
            self._idp.sign_ups.ConfirmForgotPassword,
            form.get("username", "").strip(),
            ConfirmationCode=form.get("code", "").replace(" ", ""),
            Password=form.get("password", ""),
        )
        if error is not None:
            return self.ask_replacement(visit, wanted, error.message)
        return redirected(visit.to("/login", wanted))


def _asked(pool: Json) -> list[str]:
    """The attributes that somebody new is asked for."""
    names = [*(pool.get("UsernameAttributes") or ())[:1], *pool.get("AutoVerifiedAttributes", ())]
    return list(dict.fromkeys([*names, *required(pool["SchemaByName"])]))
