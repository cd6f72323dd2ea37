"""What a client holds between the steps of a sign-in: sealed, for some minutes, used once.

Nothing is kept for a sign-in that is under way, so that nobody can fill the store by beginning.
"""

from typing import Any
from uuid import uuid4

import msgspec
from msgspec import Struct, structs

from torana.services.cognito_idp.directory import Directory, Json, now
from torana.services.cognito_idp.faults import refused
from torana.state.store import Change, Conflict

SPENT = "cognito-spent"
"""Under `{seconds until which it was good}-{id}`: challenges that were answered."""


class Challenge(Struct, frozen=True, tag="cognito-challenge"):
    """What is asked of whom."""

    name: str
    """Such as `SOFTWARE_TOKEN_MFA`."""
    pool: str
    client: str
    user: str
    """The username as it is kept, or as it was given where there is no such user."""
    until: float
    id: str = ""
    sub: str = ""
    """Empty: there is no such user, and the client must not know."""
    data: dict[str, Any] = {}


class Challenges:
    """Seals and opens them."""

    def __init__(self, directory: Directory) -> None:
        self._directory, self._store = directory, directory.book.store

    def close(
        self, name: str, pool: Json, client: Json, user: Json | None, given: str, **data: Any
    ) -> str:
        """A session for the client."""
        made = Challenge(
            name,
            pool["Id"],
            client["ClientId"],
            user["username"] if user else given,
            now() + 60 * client["AuthSessionValidity"],
            uuid4().hex,
            user["sub"] if user else "",
            data,
        )
        return self.seal(made)

    def seal(self, challenge: Challenge) -> str:
        """As the client gets it."""
        return self._directory.seal.close(msgspec.json.encode(challenge))

    def verified(self, challenge: Challenge) -> str:
        """The session of a user that has set up its app meanwhile: another one, used once again."""
        data = {**challenge.data, "verified": True}
        return self.seal(structs.replace(challenge, id=uuid4().hex, data=data))

    def open(self, text: str, pool: Json, client: Json, name: str) -> Challenge:
        """Raises the service's error for what is no such challenge of this client, or over."""
        found = self.peek(text, name)
        if found.pool != pool["Id"] or found.client != client["ClientId"]:
            raise refused("Invalid session for the user.")
        return found

    def peek(self, text: str, name: str) -> Challenge:
        """Of whatever client. Raises the service's error."""
        try:
            plain = self._directory.seal.open(text)
            found = msgspec.json.decode(plain, type=Challenge)
        except (ValueError, msgspec.MsgspecError):
            raise refused("Invalid session for the user.") from None
        if found.name != name:
            raise refused("Invalid session for the user.")
        if found.until <= now():
            raise refused("Invalid session for the user, session is expired.")
        return found

    async def spend(self, challenge: Challenge) -> None:
        """Use a challenge up. Raises the service's error for one that was answered before, by
        whatever node."""
        id = f"{int(challenge.until):012}-{challenge.id}"
        try:
            await self._store.commit([Change(SPENT, id, 0, b"{}")])
        except Conflict:
            raise refused("Invalid session for the user, session can only be used once.") from None
