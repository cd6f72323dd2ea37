"""Users as they are made, changed and deleted, whoever asks for it.

A user has a name of its own, or, where a pool takes addresses or telephone numbers instead, its
`sub`. Aliases lead to it; each leads to one user.
"""

import re
from collections.abc import Mapping
from uuid import uuid4

from torana.services.apigateway.book import Sheet
from torana.services.cognito_idp import schema
from torana.services.cognito_idp.directory import (
    ALIAS,
    USER,
    Directory,
    Json,
    aliases,
    folded,
    key,
    now,
    user_key,
)
from torana.services.cognito_idp.faults import invalid
from torana.services.cognito_idp.groups import leave
from torana.services.cognito_idp.schema import VERIFIED
from torana.services.cognito_idp.sessions import Sessions
from torana.wire.faults import ServiceError

_NAME = re.compile(r"[^\s\x00-\x1f\x7f]{1,128}")


class Users:
    """Writes users."""

    def __init__(self, directory: Directory, sessions: Sessions) -> None:
        self._directory, self._sessions = directory, sessions

    def draft(self, pool: Json, name: str, profile: Mapping[str, str], status: str) -> Json:
        """A user that is not kept yet. Raises the service's errors."""
        if not _NAME.fullmatch(name):
            raise invalid("Username must have 1 to 128 signs, and no spaces.")
        sub = str(uuid4())
        values = {"sub": sub, **_as_kept(profile)}
        username = name
        if pool.get("UsernameAttributes"):
            attribute = _kind(pool, name)
            if values.setdefault(attribute, name) != name:
                raise invalid(f"The username and the attribute {attribute} must be the same")
            username = sub
        elif "@" in name and "email" in aliases(pool):
            raise invalid(
                "Username cannot be of email format, since user pool is configured for email alias."
            )
        elif name.startswith("+") and "phone_number" in aliases(pool):
            raise invalid(
                "Username cannot be of phone number format, since user pool is configured for "
                "phone number alias."
            )
        schema.check(pool["SchemaByName"], {k: v for k, v in values.items() if k != "sub"})
        schema.check_required(pool["SchemaByName"], values)
        return {
            "username": username,
            "sub": sub,
            "profile": {name: value for name, value in values.items() if value != ""},
            "status": status,
            "enabled": True,
            "created": now(),
            "groups": [],
            "factors": [],
            "sealed": {},
        }

    async def add(self, sheet: Sheet, pool: Json, user: Json, *, force: bool = False) -> None:
        """Keep a draft. `force` takes aliases away from others. Raises the service's errors."""
        id = user_key(pool, user)
        taken = await sheet.get(USER, id) is not None
        for attribute in () if pool.get("UsernameAttributes") else (*aliases(pool), "sub"):
            # A name that leads to somebody else must not come to lead here.
            taken = taken or await self._taken(sheet, pool, attribute, user["username"])
        if taken:
            raise ServiceError("UsernameExistsException", "User already exists")
        if pool.get("UsernameAttributes"):
            for attribute in pool["UsernameAttributes"]:
                value = user["profile"].get(attribute)
                if value and await self._taken(sheet, pool, attribute, value):
                    told = attribute.replace("_", " ")
                    raise ServiceError(
                        "UsernameExistsException",
                        f"An account with the given {told} already exists.",
                    )
        leads = {"username": folded(pool, user["username"])}
        sheet.put(ALIAS, key(pool["Id"], "sub", user["sub"]), leads)
        await self.claim(sheet, pool, user, force=force)
        self._directory.put_user(sheet, pool, user)

    async def _taken(self, sheet: Sheet, pool: Json, attribute: str, value: str) -> bool:
        return await sheet.get(ALIAS, key(pool["Id"], attribute, folded(pool, value))) is not None

    async def claim(self, sheet: Sheet, pool: Json, user: Json, *, force: bool = False) -> None:
        """Have the aliases lead to the user that it may have now. Raises the service's error for
        those of others."""
        mine = folded(pool, user["username"])
        for attribute in aliases(pool):
            value = user["profile"].get(attribute)
            if not value or not self._counts(pool, user, attribute):
                continue
            id = key(pool["Id"], attribute, folded(pool, value))
            known = await sheet.get(ALIAS, id)
            if known is not None and known["username"] == mine:
                continue
            named = await sheet.get(USER, key(pool["Id"], folded(pool, value)))
            another = named is not None and folded(pool, named["username"]) != mine
            if another or (known is not None and not force):
                told = attribute.replace("_", " ")
                raise ServiceError(
                    "AliasExistsException", f"An account with the {told} already exists."
                )
            if known is not None:
                await self._lose(sheet, pool, known["username"], attribute)
            sheet.put(ALIAS, id, {"username": mine})

    async def _lose(self, sheet: Sheet, pool: Json, username: str, attribute: str) -> None:
        """A user whose alias another one takes has it unverified from then on."""
        other = await sheet.get(USER, key(pool["Id"], username))
        if other is not None and attribute in VERIFIED:
            other["profile"][VERIFIED[attribute]] = "false"
            self._directory.put_user(sheet, pool, other)

    def _counts(self, pool: Json, user: Json, attribute: str) -> bool:
        """Whether an attribute's value leads to the user: an address once it is verified."""
        if pool.get("UsernameAttributes") or attribute not in VERIFIED:
            return True
        return user["profile"].get(VERIFIED[attribute]) == "true"

    async def change(self, sheet: Sheet, pool: Json, user: Json, values: Mapping[str, str]) -> None:
        """Give a user other values, and keep it. An empty value takes an attribute away. Raises the
        service's errors."""
        known, profile = pool["SchemaByName"], user["profile"]
        values = _as_kept(values)
        schema.check(known, {name: value for name, value in values.items() if value != ""})
        for name, value in values.items():
            if name == "sub" or (not known[name]["Mutable"] and profile.get(name, value) != value):
                raise invalid(f"user.{name}: Attribute cannot be updated.\n")
            if value == "" and known[name].get("Required"):
                raise invalid(f"user.{name}: Required attribute cannot be removed.\n")
        before = dict(profile)
        for name, value in values.items():
            if name in VERIFIED and profile.get(name) != value and VERIFIED[name] not in values:
                profile[VERIFIED[name]] = "false"
            if value == "":
                profile.pop(name, None)
            else:
                profile[name] = value
        for name, flag in VERIFIED.items():
            if name not in profile:
                profile.pop(flag, None)
        await self._release(sheet, pool, user, before)
        await self.claim(sheet, pool, user)
        self._directory.put_user(sheet, pool, user)

    async def _release(self, sheet: Sheet, pool: Json, user: Json, before: Json) -> None:
        """Aliases that are the user's no more lead nowhere."""
        mine = folded(pool, user["username"])
        for attribute in aliases(pool):
            old, new = before.get(attribute), user["profile"].get(attribute)
            if not old or (old == new and self._counts(pool, user, attribute)):
                continue
            id = key(pool["Id"], attribute, folded(pool, old))
            known = await sheet.get(ALIAS, id)
            if known is not None and known["username"] == mine:
                sheet.delete(ALIAS, id)

    async def delete(self, sheet: Sheet, pool: Json, user: Json) -> None:
        """With everything that leads to it."""
        mine = folded(pool, user["username"])
        await self._sessions.end_all(sheet, pool, user)
        await leave(self._directory, sheet, pool, user, tuple(user["groups"]))
        for attribute in (*aliases(pool), "sub"):
            value = user["sub"] if attribute == "sub" else user["profile"].get(attribute)
            if not value:
                continue
            id = key(pool["Id"], attribute, folded(pool, value))
            known = await sheet.get(ALIAS, id)
            if known is not None and known["username"] == mine:
                sheet.delete(ALIAS, id)
        sheet.delete(USER, user_key(pool, user))


def _as_kept(values: Mapping[str, str]) -> dict[str, str]:
    """Truth values are spelled in lower case."""
    flags = VERIFIED.values()
    return {name: value.lower() if name in flags else value for name, value in values.items()}


def _kind(pool: Json, name: str) -> str:
    """Which attribute a name is. Raises the service's error."""
    kinds = pool["UsernameAttributes"]
    found = "email" if "@" in name else "phone_number" if name.startswith("+") else ""
    if found in kinds:
        return found
    if len(kinds) == 2:
        raise invalid("Username should be either an email or a phone number.")
    raise invalid(
        "Username should be an email."
        if kinds == ["email"]
        else "Username should be a phone number."
    )
