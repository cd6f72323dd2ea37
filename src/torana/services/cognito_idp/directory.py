"""Pools, clients and users as they are kept, and how operations find one.

Secrets of a document are under `sealed`, what a user says of itself under `profile`: neither gets
into the audit.
"""

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from torana.services.apigateway.book import Book, Sheet
from torana.services.cognito_idp.faults import missing, no_user
from torana.services.kms.ring import Seal

Json = dict[str, Any]

POOL = "cognito-pool"
CLIENT = "cognito-client"
"""Under `{pool}/{client}`."""
CLIENT_POOL = "cognito-client-pool"
"""The pool of a client, under the client's id."""
USER = "cognito-user"
"""Under `{pool}/{username}`."""
ALIAS = "cognito-alias"
"""The username behind `{pool}/{attribute}/{value}`; `sub` is an attribute, too."""
GROUP = "cognito-group"
MEMBER = "cognito-member"
"""Under `{pool}/{group}/{username}`."""
SERVER = "cognito-resource-server"
DOMAIN = "cognito-domain"
POOL_ID = re.compile(r"[\w-]+_[0-9a-zA-Z]+")
_LONGEST = 2048
"""Characters of a name or an alias."""


class Directory:
    """Every user pool of the account."""

    def __init__(self, book: Book, seal: Seal) -> None:
        self.book, self.seal = book, seal

    async def pool(self, sheet: Sheet, id: str) -> Json:
        """Raises the service's error."""
        found = await sheet.get(POOL, id) if POOL_ID.fullmatch(id) else None
        if found is None:
            raise missing(f"User pool {id} does not exist.")
        return found

    async def client(self, sheet: Sheet, pool: str, id: str) -> Json:
        """Raises the service's error."""
        found = await sheet.get(CLIENT, key(pool, id))
        if found is None:
            raise missing(f"User pool client {id} does not exist.")
        return found

    async def client_of(self, sheet: Sheet, id: str) -> tuple[Json, Json]:
        """A client and its pool, by the client's id alone. Raises the service's error."""
        leads = await sheet.get(CLIENT_POOL, key(id))
        if leads is None:
            raise missing(f"User pool client {id} does not exist.")
        pool = await self.pool(sheet, leads["pool"])
        return pool, await self.client(sheet, pool["Id"], id)

    async def find_user(self, sheet: Sheet, pool: Json, name: str) -> Json | None:
        """By the username, an alias or the `sub`."""
        if not 0 < len(name) <= _LONGEST:
            return None
        name = folded(pool, name)
        found = await sheet.get(USER, key(pool["Id"], name))
        if found is not None:
            return found
        for attribute in (*aliases(pool), "sub"):
            leads = await sheet.get(ALIAS, key(pool["Id"], attribute, name))
            if leads is not None:
                return await sheet.get(USER, key(pool["Id"], leads["username"]))
        return None

    async def user(self, sheet: Sheet, pool: Json, name: str) -> Json:
        """Raises the service's error."""
        found = await self.find_user(sheet, pool, name)
        if found is None:
            raise no_user()
        return found

    def put_user(self, sheet: Sheet, pool: Json, user: Json) -> None:
        """Keep a user as it is now."""
        user["modified"] = now()
        sheet.put(USER, user_key(pool, user), user)

    def opened(self, document: Json, name: str) -> str:
        """A sealed value of a document. Raises `KeyError`, and `ValueError` for another key file
        than the one it was sealed with."""
        return self.seal.open(document["sealed"][name]).decode()

    def close(self, document: Json, name: str, value: str) -> None:
        """Seal a value into a document."""
        document.setdefault("sealed", {})[name] = self.seal.close(value.encode())


def key(*parts: str) -> str:
    """A document's id: names may hold anything, slashes too."""
    return "/".join(quote(part, safe="") for part in parts)


def user_key(pool: Json, user: Json) -> str:
    """The id of a user's document."""
    return key(pool["Id"], folded(pool, user["username"]))


def folded(pool: Json, name: str) -> str:
    """A name as it is compared."""
    sensitive = pool.get("UsernameConfiguration", {}).get("CaseSensitive", True)
    return name if sensitive else name.lower()


def aliases(pool: Json) -> tuple[str, ...]:
    """The attributes whose values stand for a username."""
    return tuple(pool.get("UsernameAttributes") or pool.get("AliasAttributes") or ())


def short(pool: str) -> str:
    """What is behind the underscore of a pool's id."""
    return pool.partition("_")[2]


def now() -> float:
    """Seconds since 1970, to the millisecond."""
    return round(datetime.now(UTC).timestamp(), 3)


def page(
    items: list[Json], params: Json, members: str, by: str, limit: str, mark: str = "NextToken"
) -> Json:
    """A page of a sorted list: its mark is the last name shown."""
    after = params.get(mark)
    rest = [item for item in items if after is None or str(item[by]) > after]
    size = params.get(limit) or 60
    answer: Json = {members: rest[:size]}
    if len(rest) > size:
        answer[mark] = str(rest[size - 1][by])
    return answer
