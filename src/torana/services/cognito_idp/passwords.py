"""Passwords: what a pool asks of them, and what is kept of them.

Two things are kept, both sealed: an Argon2id hash for flows that send the password, and an SRP
verifier for those that do not.
"""

import asyncio
import hmac
import secrets
import string
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from torana.auth import srp
from torana.auth.srp import Verifier
from torana.services.cognito_idp.directory import Directory, Json, now, short
from torana.services.cognito_idp.faults import invalid
from torana.wire.faults import ServiceError

T = TypeVar("T")

_SYMBOLS = frozenset("^$*.[]{}()?\"!@#%&/\\,><':;|_~`=+- ")
_LONGEST = 256
_AT_ONCE, _WAITING = 4, 200
"""Hashes that are made at a time, each with 19 MiB, and that may wait for their turn."""
DEFAULT: Mapping[str, Any] = {
    "MinimumLength": 8,
    "RequireUppercase": True,
    "RequireLowercase": True,
    "RequireNumbers": True,
    "RequireSymbols": True,
    "TemporaryPasswordValidityDays": 7,
}
_DAY = 86400.0
# OWASP Password Storage Cheat Sheet: 19 MiB, two rounds, one lane.
_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
_KINDS: tuple[tuple[str, Callable[[str], bool], str], ...] = (
    ("RequireUppercase", str.isupper, "uppercase"),
    ("RequireLowercase", str.islower, "lowercase"),
    ("RequireNumbers", str.isdigit, "numeric"),
    ("RequireSymbols", _SYMBOLS.__contains__, "symbol"),
)


def policy(pool: Json) -> Json:
    """Of a pool."""
    return pool["Policies"]["PasswordPolicy"]


def check(pool: Json, password: str) -> None:
    """Raises the service's error for a password that the policy forbids."""
    wanted = policy(pool)
    if len(password) < wanted.get("MinimumLength", 8):
        raise _unfit("Password not long enough")
    if len(password) > _LONGEST:
        raise _unfit("Password must not be longer than 256 characters")
    if password != password.strip():
        raise _unfit("Password must not begin or end with a space")
    for name, fits, told in _KINDS:
        if wanted.get(name) and not any(fits(sign) for sign in password):
            raise _unfit(f"Password must have {told} characters")


def _unfit(why: str) -> ServiceError:
    message = f"Password did not conform with policy: {why}"
    return ServiceError("InvalidPasswordException", message)


def temporary(pool: Json) -> str:
    """A random one that the policy allows."""
    wanted = policy(pool)
    signs = string.ascii_letters + string.digits + "!@#%&*"
    length = max(12, wanted.get("MinimumLength", 8))
    while True:
        made = "".join(secrets.choice(signs) for _ in range(length))
        if all(any(fits(sign) for sign in made) for _, fits, _ in _KINDS):
            return made


class Passwords:
    """Makes and compares what is kept."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        self._nobody: str | None = None

    async def made(self, pool: Json, user: Json, password: str) -> dict[str, str]:
        """What to keep of a password, sealed. Raises the service's errors for one that the policy
        forbids, or that the user has had lately."""
        check(pool, password)
        size = policy(pool).get("PasswordHistorySize", 0)
        for old in self._history(user)[:size]:
            if await self._is(old, password):
                raise ServiceError(
                    "PasswordHistoryPolicyViolationException",
                    "Password has previously been used",
                )
        hashed = await self._work(_hasher.hash, password)
        kept = srp.verifier(short(pool["Id"]), user["username"], password)
        history = [hashed, *self._history(user)][: max(1, size)]
        close = self._directory.seal.close
        return {
            "password": close("\n".join(history).encode()),
            "verifier": close(f"{kept.salt}:{kept.value}".encode()),
        }

    def _history(self, user: Json) -> list[str]:
        """Hashes, the newest first."""
        if "password" not in user.get("sealed", {}):
            return []
        return self._directory.opened(user, "password").split("\n")

    async def right(self, user: Json | None, password: str) -> bool:
        """Whether it is the user's. Takes its time for users that there are not, too."""
        hashes = self._history(user) if user else []
        if hashes:
            return await self._is(hashes[0], password)
        if self._nobody is None:
            self._nobody = await self._work(_hasher.hash, secrets.token_hex())
        await self._is(self._nobody, password)
        return False

    async def _is(self, hashed: str, password: str) -> bool:
        if len(password) > _LONGEST:
            return False
        try:
            return await self._work(_hasher.verify, hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _work(self, hash_it: Callable[..., T], *given: str) -> T:
        """In a thread. Raises the service's error when too much waits already."""
        if self._waiting >= _WAITING:
            raise ServiceError("TooManyRequestsException", "Too many requests")
        self._waiting += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(hash_it, *given)
        finally:
            self._waiting -= 1

    def stranger(self, pool: Json, name: str) -> str:
        """What a user of that name, which there is not, would be called: always the same."""
        if not pool.get("UsernameAttributes"):
            return name
        return str(UUID(bytes=self._decoy(pool, f"sub:{name}"), version=4))

    def _decoy(self, pool: Json, text: str) -> bytes:
        secret = self._directory.opened(pool, "decoy").encode()
        return hmac.digest(secret, text.encode(), "sha256")[:16]

    def verifier(self, pool: Json, user: Json | None, name: str) -> Verifier:
        """For an exchange. Of users that there are not, one that no password fits, but the same
        salt each time."""
        if user is not None and "verifier" in user.get("sealed", {}):
            salt, _, value = self._directory.opened(user, "verifier").partition(":")
            return Verifier(salt, value)
        return srp.nobody(self._decoy(pool, f"salt:{name}"))


def put(user: Json, kept: Mapping[str, str], *, lasts_days: int | None = None) -> None:
    """Give a user a password. `lasts_days`: until then it must have been replaced."""
    user.setdefault("sealed", {}).update(kept)
    user["passwordSince"] = now()
    user.pop("passwordUntil", None)
    if lasts_days is not None:
        user["passwordUntil"] = now() + lasts_days * _DAY


def checked_policy(given: Json) -> Json:
    """A pool's password policy. Raises the service's error."""
    made: Json = {**DEFAULT, **given}
    if not given:
        return made
    for name in ("RequireUppercase", "RequireLowercase", "RequireNumbers", "RequireSymbols"):
        made[name] = bool(given.get(name))
    if made["MinimumLength"] < 6:
        raise invalid("MinimumLength must be at least 6")
    return made
