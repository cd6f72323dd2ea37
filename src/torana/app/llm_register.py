"""Organizations, teams, users and virtual keys made at run time: documents of the store, which
every process follows. Of a key's secret only the hash is kept."""

import re
import secrets
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from torana.app.llm_desk_wire import Refused, answered, body_of
from torana.app.llm_keys import PERIODS, Binder, Holders, amounts, holders_of, mistakes_of
from torana.llm.keys import MICRO, Key, digest
from torana.llm.prices import catalogue
from torana.llm.serve import Llm as Api
from torana.llm_settings import Llm, LlmKey, LlmLimits, LlmOrganization, LlmTeam, LlmUser
from torana.message import Reply, Request
from torana.state.counters import Counters
from torana.state.quotas import period_start
from torana.state.store import Change, Conflict, Deleted, Document, Store

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,127}")


class Kind(Struct, frozen=True):
    """One of the four."""

    store: str
    """Its documents' kind."""
    one: str
    type: type[LlmLimits]


KINDS: Mapping[str, Kind] = {
    "organizations": Kind("llm.organization", "organization", LlmOrganization),
    "teams": Kind("llm.team", "team", LlmTeam),
    "users": Kind("llm.user", "user", LlmUser),
    "keys": Kind("llm.key", "key", LlmKey),
}
STORED = tuple(kind.store for kind in KINDS.values())
_PLURAL = {kind.store: name for name, kind in KINDS.items()}


class Record(Struct, frozen=True, omit_defaults=True):
    """One of them, as it is kept."""

    created: datetime
    given: dict[str, Any] = msgspec.field(name="key")
    """What it has, whatever it is."""
    digest: str = ""
    """Of a key's secret."""
    hint: str = ""
    """The secret's last characters, to tell keys apart by."""


