"""Authorization codes: good for five minutes, once.

Source: RFC 6749, 4.1.2 and 10.5; RFC 7636, 4.6.
"""

import base64
import hashlib
import re
import secrets

from torana.auth import keys
from torana.services.apigateway.book import Sheet
from torana.services.cognito_idp.directory import Directory, Json, folded, key, now
from torana.services.cognito_idp.sessions import SESSION, Refresh, session_key
from torana.services.cognito_idp.wanted import Wanted
from torana.services.ports import Call

CODE = "cognito-code"
"""Under `{seconds until which it is good}-{hash}`."""
_LASTS = 300.0
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class BadCode(Exception):
    """A code that gives nothing. The message is for the app's author."""


class Codes:
    """Gives them out and takes them."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def give(
        self, call: Call, pool: Json, wanted: Wanted, user: Json, auth_time: float
    ) -> str:
        """A code for the app."""
        until = int(now() + _LASTS)
        code = f"{until:012}-{secrets.token_urlsafe(32)}"
        made: Json = {
            "pool": pool["Id"],
            "client": wanted.client,
            "redirect": wanted.redirect,
            "scopes": wanted.scopes,
            "nonce": wanted.nonce,
            "username": user["username"],
            "sub": user["sub"],
            "authTime": int(auth_time),
            "sealed": {"challenge": wanted.challenge},
        }

        async def work(sheet: Sheet) -> None:
            sheet.put(CODE, _id(code), made)

        await self._directory.book.edit(call, work)
        return code

    async def take(
        self, call: Call, client: Json, code: str, redirect: str, verifier: str, origin: str
    ) -> Json:
        """What a code stands for; `origin` is the session that begins with it. A code that comes a
        second time ends the session that began the first time. Raises `BadCode`."""

        async def work(sheet: Sheet) -> Json | BadCode:
            found = await sheet.get(CODE, _id(code)) if _is_code(code) else None
            if found is None or found["client"] != client["ClientId"]:
                return BadCode("there is no such code")
            if "origin" in found:
                gone = Refresh(found["pool"], found["folded"], found["origin"], "")
                if await sheet.get(SESSION, session_key(gone)) is not None:
                    sheet.delete(SESSION, session_key(gone))
                return BadCode("the code was used before")
            why = _refused(found, code, redirect, verifier)
            if why:
                return BadCode(why)
            pool = await self._directory.pool(sheet, found["pool"])
            user = await self._directory.find_user(sheet, pool, found["username"])
            if user is None or user["sub"] != found["sub"] or not user["enabled"]:
                return BadCode("the user is not there any more")
            found |= {"origin": origin, "folded": folded(pool, user["username"])}
            sheet.put(CODE, _id(code), found)
            return {**found, "user": user}

        taken = await self._directory.book.edit(call, work)
        if isinstance(taken, BadCode):
            raise taken
        return taken


def _is_code(code: str) -> bool:
    return code[:12].isdigit() and code[12:13] == "-" and len(code) < 100


def _id(code: str) -> str:
    return key(f"{code[:12]}-{hashlib.sha256(code.encode()).hexdigest()}")


def _refused(found: Json, code: str, redirect: str, verifier: str) -> str:
    if int(code[:12]) <= now():
        return "the code is over"
    if found["redirect"] != redirect:
        return "redirect_uri is another than the code was given for"
    challenge = found["sealed"]["challenge"]
    if not challenge:
        return ""
    if not _VERIFIER.fullmatch(verifier):
        return "code_verifier is missing or malformed"
    digest = hashlib.sha256(verifier.encode()).digest()
    right = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return "" if keys.same(right, challenge) else "code_verifier does not fit"
