"""Everything that is kept of somebody, erased, with a report of what was and of what cannot be."""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from torana.personal.tokens import key_id
from torana.services.audit import record
from torana.services.ports import Call
from torana.services.privacy.keys import TokenKeys
from torana.state.store import Store
from torana.wire.faults import ServiceError

Json = dict[str, Any]
_SHORTEST = 3
_LONGEST = 320

Match = Callable[[str], bool]


class Subject(Struct, frozen=True):
    """Who is meant: by what was given, and by what else was found to be theirs."""

    name: str
    others: tuple[str, ...] = ()

    def pattern(self) -> re.Pattern[str]:
        """Finds any of the names, as a whole word."""
        names = sorted({self.name, *self.others}, key=len, reverse=True)
        choice = "|".join(map(re.escape, names))
        return re.compile(rf"(?<![\w.@+-])(?:{choice})(?![\w@-])")

    def match(self) -> Match:
        """Whether a text names them."""
        pattern = self.pattern()
        return lambda text: pattern.search(text) is not None


class Wanted(Struct, frozen=True):
    """What is asked for. `dry`: only count."""

    subject: Subject
    call: Call
    dry: bool


class Place(Struct, frozen=True):
    """Where something may be kept of somebody. `erase` gives how much was, or would be."""

    kind: str
    erase: Callable[[Wanted], Awaitable[int]]


class Rest(Struct, frozen=True):
    """Where something stays. `count` gives how much; `why` says so."""

    kind: str
    why: str
    count: Callable[[Subject], Awaitable[int]]


class Erasing(Struct, frozen=True):
    """All places of a gateway."""

    known: Callable[[str], Awaitable[Sequence[str]]]
    """What else names somebody, such as the addresses of a user."""
    places: tuple[Place, ...]
    """In order: what those before leave behind, the last ones find."""
    rests: tuple[Rest, ...]


class Eraser:
    """The operation."""

    def __init__(self, store: Store, tokens: TokenKeys, erasing: Erasing | None) -> None:
        """`erasing`: None where another process keeps what is kept."""
        self._store, self._tokens, self._erasing = store, tokens, erasing

    async def EraseSubject(self, call: Call, params: Json) -> Json:
        if bool(params.get("subject")) == bool(params.get("token")):
            raise ServiceError("BadRequestException", "Exactly one of subject and token is needed")
        if self._erasing is None:
            raise ServiceError("BadRequestException", "Ask the management listener")
        name: str = params.get("subject") or await self._tenant(params["token"])
        if not _SHORTEST <= len(name) <= _LONGEST:
            raise ServiceError(
                "BadRequestException", f"subject must have {_SHORTEST} to {_LONGEST} characters"
            )
        dry = bool(params.get("dryRun"))
        report = await self._erase(name, self._erasing, call, dry=dry)
        if not dry:
            digest = sha256(name.encode()).hexdigest()
            told = msgspec.json.encode(report)
            await self._store.commit([record(call, "torana", [("subject", digest, None, told)])])
        return {"subject": name, **report}

    async def _erase(self, name: str, erasing: Erasing, call: Call, *, dry: bool) -> Json:
        subject = Subject(name, _long(await erasing.known(name)))
        wanted = Wanted(subject, call, dry)
        erased = [
            {"kind": place.kind, "count": await place.erase(wanted)} for place in erasing.places
        ]
        remains = [
            {"kind": rest.kind, "count": await rest.count(subject), "text": rest.why}
            for rest in erasing.rests
        ]
        return {
            "erased": [each for each in erased if each["count"]],
            "remains": [each for each in remains if each["count"]],
        }

    async def _tenant(self, token: str) -> str:
        id = key_id(token)
        found = await self._tokens.find(id) if id else None
        if found is None:
            raise ServiceError("NotFoundException", "No key leads this token back")
        return found[0]


def _long(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if len(name) >= _SHORTEST))
