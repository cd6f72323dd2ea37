"""Signing in on the pages: the password, what is asked for after it, and back to the app."""

from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from torana.message import Reply
from torana.services.cognito_idp import CognitoIdp
from torana.services.cognito_idp.codes import Codes
from torana.services.cognito_idp.directory import Json, now
from torana.services.cognito_idp.hosted.pages import Choice, Field, Page
from torana.services.cognito_idp.hosted.visit import Visit, redirected
from torana.services.cognito_idp.pool_settings import sign_in_names
from torana.services.cognito_idp.steps import Step
from torana.services.cognito_idp.triggers import Asking
from torana.services.cognito_idp.wanted import Wanted
from torana.wire.faults import ServiceError

_NAMES = {
    "username": "Username",
    "email": "Email address",
    "phone_number": "Phone number",
    "preferred_username": "Username",
}
_FACTORS = {
    "SOFTWARE_TOKEN_MFA": "A code of my authenticator app",
    "SMS_MFA": "A code by text message",
    "EMAIL_OTP": "A code by email",
}
_CODES = {
    "SOFTWARE_TOKEN_MFA": "SOFTWARE_TOKEN_MFA_CODE",
    "SMS_MFA": "SMS_MFA_CODE",
    "EMAIL_OTP": "EMAIL_OTP_CODE",
}
_ASKED = frozenset({*_CODES, "SELECT_MFA_TYPE", "NEW_PASSWORD_REQUIRED", "MFA_SETUP"})
"""What the pages ask for after a password."""
_KEPT_BETWEEN = ("_session", "_name", "_challenge")


