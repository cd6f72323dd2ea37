"""Where a gateway keeps something of somebody: composed for `EraseSubject`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import msgspec

from torana.app.llm_register import KINDS
from torana.llm import batches
from torana.llm.files import BUCKET, folder_of
from torana.llm.spend import forget
from torana.sealing import Vault
from torana.sealing.files import overwrite
from torana.services.apigateway.book import KEY, Book, Json, Sheet
from torana.services.apigateway.keys import drop_key
from torana.services.audit import KIND as RECORD
from torana.services.cognito_idp import CognitoIdp
from torana.services.cognito_idp.directory import POOL
from torana.services.portal.billing import Billing
from torana.services.portal.subscriptions import Subscriptions
from torana.services.privacy import Erasing, TokenKeys
from torana.services.privacy.erase import Place, Rest, Subject, Wanted
from torana.state.objects import NoBucket, ObjectStore
from torana.state.store import Change, Conflict, Document, Store
from torana.telemetry.logbook import LogBook
from torana.telemetry.timeseries import TimeSeries
from torana.telemetry.tracebook import TraceBook
from torana.telemetry.trail.files import chains, lines


def erasing(
    folder: Path,
    store: Store,
    objects: ObjectStore,
    vault: Vault,
    pools: CognitoIdp,
    tokens: TokenKeys,
    book: LogBook,
    traces: TraceBook | None,
    series: TimeSeries | None,
) -> Erasing:
    """Everything of this node, and of the store that it shares. `folder`: the data folder."""
    kept = Documents(store)
    places = [
        Place("token-key", _token_key(tokens)),
        Place("user-pool-user", _users(pools)),
        Place("portal-developer", _developers(store)),
        Place("portal-invoice", _invoices(store)),
        Place("portal-session", kept.mentioning("portal-session")),
        Place("api-key", _api_keys(store)),
        *(Place(kind.store, kept.named(kind.store)) for kind in KINDS.values()),
        Place("llm-file", _files(objects)),
        Place("llm-batch", kept.where(batches.KIND, lambda name, doc: doc["owner"] == name)),
        Place("ledger-line", _ledger(folder / "usage", vault)),
        Place("log-event", lambda wanted: book.erase(wanted.subject.match(), dry=wanted.dry)),
        Place("log-file-line", _log_files(folder / "logs", vault)),
        Place("record-of-change", kept.mentioning(RECORD)),
    ]
    if traces is not None:
        places.insert(-1, Place("trace-segment", _traces(traces)))
    rests = [Rest("audit-line", _AUDIT, _audit_lines(folder / "audit", vault))]
    if series is not None:
        rests.append(Rest("metric", _METRIC, _series(series)))
    return Erasing(_known(pools), tuple(places), tuple(rests))


_AUDIT = (
    "The audit trail's lines vouch for each other and are never changed: they hold names, addresses"
    " and digests of records, and go after audit.retention_days"
)
_METRIC = "Metrics count by this name; they go after retention.metrics days"


def _traces(traces: TraceBook) -> Callable[[Wanted], Awaitable[int]]:
    return lambda wanted: traces.erase(wanted.subject.match(), dry=wanted.dry)


class Documents:
    """Of the store, deleted one by one."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def named(self, kind: str) -> Callable[[Wanted], Awaitable[int]]:
        """Those that have the name as their id."""

        async def erase(wanted: Wanted) -> int:
            document = await self._store.get(kind, wanted.subject.name)
            return await self._drop([document] if document else [], wanted)

        return erase

    def where(
        self, kind: str, holds: Callable[[str, Json], bool]
    ) -> Callable[[Wanted], Awaitable[int]]:
        """Those whose body is one that is meant."""

        async def erase(wanted: Wanted) -> int:
            name = wanted.subject.name
            found = [
                each
                async for each in self._store.scan(kind)
                if holds(name, msgspec.json.decode(each.body))
            ]
            return await self._drop(found, wanted)

        return erase

    def mentioning(self, kind: str) -> Callable[[Wanted], Awaitable[int]]:
        """Those whose body has any of the names in it."""

        async def erase(wanted: Wanted) -> int:
            match = wanted.subject.match()
            found = [
                each
                async for each in self._store.scan(kind)
                if match(each.body.decode("utf-8", "replace"))
            ]
            return await self._drop(found, wanted)

        return erase

    async def _drop(self, found: Sequence[Document], wanted: Wanted) -> int:
        gone = 0
        for each in found:
            try:
                if not wanted.dry:
                    await self._store.commit([Change(each.kind, each.id, each.version, None)])
            except Conflict:
                continue
            gone += 1
        return gone


