"""Codes and the messages that carry them.

Source: Cognito Developer Guide, "Customizing verification, invitation and MFA messages" and
"Verification code delivery".
"""

import logging
import secrets

from torana.auth import keys
from torana.services.cognito_idp.directory import Directory, Json, now
from torana.services.cognito_idp.faults import invalid, old_code, too_many_attempts, wrong_code
from torana.services.cognito_idp.triggers import Asking, Triggers
from torana.services.outlets import Message, Outlet, Undelivered
from torana.wire.faults import ServiceError

_log = logging.getLogger("torana.services")

_HOUR = 3600.0
LASTS = {
    "confirm": 24 * _HOUR,
    "reset": _HOUR,
    "email": 24 * _HOUR,
    "phone_number": 24 * _HOUR,
}
"""Seconds that a code is good, by what it is for."""
_TRIES = 5
"""Wrong ones, until another must be asked for."""
_SENT = 5
"""Messages in an hour, of one user and kind."""
_CODE, _NAME = "{####}", "{username}"
_MEDIUM = {"email": "EMAIL", "phone_number": "SMS"}


def new_code() -> str:
    """Six digits."""
    return f"{secrets.randbelow(1_000_000):06}"


def put_code(directory: Directory, user: Json, purpose: str) -> str:
    """Give a user a code, to be sent once the user is kept. Raises the service's error when too
    many were asked for."""
    note_sent(user, purpose, _SENT)
    code = new_code()
    user["codes"][purpose] |= {"until": now() + LASTS[purpose], "tries": 0}
    directory.close(user, f"code:{purpose}", code)
    return code


def note_sent(user: Json, purpose: str, most: int) -> None:
    """Another message; the user is to be kept. Raises the service's error for more than `most` in
    an hour."""
    codes = user.setdefault("codes", {})
    sent = [each for each in codes.get(purpose, {}).get("sent", ()) if now() - each < _HOUR]
    if len(sent) >= most:
        raise too_many_attempts()
    codes.setdefault(purpose, {})["sent"] = [*sent, now()]


def try_code(directory: Directory, user: Json, purpose: str, given: str) -> ServiceError | None:
    """Why a code is not taken, or None. The user must be kept either way, so that every attempt
    counts."""
    known = user.get("codes", {}).get(purpose)
    if known is None or f"code:{purpose}" not in user.get("sealed", {}):
        return old_code()
    if known["tries"] >= _TRIES:
        return too_many_attempts()
    known["tries"] += 1
    if not keys.same(given, directory.opened(user, f"code:{purpose}")):
        return wrong_code()
    if known["until"] <= now():
        return old_code()
    return None


def drop_code(user: Json, purpose: str) -> None:
    """A code is good no more."""
    user.get("sealed", {}).pop(f"code:{purpose}", None)


def destination(attribute: str, value: str) -> Json:
    """Where a message went, for who may not know it whole."""
    if attribute == "email":
        name, _, host = value.partition("@")
        masked = f"{name[:1]}***@{host[:1]}***"
    else:
        masked = "+" + "*" * max(0, len(value) - 5) + value[-4:]
    return {
        "Destination": masked,
        "DeliveryMedium": _MEDIUM[attribute],
        "AttributeName": attribute,
    }


def to_confirm(pool: Json, user: Json) -> str | None:
    """The attribute that a new user's code goes to: a telephone before an address."""
    wanted = pool.get("AutoVerifiedAttributes", ())
    for attribute in ("phone_number", "email"):
        if attribute in wanted and user["profile"].get(attribute):
            return attribute
    return None


def to_recover(pool: Json, user: Json) -> str:
    """The attribute that a code for another password goes to. Raises the service's error."""
    ways = sorted(
        pool["AccountRecoverySetting"]["RecoveryMechanisms"], key=lambda each: each["Priority"]
    )
    for way in ways:
        attribute = way["Name"].removeprefix("verified_")
        if way["Name"] == "admin_only":
            raise ServiceError("NotAuthorizedException", "Contact administrator to reset password.")
        if user["profile"].get(f"{attribute}_verified") == "true":
            return attribute
    raise invalid(
        "Cannot reset password for the user as there is no registered/verified email or "
        "phone_number"
    )


class Messages:
    """Writes and sends them."""

    def __init__(self, outlet: Outlet, triggers: Triggers) -> None:
        self._outlet, self._triggers = outlet, triggers

    async def send(
        self, asking: Asking, user: Json, attribute: str, source: str, code: str
    ) -> Json:
        """Send a code, or a temporary password, to an attribute's value. Where it went.

        Raises the service's error when it was not delivered.
        """
        subject, mail, sms = _template(asking.pool, source)
        if self._triggers.has(asking.pool, "CustomMessage"):
            request: Json = {
                "userAttributes": {**user["profile"], "cognito:user_status": user["status"]},
                "codeParameter": _CODE,
                "usernameParameter": _NAME,
                "clientMetadata": dict(asking.metadata),
            }
            answer = {"smsMessage": None, "emailMessage": None, "emailSubject": None}
            said = await self._triggers.ask(
                asking, "CustomMessage", source, user["username"], request, answer
            )
            subject = said.get("emailSubject") or subject
            mail, sms = said.get("emailMessage") or mail, said.get("smsMessage") or sms
        where = user["profile"][attribute]
        if attribute == "email":
            message = Message("EMAIL", where, _filled(subject, user, ""), _filled(mail, user, code))
        else:
            message = Message("SMS", where, "", _filled(sms, user, code))
        try:
            await self._outlet.send(message)
        except Undelivered as error:
            _log.error("a message of %s was not delivered: %s", asking.pool["Id"], error)
            raise ServiceError(
                "CodeDeliveryFailureException", "The message could not be delivered."
            ) from error
        return destination(attribute, where)


def _filled(text: str, user: Json, code: str) -> str:
    return text.replace(_NAME, user["username"]).replace(_CODE, code)


def _template(pool: Json, source: str) -> tuple[str, str, str]:
    """Subject, mail and short message."""
    if source == "CustomMessage_AdminCreateUser":
        own = pool["AdminCreateUserConfig"].get("InviteMessageTemplate", {})
        text = "Your username is {username} and temporary password is {####}."
        return (
            own.get("EmailSubject", "Your temporary password"),
            own.get("EmailMessage", text),
            own.get("SMSMessage", text),
        )
    if source == "CustomMessage_Authentication":
        text = "Your authentication code is {####}."
        mfa = pool["mfa"].get("EmailMfaConfiguration", {})
        sms = pool["mfa"].get("SmsMfaConfiguration", {}).get("SmsAuthenticationMessage")
        return (
            mfa.get("Subject", "Your authentication code"),
            mfa.get("Message", text),
            sms or pool.get("SmsAuthenticationMessage", text),
        )
    own = pool["VerificationMessageTemplate"]
    text = "Your verification code is {####}."
    return (
        own.get("EmailSubject") or pool.get("EmailVerificationSubject", "Your verification code"),
        own.get("EmailMessage") or pool.get("EmailVerificationMessage", text),
        own.get("SmsMessage") or pool.get("SmsVerificationMessage", text),
    )
