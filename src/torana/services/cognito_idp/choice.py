"""Sign-ins whose first factor is chosen: a password, SRP, or a code of a message.

Source: Cognito Developer Guide, "Choice-based sign-in" (`USER_AUTH`).
"""

from torana.services.apigateway.book import Sheet
from torana.services.cognito_idp.challenges import Challenge, Challenges
from torana.services.cognito_idp.directory import Directory, Json
from torana.services.cognito_idp.faults import invalid
from torana.services.cognito_idp.messages import Messages, destination, new_code, note_sent
from torana.services.cognito_idp.second_factors import usable
from torana.services.cognito_idp.steps import Step

CODES = {"EMAIL_OTP": "email", "SMS_OTP": "phone_number"}
"""First factors that are codes in messages, and where those go."""
PASSWORDS = {"PASSWORD": "PASSWORD", "PASSWORD_SRP": "SRP_A"}
"""Those that are passwords, and what a client sends of them."""
_AN_HOUR = 20
"""Messages."""


class Choice:
    """Offers what a user may begin with."""

    def __init__(self, directory: Directory, challenges: Challenges, messages: Messages) -> None:
        self._directory, self._challenges, self._messages = directory, challenges, messages

    def open(self, pool: Json, user: Json | None) -> list[str]:
        """What there is for a user, or seems to be for one that there is not."""
        allowed = pool["Policies"]["SignInPolicy"]["AllowedFirstAuthFactors"]
        found = list(PASSWORDS)
        # Who has a second factor needs a password before it; so does everybody where one is forced,
        # and who still has to replace a temporary one.
        if pool["mfa"]["MfaConfiguration"] == "ON":
            return found
        if user is not None and (usable(pool, user) or user["status"] == "FORCE_CHANGE_PASSWORD"):
            return found
        for factor, attribute in CODES.items():
            verified = user is None or user["profile"].get(f"{attribute}_verified") == "true"
            if factor in allowed and verified:
                found.append(factor)
        return found

    def offer(self, step: Step, user: Json | None, name: str) -> Json:
        """Everything that there is to choose from."""
        return {
            **self._asked(step, "SELECT_CHALLENGE", user, name),
            "AvailableChallenges": self.open(step.asking.pool, user),
        }

    def ask_password(self, step: Step, user: Json | None, name: str, factor: str) -> Json:
        """For a password, in one of its forms."""
        return self._asked(step, factor, user, name)

    def _asked(self, step: Step, factor: str, user: Json | None, name: str, **data: str) -> Json:
        pool, client = step.asking.pool, step.client
        session = self._challenges.close(factor, pool, client, user, name, **data)
        return {"ChallengeName": factor, "Session": session, "ChallengeParameters": {}}

    def chosen(self, step: Step, name: str) -> Challenge:
        """The challenge that a client answers. Raises the service's error."""
        return self._challenges.open(step.session, step.asking.pool, step.client, name)

    async def send(self, step: Step, user: Json | None, name: str, factor: str) -> Json:
        """A code; to nobody, for users that there are not. Raises the service's error."""
        attribute, code, pool = CODES[factor], new_code(), step.asking.pool
        if user is None:
            told = destination(attribute, name)
        else:

            async def work(sheet: Sheet) -> None:
                fresh = await self._directory.user(sheet, pool, user["username"])
                note_sent(fresh, "signIn", _AN_HOUR)
                self._directory.put_user(sheet, pool, fresh)

            await self._directory.book.edit(step.asking.call, work)
            source = "CustomMessage_Authentication"
            told = await self._messages.send(step.asking, user, attribute, source, code)
        answer = self._asked(step, factor, user, name, code=code)
        answer["ChallengeParameters"] = {
            "CODE_DELIVERY_DELIVERY_MEDIUM": told["DeliveryMedium"],
            "CODE_DELIVERY_DESTINATION": told["Destination"],
        }
        return answer


def needed(step: Step, factor: str) -> bool:
    """Whether a client has sent what a password's form needs. Raises the service's error for a
    factor that there is not."""
    if factor not in PASSWORDS:
        raise invalid(f"{factor} is none of the challenges to choose from")
    return PASSWORDS[factor] in step.given