class SignInPages:
    """The steps."""

    def __init__(self, idp: CognitoIdp, codes: Codes) -> None:
        self._idp, self._codes = idp, codes

    def ask(self, visit: Visit, wanted: Wanted, error: str = "", name: str = "") -> Reply:
        """For a name and a password."""
        names = [_NAMES[each] for each in sign_in_names(visit.pool)]
        label = " or ".join(dict.fromkeys(names)).capitalize()
        links = [(visit.to("/forgotPassword", wanted), "Forgot your password?")]
        if not visit.pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"]:
            links.append((visit.to("/signup", wanted), "Create an account"))
        page = Page(
            "Sign in",
            visit.to("/login", wanted),
            "Sign in",
            (
                Field("username", label, complete="username", value=name),
                Field("password", "Password", "password", "current-password"),
            ),
            error=error,
            links=links,
        )
        return visit.show(page, wanted)

    async def take(self, visit: Visit, wanted: Wanted, client: Json) -> Reply:
        """A form that was sent: the password, or an answer to what was asked after it."""
        form = visit.form
        name = form.get("_name") or form.get("username", "").strip()
        challenge = form.get("_challenge", "")
        if challenge not in ("", *_ASKED):
            return self.ask(visit, wanted)
        try:
            if challenge:
                given = _answers(challenge, form)
                answer = await self._answer(visit, client, name, challenge, given)
            else:
                given = {"PASSWORD": form.get("password", "")}
                step = self._step(visit, client, name, given)
                answer = await self._idp.sign_in.by_password(step)
        except ServiceError as error:
            reply = self._again(visit, wanted, name, challenge, error)
            reply.denied = f"{error.code}: {error.message}"
            return reply
        return await self._on(visit, wanted, name, answer)

    def _step(
        self, visit: Visit, client: Json, name: str, given: Mapping[str, str], session: str = ""
    ) -> Step:
        asking = Asking(visit.call("HostedSignIn"), visit.pool, client["ClientId"], {})
        proof = self._idp.own.hash_of(client, name)
        known = {**given, "USERNAME": name, "SECRET_HASH": proof}
        return Step(asking, client, known, session, hosted=True)

    async def _answer(
        self, visit: Visit, client: Json, name: str, challenge: str, given: Mapping[str, str]
    ) -> Json:
        session = visit.form.get("_session", "")
        if challenge == "MFA_SETUP":
            params = {"Session": session, "UserCode": given.get("CODE", "")}
            call = visit.call("VerifySoftwareToken")
            session = (await self._idp.mfa.VerifySoftwareToken(call, params))["Session"]
        step = self._step(visit, client, name, given, session)
        return await self._idp.authentication.answer(step, challenge)

    async def _on(self, visit: Visit, wanted: Wanted, name: str, answer: Json) -> Reply:
        """To the app, or to the next question."""
        if "User" in answer:
            return await self.let_in(visit, wanted, answer["User"], now(), fresh=True)
        return await self._question(visit, wanted, name, answer)

    async def let_in(
        self, visit: Visit, wanted: Wanted, user: Json, at: float, *, fresh: bool = False
    ) -> Reply:
        """Back to the app with a code."""
        call = visit.call("Authorize")
        code = await self._codes.give(call, visit.pool, wanted, user, at)
        reply = redirected(wanted.back(code=code))
        if fresh:
            visit.cookies.sign_in(visit.request, reply, user, at)
        return reply

    def _again(
        self, visit: Visit, wanted: Wanted, name: str, challenge: str, error: ServiceError
    ) -> Reply:
        """The same question with what went wrong, or the first one when there is no going on."""
        if error.code == "UserNotConfirmedException":
            return redirected(visit.to("/confirm", wanted, username=name))
        if error.code == "PasswordResetRequiredException":
            return redirected(visit.to("/forgotPassword", wanted, username=name))
        if error.status == 500 or error.code == "InternalErrorException":
            raise error
        over = error.code in ("NotAuthorizedException", "ExpiredCodeException")
        if not challenge or over:
            return self.ask(visit, wanted, error.message, name)
        hidden = {each: visit.form.get(each, "") for each in _KEPT_BETWEEN}
        return self._form(visit, wanted, challenge, hidden, error.message)

    async def _question(self, visit: Visit, wanted: Wanted, name: str, answer: Json) -> Reply:
        challenge, parameters = answer["ChallengeName"], answer["ChallengeParameters"]
        hidden = {"_session": answer["Session"], "_name": name, "_challenge": challenge}
        if challenge == "MFA_SETUP":
            call, params = visit.call("AssociateSoftwareToken"), {"Session": answer["Session"]}
            made = await self._idp.mfa.AssociateSoftwareToken(call, params)
            hidden |= {"_session": made["Session"], "_secret": made["SecretCode"]}
        if challenge == "SELECT_MFA_TYPE":
            hidden["_options"] = parameters["MFAS_CAN_CHOOSE"]
        if challenge == "NEW_PASSWORD_REQUIRED":
            hidden["_required"] = parameters["requiredAttributes"]
        return self._form(visit, wanted, challenge, hidden, "", parameters)

    def _form(
        self,
        visit: Visit,
        wanted: Wanted,
        challenge: str,
        hidden: Mapping[str, str],
        error: str,
        parameters: Mapping[str, str] = {},
    ) -> Reply:
        hidden = {**{each: visit.form[each] for each in _OWN if each in visit.form}, **hidden}
        fields: list[Field | Choice] = []
        says: list[str] = []
        shows: dict[str, str] = {}
        title = "Enter the code"
        if challenge == "NEW_PASSWORD_REQUIRED":
            title = "Choose a password"
            fields.append(Field("new_password", "New password", "password", "new-password"))
            fields += [
                Field(each, each.removeprefix("userAttributes.").replace("_", " ").capitalize())
                for each in _list(hidden.get("_required", ""))
            ]
        elif challenge == "SELECT_MFA_TYPE":
            title = "How do you want to go on?"
            options = [
                (each, _FACTORS.get(each, each)) for each in _list(hidden.get("_options", ""))
            ]
            fields.append(Choice("answer", "Send or read a code", options))
        else:
            fields.append(Field("code", "Code", complete="one-time-code", numeric=True))
            if challenge == "MFA_SETUP":
                title, secret = "Set up your authenticator app", hidden.get("_secret", "")
                says.append("Add this key to your authenticator app, then enter the code it shows.")
                label = quote(f"{visit.pool['Name']}:{hidden.get('_name', '')}")
                shows = {"Key": secret, "Address": f"otpauth://totp/{label}?secret={secret}"}
            elif challenge == "SOFTWARE_TOKEN_MFA":
                says.append("Your authenticator app shows it.")
            elif "CODE_DELIVERY_DESTINATION" in parameters:
                says.append(f"We sent it to {parameters['CODE_DELIVERY_DESTINATION']}.")
        page = Page(title, visit.to("/login", wanted), "Go on", fields, hidden, error, says, shows)
        return visit.show(page, wanted)


_OWN = ("_secret", "_options", "_required")
"""What a question needs when it is asked again; a person may change it, and gains nothing."""


def _answers(challenge: str, form: Mapping[str, str]) -> dict[str, str]:
    """The responses that a form holds."""
    if challenge in _CODES:
        return {_CODES[challenge]: form.get("code", "").replace(" ", "")}
    if challenge == "NEW_PASSWORD_REQUIRED":
        given = {name: value for name, value in form.items() if name.startswith("userAttributes.")}
        return {**given, "NEW_PASSWORD": form.get("new_password", "")}
    if challenge == "MFA_SETUP":
        return {"CODE": form.get("code", "").replace(" ", "")}
    return {"ANSWER": form.get("answer", "")}


def _list(text: str) -> list[str]:
    try:
        return msgspec.json.decode(text, type=list[str])
    except msgspec.MsgspecError:
        return []