class Register:
    """Those of a gateway, in this process."""

    def __init__(self, api: Api, settings: Llm, store: Store, counters: Counters) -> None:
        self._api, self._settings, self._store, self._counters = api, settings, store, counters
        self._fixed, self._prices = api.plan.keys, catalogue(settings.prices)
        self._records: dict[str, dict[str, Record]] = {name: {} for name in KINDS}
        self._holders = holders_of(settings)
        self._binder = Binder(self._holders, counters)
        self._faults: dict[tuple[str, str], tuple[str, ...]] = {}
        self._bound: dict[str, tuple[bytes, Key]] = {}

    async def load(self) -> None:
        """Take in everything that the store has."""
        for name, kind in KINDS.items():
            self._records[name] = {
                each.id: _record(each) async for each in self._store.scan(kind.store)
            }
        self._rebind()
        self.publish()

    def take(self, event: Document | Deleted) -> None:
        """Take in a change. Call `publish` after the last one."""
        name = _PLURAL[event.kind]
        if isinstance(event, Document):
            self._records[name][event.id] = _record(event)
        else:
            self._records[name].pop(event.id, None)
        if name == "keys":
            self._bind(event.id)
        else:
            self._rebind()

    def publish(self) -> None:
        """Let requests know."""
        keys = {**self._fixed, **dict(self._bound.values())}
        self._api.plan = msgspec.structs.replace(self._api.plan, keys=keys)

    def _rebind(self) -> None:
        """Bind everything anew; the settings' own have precedence."""
        settings = self._settings
        self._holders = Holders(
            {**self._stored("organizations"), **settings.organizations},
            {**self._stored("teams"), **settings.teams},
            {**self._stored("users"), **settings.users},
        )
        self._binder = Binder(self._holders, self._counters)
        self._faults, self._bound = {}, {}
        for name in self._records["keys"]:
            self._bind(name)

    def _stored(self, name: str) -> dict[str, Any]:
        kind = KINDS[name].type
        return {id: msgspec.convert(each.given, kind) for id, each in self._records[name].items()}

    def _bind(self, name: str) -> None:
        """A key whose models or team are gone is left out."""
        self._bound.pop(name, None)
        record = self._records["keys"].get(name)
        if record is None:
            return
        key = msgspec.convert(record.given, LlmKey)
        if not any(self._wrong(name, key)):
            self._bound[name] = bytes.fromhex(record.digest), self._binder.key(name, key)

    def _wrong(self, name: str, given: LlmLimits) -> Iterator[str]:
        """Also of what is above it, which may be of a time when the settings were others."""
        yield from mistakes_of(name, given, self._settings, self._holders, self._prices)
        for field in ("user", "team", "organization"):
            place = field, str(getattr(given, field, ""))
            above = getattr(self._holders, f"{field}s").get(place[1])
            if above is not None and place not in self._faults:
                self._faults[place] = tuple(self._wrong(place[1], above))
            yield from self._faults.get(place, ())

    async def handle(self, request: Request, kind: str, parts: list[str]) -> Reply:
        """`parts`: name and action, as far as they are there. Raises `Refused`, `Conflict`."""
        name, action = (*parts, "", "")[:2]
        method = request.method
        if len(parts) > 2 or (action and (kind, action, method) != ("keys", "secret", "POST")):
            raise Refused(404, f"there is no {method} of {kind}/{'/'.join(parts)}")
        if not name and method == "GET":
            return answered(200, {kind: await self._listed(kind)})
        if not name and method == "POST":
            return await self._create(kind, await body_of(request))
        if not name or method not in (("POST",) if action else ("GET", "PATCH", "DELETE")):
            raise Refused(405, f"{method} is not allowed here")
        document = await self._store.get(KINDS[kind].store, name)
        if document is None:
            return self._declared(request, kind, name)
        if method == "DELETE":
            return await self._delete(kind, document)
        if action:
            return await self._renew(document)
        record = _record(document)
        if method == "PATCH":
            record = self._changed(kind, name, record, await body_of(request))
            await self._commit(kind, name, document.version, record)
        return answered(200, _shown(name, record) | {"used": await self._used(kind, name, record)})

    async def _commit(self, kind: str, name: str, version: int, record: Record | None) -> None:
        """Kept, and taken in here at once: what comes next may be of it."""
        store, body = KINDS[kind].store, None if record is None else msgspec.json.encode(record)
        revision = await self._store.commit([Change(store, name, version, body)])
        after = Deleted(store, name, revision)
        self.take(after if body is None else Document(store, name, revision, body))
        self.publish()

    async def _listed(self, kind: str) -> list[dict[str, Any]]:
        scanned = self._store.scan(KINDS[kind].store)
        found = {each.id: _shown(each.id, _record(each)) async for each in scanned}
        declared: Mapping[str, LlmLimits] = getattr(self._settings, kind)
        if kind != "keys":
            found |= {name: _plain(name, given) for name, given in declared.items()}
        return [found[name] for name in sorted(found)]

    def _declared(self, request: Request, kind: str, name: str) -> Reply:
        given = getattr(self._settings, kind).get(name)
        if given is None:
            raise Refused(404, f"there is no {KINDS[kind].one} {name!r}")
        if request.method != "GET":
            raise Refused(409, f"the {KINDS[kind].one} {name!r} is in the settings")
        return answered(200, _plain(name, given))

    async def _create(self, kind: str, given: dict[str, Any]) -> Reply:
        name = given.pop("name", None)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise Refused(400, "name: up to 128 letters, digits and _.@-")
        if name in getattr(self._settings, kind):
            raise Refused(409, f"the {KINDS[kind].one} {name!r} is in the settings")
        record = Record(datetime.now(UTC), self._checked(kind, name, given))
        secret = ""
        if kind == "keys":
            secret, record = _with_secret(record)
        try:
            await self._commit(kind, name, 0, record)
        except Conflict:
            raise Refused(409, f"there is a {KINDS[kind].one} {name!r} already") from None
        return answered(201, _shown(name, record) | ({"secret": secret} if secret else {}))

    async def _renew(self, document: Document) -> Reply:
        """Another secret; the one before is good no more."""
        secret, record = _with_secret(_record(document))
        await self._commit("keys", document.id, document.version, record)
        return answered(200, _shown(document.id, record) | {"secret": secret})

    async def _delete(self, kind: str, document: Document) -> Reply:
        one = KINDS[kind].one
        for other, records in self._records.items():
            for name, record in records.items():
                if record.given.get(one) == document.id:
                    raise Refused(409, f"the {KINDS[other].one} {name!r} is of it")
        await self._commit(kind, document.id, document.version, None)
        return answered(200, {"name": document.id, "deleted": True})

    def _changed(self, kind: str, name: str, record: Record, given: dict[str, Any]) -> Record:
        """Members that are given replace the old ones; null takes a limit away."""
        after = {k: v for k, v in {**record.given, **given}.items() if v is not None}
        return msgspec.structs.replace(record, given=self._checked(kind, name, after))

    def _checked(self, kind: str, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        if given.get("secret"):
            raise Refused(400, "secret: is made here, and shown once")
        secret = {"secret": ""} if kind == "keys" else {}
        try:
            made = msgspec.convert({**given, **secret}, KINDS[kind].type)
        except msgspec.ValidationError as error:
            raise Refused(400, str(error)) from error
        mistakes = list(self._wrong(name, made))
        if mistakes:
            raise Refused(400, "; ".join(mistakes))
        return msgspec.to_builtins(made)

    async def _used(self, kind: str, name: str, record: Record) -> list[dict[str, Any]]:
        """What of its budgets is gone, what processes hold ahead counted in."""
        place = f"llm/{name}" if kind == "keys" else f"llm/{KINDS[kind].one}/{name}"
        found: list[dict[str, Any]] = []
        for unit, period, most, tokens in amounts(msgspec.convert(record.given, KINDS[kind].type)):
            days = await self._counters.usage(f"{place}/{unit}/{period}")
            today = datetime.now(UTC).date()
            start = period_start(PERIODS[period], today).isoformat()
            used = sum(amount for day, amount in days.items() if day >= start)
            one = 1 if tokens else MICRO
            more = {"period": period, "since": start, "limit": most / one, "used": used / one}
            found.append({"unit": unit, **more})
        return found


def _record(document: Document) -> Record:
    return msgspec.json.decode(document.body, type=Record)


def _with_secret(record: Record) -> tuple[str, Record]:
    secret = f"sk-{secrets.token_urlsafe(36)}"
    made = msgspec.structs.replace(record, digest=digest(secret).hex(), hint=secret[-4:])
    return secret, made


def _shown(name: str, record: Record) -> dict[str, Any]:
    given = {key: value for key, value in record.given.items() if key != "secret"}
    hint = {"hint": record.hint} if record.hint else {}
    return {"name": name, **hint, "created": record.created.isoformat(), **given}


def _plain(name: str, given: LlmLimits) -> dict[str, Any]:
    """One of the settings."""
    value = msgspec.to_builtins(given)
    value.pop("secret", None)
    return {"name": name, "declared": True, **value}
