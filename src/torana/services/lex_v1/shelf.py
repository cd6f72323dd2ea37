"""What Lex V1 keeps: latest documents that are edited, numbered versions that are not.

Source: Lex V1 Developer Guide, "Versioning"; the `lex-models` service model.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from time import time
from typing import Any

import msgspec
from msgspec import Struct

from torana.services.apigateway.book import Book, Sheet
from torana.services.ports import Call
from torana.wire.faults import ServiceError

__all__ = ["Book", "Sheet"]

Json = dict[str, Any]

TYPE, INTENT, BOT = "lex1-slot-type", "lex1-intent", "lex1-bot"
"""Each under `{name}/{version}`."""
ALIAS = "lex1-alias"
"""Under `{bot}/{alias}`."""
TAGS = "lex1-tags"
"""Under an ARN."""
LATEST = "$LATEST"
_TIMES = ("createdDate", "lastUpdatedDate")
_OWN = ("last", "published", "built")
"""Members of a latest document that are nobody else's business."""
_PAGE = 10


def bad(why: str) -> ServiceError:
    """A parameter that cannot be."""
    return ServiceError("BadRequestException", why)


def missing(what: str) -> ServiceError:
    """There is no such thing."""
    return ServiceError("NotFoundException", f"The resource is not found: {what}")


def in_use(by: str, name: str, version: str) -> ServiceError:
    """Something refers to it."""
    fields = {"referenceType": by, "exampleReference": {"name": name, "version": version}}
    return ServiceError("ResourceInUseException", fields=fields)


def shown(document: Mapping[str, Any]) -> Json:
    """As answers have it: times as such, nothing of our own."""
    return {
        name: datetime.fromtimestamp(value, UTC) if name in _TIMES else value
        for name, value in document.items()
        if name not in _OWN
    }


def summary(document: Mapping[str, Any]) -> Json:
    """As lists have it."""
    names = ("name", "description", "status", "version", *_TIMES)
    return shown({name: document[name] for name in names if name in document})


def checksum(document: Mapping[str, Any], members: tuple[str, ...]) -> str:
    """Of what was given: the same for the same."""
    told = msgspec.json.encode({name: document.get(name) for name in members}, order="sorted")
    return hashlib.sha256(told).hexdigest()[:32]


def agree(before: Json | None, params: Json) -> None:
    """Raises the service's error unless the client has seen what it changes."""
    told = params.get("checksum")
    if (before["checksum"] if before else None) != told:
        text = "The checksum is not that of the latest version" if before else "It does not exist"
        raise ServiceError("PreconditionFailedException", text)


def page(items: list[Json], params: Json, answer: str) -> Json:
    """A page of a list, of names that contain what was asked for."""
    wanted = params.get("nameContains") or ""
    items = [each for each in items if wanted in each.get("name", "")]
    start = params.get("nextToken") or "0"
    if not start.isdigit():
        raise bad("nextToken is not one of this list")
    end = int(start) + (params.get("maxResults") or _PAGE)
    found: Json = {answer: items[int(start) : end]}
    return found | ({"nextToken": str(end)} if end < len(items) else {})


Check = Callable[[Sheet, Json], Awaitable[None]]
"""Whether a document may be written. Raises `ServiceError`."""


class Shelf(Struct, frozen=True):
    """One kind of them. `members`: what a client gives."""

    book: Book
    kind: str
    members: tuple[str, ...]
    check: Check

    async def put(self, sheet: Sheet, params: Json, more: Json) -> Json:
        """Writes the latest one. Raises `ServiceError`."""
        name, now = params["name"], time()
        before = await sheet.get(self.kind, f"{name}/{LATEST}")
        agree(before, params)
        given = {each: params[each] for each in self.members if params.get(each) is not None}
        new: Json = {
            **given,
            "name": name,
            "version": LATEST,
            "createdDate": before["createdDate"] if before else now,
            "lastUpdatedDate": now,
            "checksum": checksum(given, self.members),
            "last": before["last"] if before else 0,
            **({"published": before["published"]} if before and "published" in before else {}),
            **more,
        }
        await self.check(sheet, new)
        sheet.put(self.kind, f"{name}/{LATEST}", new)
        return new

    async def publish(self, sheet: Sheet, latest: Json) -> Json:
        """A numbered version; the last one if nothing has changed since. Raises `ServiceError`."""
        name = latest["name"]
        if latest.get("published") == latest["checksum"]:
            last = await sheet.get(self.kind, f"{name}/{latest['last']}")
            if last is not None:
                return last
        number = latest["last"] + 1
        new = {key: value for key, value in latest.items() if key not in _OWN}
        new |= {"version": str(number), "createdDate": time()}
        await self.check(sheet, new)
        sheet.put(self.kind, f"{name}/{number}", new)
        latest = {**latest, "last": number, "published": latest["checksum"]}
        sheet.put(self.kind, f"{name}/{LATEST}", latest)
        return new

    async def the(self, sheet: Sheet, name: str, version: str) -> Json:
        """One of them. Raises `ServiceError`."""
        found = await sheet.get(self.kind, f"{name}/{version}")
        if found is None:
            raise missing(f"{name}:{version}")
        return found

    async def versions(self, sheet: Sheet, name: str) -> list[Json]:
        """The latest one and the numbered ones. Raises `ServiceError` if there is none."""
        found = [each async for _, each in sheet.scan(self.kind, f"{name}/")]
        if not found:
            raise missing(name)
        return sorted(found, key=lambda each: (each["version"] != LATEST, len(each["version"])))

    async def latest(self, sheet: Sheet) -> list[Json]:
        """Of every name."""
        return [each async for _, each in sheet.scan(self.kind) if each["version"] == LATEST]

    async def created(self, call: Call, params: Json) -> Json:
        """`Create…Version`."""

        async def work(sheet: Sheet) -> Json:
            latest = await self.the(sheet, params["name"], LATEST)
            if params.get("checksum"):
                agree(latest, params)
            return shown(await self.publish(sheet, latest))

        return await self.book.edit(call, work)

    async def written(self, call: Call, params: Json) -> Json:
        """`Put…`."""

        async def work(sheet: Sheet) -> Json:
            new = await self.put(sheet, params, {})
            if params.get("createVersion"):
                await self.publish(sheet, new)
                return {**shown(new), "createVersion": True}
            return shown(new)

        return await self.book.edit(call, work)

    async def got(self, name: str, version: str) -> Json:
        """`Get…`."""

        async def work(sheet: Sheet) -> Json:
            return shown(await self.the(sheet, name, version))

        return await self.book.read(work)

    async def listed(self, params: Json, answer: str, name: str = "") -> Json:
        """`Get…s`, or `Get…Versions` of a name."""

        async def work(sheet: Sheet) -> Json:
            found = await self.versions(sheet, name) if name else await self.latest(sheet)
            return page([summary(each) for each in found], params, answer)

        return await self.book.read(work)

    async def deleted(
        self,
        call: Call,
        name: str,
        version: str,
        users: Callable[[Sheet, str, str], Awaitable[None]],
    ) -> Json:
        """`Delete…` of all versions (`version` empty), or of one. `users` raises if it is used."""

        async def work(sheet: Sheet) -> Json:
            found = await self.versions(sheet, name)
            gone = [each["version"] for each in found if version in ("", each["version"])]
            if not gone:
                raise missing(f"{name}:{version}")
            await users(sheet, name, version)
            for each in gone:
                sheet.delete(self.kind, f"{name}/{each}")
            return {}

        return await self.book.edit(call, work)
