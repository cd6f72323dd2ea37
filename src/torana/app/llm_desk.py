"""Virtual keys made at run time, and reports of use: `/llm/v1/…` of the management listener.

Keys are documents of the store, their secrets hashed; every process follows them.
"""

import asyncio
import re
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import msgspec
from msgspec import Struct

from torana.app.llm_evaluate import BadEvaluation, Bench, Evaluation
from torana.app.llm_keys import Teams, key_of, mistakes_of
from torana.app.llm_weights import WEIGHTS, Weights
from torana.llm.keys import Key, digest
from torana.llm.prices import catalogue
from torana.llm.serve import Llm as Api
from torana.llm.spend import GROUPS, totals
from torana.llm_settings import Llm, LlmKey
from torana.message import BodyTooLarge, Headers, Reply, Request, read
from torana.sealing import Cover
from torana.state.counters import Counters
from torana.state.store import Change, Conflict, Document, Store

KIND = "llm.key"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,127}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_LIMIT = 4 * 1024 * 1024


class Record(Struct, frozen=True):
    """A key as it is kept."""

    digest: str
    hint: str
    """The secret's last characters, to tell keys apart by."""
    created: datetime
    key: LlmKey


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Desk:
    """Makes, lists, changes and deletes keys; sums up what was used."""

    def __init__(
        self,
        api: Api,
        settings: Llm,
        teams: Teams,
        store: Store,
        counters: Counters,
        usage: Path,
        bench: Bench,
        cover: Cover | None = None,
    ) -> None:
        self._cover = cover
        self._bench, self._weights = bench, Weights(api.plan.models, store)
        self._api, self._settings, self._teams = api, settings, teams
        self._store, self._counters, self._usage = store, counters, usage
        self._fixed = api.plan.keys
        self._prices = catalogue(settings.prices)
        self._records: dict[str, Record] = {}

    async def load(self) -> int:
        """Take in every key of the store. Gives the revision to follow from."""
        revision = await self._store.revision()
        self._records = {
            each.id: msgspec.json.decode(each.body, type=Record)
            async for each in self._store.scan(KIND)
        }
        await self._weights.load()
        self._publish()
        return revision

    async def follow(self, revision: int) -> None:
        """Take in what any process changes, for as long as this one runs."""
        async for news in self._store.watch(revision, (KIND, WEIGHTS)):
            if news.resync:
                await self.load()
                continue
            for each in news.events:
                if each.kind == WEIGHTS:
                    self._weights.take(each)
                elif isinstance(each, Document):
                    self._records[each.id] = msgspec.json.decode(each.body, type=Record)
                else:
                    self._records.pop(each.id, None)
            self._publish()

    def _publish(self) -> None:
        """A key whose models or team are gone from the settings is left out."""
        keys: dict[bytes, Key] = dict(self._fixed)
        for name, record in self._records.items():
            fits = not any(mistakes_of(name, record.key, self._settings, self._prices))
            if record.key.enabled and fits:
                keys[bytes.fromhex(record.digest)] = key_of(
                    name, record.key, self._teams, self._counters
                )
        self._api.plan = msgspec.structs.replace(self._api.plan, keys=keys)

    async def handle(self, request: Request) -> Reply:
        """Answer a request that has shown its credentials."""
        path, _, query = request.target.partition("?")
        parts = path.strip("/").split("/")[2:]
        try:
            if parts[:1] == ["prompts"]:
                return await self._prompts(request, parts[1:])
            if parts[:1] == ["models"]:
                return await self._models(request, parts[1:])
            if parts == ["usage"] and request.method == "GET":
                return _json(200, {"totals": await self._report(query)})
            if parts[:1] == ["keys"] and len(parts) <= 2:
                name = parts[1] if len(parts) == 2 else ""
                return await self._keys(request, name)
            raise Refused(404, f"there is no {request.method} {path}")
        except Refused as error:
            return _json(error.status, {"message": str(error)})
        except Conflict:
            return _json(409, {"message": "somebody else changed this key: read it again"})

    async def _prompts(self, request: Request, parts: list[str]) -> Reply:
        if not parts and request.method == "GET":
            return _json(200, {"prompts": self._bench.listed()})
        if len(parts) != 2 or parts[1] != "evaluations" or request.method != "POST":
            raise Refused(404, f"there is no {request.method} of prompts/{'/'.join(parts)}")
        try:
            asked = msgspec.convert(await _body(request), Evaluation)
            return _json(200, await self._bench.evaluate(unquote(parts[0]), asked))
        except (msgspec.ValidationError, BadEvaluation) as error:
            raise Refused(400, str(error)) from error

    async def _models(self, request: Request, parts: list[str]) -> Reply:
        if not parts and request.method == "GET":
            return _json(200, {"models": self._weights.listed()})
        if len(parts) != 2 or parts[1] != "weights" or request.method not in ("PUT", "DELETE"):
            raise Refused(404, f"there is no {request.method} of models/{'/'.join(parts)}")
        given = await _body(request) if request.method == "PUT" else None
        try:
            return _json(200, await self._weights.change(unquote(parts[0]), given))
        except (KeyError, ValueError) as error:
            raise Refused(400, str(error.args[0])) from error

    async def _keys(self, request: Request, name: str) -> Reply:
        method = request.method
        if not name and method == "GET":
            records = sorted([(each.id, each) async for each in self._store.scan(KIND)])
            return _json(200, {"keys": [_shown(name, _record(each)) for name, each in records]})
        if not name and method == "POST":
            return await self._create(await _body(request))
        if not name or method not in ("GET", "PATCH", "DELETE"):
            raise Refused(405, f"{method} is not allowed here")
        document = await self._store.get(KIND, name)
        if document is None:
            raise Refused(404, f"there is no key {name!r}")
        if method == "DELETE":
            await self._store.commit([Change(KIND, name, document.version, None)])
            return _json(200, {"name": name, "deleted": True})
        if method == "PATCH":
            record = self._changed(name, _record(document), await _body(request))
            body = msgspec.json.encode(record)
            await self._store.commit([Change(KIND, name, document.version, body)])
            return _json(200, _shown(name, record))
        return _json(200, _shown(name, _record(document)))

    async def _create(self, given: dict[str, Any]) -> Reply:
        name = given.pop("name", None)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise Refused(400, "name: up to 128 letters, digits and _.@-")
        if name in self._settings.keys:
            raise Refused(409, f"the key {name!r} is in the settings")
        key = self._checked(name, given)
        secret = f"sk-{secrets.token_urlsafe(36)}"
        now = datetime.now(UTC)
        record = Record(digest(secret).hex(), secret[-4:], now, key)
        try:
            body = msgspec.json.encode(record)
            await self._store.commit([Change(KIND, name, 0, body)])
        except Conflict:
            raise Refused(409, f"there is a key {name!r} already") from None
        return _json(201, {**_shown(name, record), "secret": secret})

    def _changed(self, name: str, record: Record, given: dict[str, Any]) -> Record:
        """Members that are given replace the old ones; null takes a limit away."""
        before = msgspec.to_builtins(record.key)
        after = {k: v for k, v in {**before, **given}.items() if v is not None}
        return msgspec.structs.replace(record, key=self._checked(name, after))

    def _checked(self, name: str, given: Mapping[str, Any]) -> LlmKey:
        if given.get("secret"):
            raise Refused(400, "secret: is made here, and shown once")
        try:
            key = msgspec.convert({**given, "secret": ""}, LlmKey)
        except msgspec.ValidationError as error:
            raise Refused(400, str(error)) from error
        mistakes = list(mistakes_of(name, key, self._settings, self._prices))
        if mistakes:
            raise Refused(400, "; ".join(mistakes))
        return key

    async def _report(self, query: str) -> list[Any]:
        asked = {name: values[-1] for name, values in parse_qs(query).items()}
        today = time.strftime("%Y-%m-%d", time.gmtime())
        first, last = asked.get("from", today), asked.get("to", "9999-99-99")
        by = tuple(filter(None, asked.get("by", "key").split(",")))
        if not _DAY.fullmatch(first) or not _DAY.fullmatch(last):
            raise Refused(400, "from, to: days such as 2026-11-23")
        if not set(by) <= set(GROUPS):
            raise Refused(400, f"by: some of {', '.join(GROUPS)}")
        return await asyncio.to_thread(totals, self._usage, first, last, by, self._cover)


def _record(document: Document) -> Record:
    return msgspec.json.decode(document.body, type=Record)


def _shown(name: str, record: Record) -> dict[str, Any]:
    key = msgspec.to_builtins(record.key)
    del key["secret"]
    return {"name": name, "hint": record.hint, "created": record.created.isoformat(), **key}


async def _body(request: Request) -> dict[str, Any]:
    try:
        return msgspec.json.decode(await read(request.body, _LIMIT), type=dict[str, Any])
    except BodyTooLarge:
        raise Refused(413, "the body is too large") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(400, f"the body is no JSON object: {error}") from error


def _json(status: int, value: object) -> Reply:
    fields = Headers([("Content-Type", "application/json")])
    return Reply(status, fields, msgspec.json.encode(value))