def _token_key(tokens: TokenKeys) -> Callable[[Wanted], Awaitable[int]]:
    async def erase(wanted: Wanted) -> int:
        name = wanted.subject.name
        return int(await (tokens.there(name) if wanted.dry else tokens.erase(name)))

    return erase


async def _found(pools: CognitoIdp, sheet: Sheet, name: str) -> AsyncIterator[tuple[Json, Json]]:
    """Pools, and the user of each that a name leads to."""
    for _, pool in [each async for each in sheet.scan(POOL)]:
        user = await pools.directory.find_user(sheet, pool, name)
        if user is not None:
            yield pool, user


def _known(pools: CognitoIdp) -> Callable[[str], Awaitable[Sequence[str]]]:
    async def known(name: str) -> Sequence[str]:
        async def work(sheet: Sheet) -> list[str]:
            names: list[str] = []
            async for _, user in _found(pools, sheet, name):
                own = [user["profile"].get(each, "") for each in ("email", "phone_number")]
                names += [user["username"], user["sub"], *own]
            return names

        return await pools.directory.book.read(work)

    return known


def _users(pools: CognitoIdp) -> Callable[[Wanted], Awaitable[int]]:
    async def erase(wanted: Wanted) -> int:
        async def work(sheet: Sheet) -> int:
            gone = 0
            async for pool, user in _found(pools, sheet, wanted.subject.name):
                gone += 1
                if not wanted.dry:
                    await pools.users.delete(sheet, pool, user)
            return gone

        return await pools.directory.book.edit(wanted.call, work)

    return erase


def _developers(store: Store) -> Callable[[Wanted], Awaitable[int]]:
    portal = Subscriptions(Book(store, "torana"))
    return lambda wanted: portal.forget(wanted.call, _accounts(wanted), dry=wanted.dry)


def _invoices(store: Store) -> Callable[[Wanted], Awaitable[int]]:
    billing = Billing(Book(store, "torana"), "")
    return lambda wanted: billing.forget(_accounts(wanted), dry=wanted.dry)


def _accounts(wanted: Wanted) -> set[str]:
    """A developer's account is the `sub` of a user."""
    return {each for each in (wanted.subject.name, *wanted.subject.others) if each}


def _api_keys(store: Store) -> Callable[[Wanted], Awaitable[int]]:
    book = Book(store, "torana")

    async def erase(wanted: Wanted) -> int:
        async def work(sheet: Sheet) -> int:
            name = wanted.subject.name
            found = [each async for id, each in sheet.scan(KEY) if name in (id, each.get("name"))]
            for each in found if not wanted.dry else ():
                await drop_key(sheet, each)
            return len(found)

        return await book.edit(wanted.call, work)

    return erase


def _files(objects: ObjectStore) -> Callable[[Wanted], Awaitable[int]]:
    async def erase(wanted: Wanted) -> int:
        gone, after = 0, ""
        while True:
            try:
                page = await objects.keys(BUCKET, folder_of(wanted.subject.name), after, 1000)
            except NoBucket:
                return gone
            for each in page if not wanted.dry else ():
                await objects.delete(BUCKET, each.key)
            gone += len(page)
            if not page:
                return gone
            after = page[-1].key

    return erase


def _ledger(folder: Path, vault: Vault) -> Callable[[Wanted], Awaitable[int]]:
    cover = vault.cover("usage")

    async def erase(wanted: Wanted) -> int:
        names = {wanted.subject.name, *wanted.subject.others}
        return await asyncio.to_thread(forget, folder, names, cover, dry=wanted.dry)

    return erase


def _log_files(folder: Path, vault: Vault) -> Callable[[Wanted], Awaitable[int]]:
    cover = vault.cover("logs")

    def over(wanted: Wanted) -> int:
        pattern, count = wanted.subject.pattern(), 0

        def change(line: bytes) -> bytes:
            nonlocal count
            text = line.decode("utf-8", "surrogateescape")
            after, found = pattern.subn(lambda hit: "*" * len(hit[0].encode()), text)
            count += bool(found)
            return line if wanted.dry else after.encode("utf-8", "surrogateescape")

        for path in [*folder.glob("*.log"), *folder.glob("*.log.1")]:
            overwrite(path, cover, change)
        return count

    return lambda wanted: asyncio.to_thread(over, wanted)


def _audit_lines(folder: Path, vault: Vault) -> Callable[[Subject], Awaitable[int]]:
    cover = vault.cover("audit")

    def count(subject: Subject) -> int:
        match = subject.match()
        return sum(
            match(line.decode("utf-8", "replace"))
            for paths in chains(folder).values()
            for _, line in lines(paths, cover)
        )

    return lambda subject: asyncio.to_thread(count, subject)


def _series(series: TimeSeries) -> Callable[[Subject], Awaitable[int]]:
    async def count(subject: Subject) -> int:
        return await series.naming(subject.name)

    return count
