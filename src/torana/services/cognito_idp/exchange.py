"""The two halves of a sign-in by SRP, over what clients send and keep.

Source: Cognito user pools API Reference, `USER_SRP_AUTH` and `PASSWORD_VERIFIER`.
"""

import base64
import re

from torana.auth import keys, srp
from torana.auth.srp import Offer
from torana.services.cognito_idp.challenges import Challenge, Challenges
from torana.services.cognito_idp.directory import Json, short
from torana.services.cognito_idp.faults import invalid
from torana.services.cognito_idp.passwords import Passwords
from torana.services.cognito_idp.steps import Step

_TIMESTAMP = re.compile(r"\w{3} \w{3} \d{1,2} \d\d:\d\d:\d\d UTC \d{4}")
_NEEDED = ("PASSWORD_CLAIM_SIGNATURE", "PASSWORD_CLAIM_SECRET_BLOCK", "TIMESTAMP")


class Exchange:
    """Keeps nothing: the first half is sealed into the client's secret block."""

    def __init__(self, words: Passwords, challenges: Challenges) -> None:
        self._words, self._challenges = words, challenges

    def offer(self, step: Step, user: Json | None, name: str, **data: object) -> Json:
        """Raises the service's error for an `SRP_A` that is none."""
        pool, client = step.asking.pool, step.client
        try:
            a = srp.public_value(step.given.get("SRP_A", ""))
        except ValueError:
            raise invalid("Missing or invalid parameter SRP_A") from None
        id = user["username"] if user else self._words.stranger(pool, name)
        kept = self._words.verifier(pool, user, id)
        made = srp.offer(kept)
        exchange = {"a": f"{a:x}", "secret": made.secret, "public": made.public, "id": id}
        if user is None:
            # No proof fits: the value was made of no password.
            exchange |= {"salt": kept.salt, "value": kept.value}
        block = self._challenges.close(
            "PASSWORD_VERIFIER", pool, client, user, name, **exchange, **data
        )
        return {
            "ChallengeName": "PASSWORD_VERIFIER",
            "ChallengeParameters": {
                "SALT": kept.salt,
                "SECRET_BLOCK": block,
                "SRP_B": made.public,
                "USERNAME": id,
                "USER_ID_FOR_SRP": id,
            },
        }

    def open(self, step: Step) -> Challenge:
        """What a client answers. Raises the service's error for what is no answer."""
        given = step.given
        for name in _NEEDED:
            if name not in given:
                raise invalid(f"Missing required parameter {name}")
        if not _TIMESTAMP.fullmatch(given["TIMESTAMP"]):
            raise invalid("TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english.")
        block = given["PASSWORD_CLAIM_SECRET_BLOCK"]
        return self._challenges.open(block, step.asking.pool, step.client, "PASSWORD_VERIFIER")

    def proves(self, step: Step, user: Json | None, challenge: Challenge) -> bool:
        """Whether the client knows the password."""
        data, given, pool = challenge.data, step.given, step.asking.pool
        if user is None:
            kept = srp.Verifier(data["salt"], data["value"])
        else:
            kept = self._words.verifier(pool, user, data["id"])
        right = srp.proof(
            kept,
            Offer(data["secret"], data["public"]),
            int(data["a"], 16),
            short(pool["Id"]),
            data["id"],
            base64.b64decode(given["PASSWORD_CLAIM_SECRET_BLOCK"]),
            given["TIMESTAMP"],
        )
        return keys.same(given["PASSWORD_CLAIM_SIGNATURE"], base64.b64encode(right).decode())
