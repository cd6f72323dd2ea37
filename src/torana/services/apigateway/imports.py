"""Many things at once: API keys from CSV, documentation parts from JSON or OpenAPI.

Source: Developer Guide, "API Gateway API key file format", and "Import API documentation into API
Gateway".
"""

import csv
import io
from time import time
from typing import Any, cast

import msgspec

from torana.auth.keys import hash_key, new_key
from torana.services.apigateway.apis import the_api
from torana.services.apigateway.book import (
    KEY,
    KEY_VALUE,
    PART,
    PLAN,
    PLAN_KEY,
    Book,
    Json,
    Sheet,
    new_id,
)
from torana.services.apigateway.faults import bad
from torana.services.ports import Call

_MOST = 1000
"""Rows or parts of one import."""
_COLUMNS = ("name", "key", "description", "enabled", "usageplanids")


class Imports:
    """Operations that import."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def ImportApiKeys(self, call: Call, params: Json) -> Json:
        if params["format"] != "csv":
            raise bad("Invalid format specified. Valid options are csv")
        rows = _rows(bytes(params.get("body") or b""))

        async def work(sheet: Sheet) -> Json:
            ids: list[str] = []
            warnings: list[str] = []
            for row in rows:
                id = await _import_key(sheet, row, warnings)
                if id is not None:
                    ids.append(id)
            if warnings and params.get("failOnWarnings"):
                raise bad("Warnings found during import:\n" + "\n".join(warnings))
            return {"ids": ids, "warnings": warnings}

        return await self._book.edit(call, work)

    async def ImportDocumentationParts(self, call: Call, params: Json) -> Json:
        given = _parts(bytes(params.get("body") or b""))
        mode = params.get("mode") or "merge"

        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            prefix = f"{api['id']}/documentation/"
            known = {_place(part): part async for _, part in sheet.scan(PART, prefix)}
            if mode == "overwrite":
                for part in known.values():
                    sheet.delete(PART, f"{prefix}{part['id']}")
                known = {}
            ids: list[str] = []
            for part in given:
                before = known.get(_place(part))
                made = {**part, "id": before["id"] if before else new_id(6)}
                if before:
                    made["properties"] = _merged(before["properties"], part["properties"])
                known[_place(part)] = made
                sheet.put(PART, f"{prefix}{made['id']}", made)
                ids.append(made["id"])
            return {"ids": list(dict.fromkeys(ids)), "warnings": []}

        return await self._book.edit(call, work)


def _rows(body: bytes) -> list[dict[str, str]]:
    """The rows by column, whose names have no case. Raises the service's error."""
    try:
        table = [row for row in csv.reader(io.StringIO(body.decode("utf-8-sig"))) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise bad(f"Failed to parse API keys file: {error}") from error
    if not table:
        raise bad("Failed to parse API keys file: it is empty")
    names = [name.strip().lower() for name in table[0]]
    unknown = sorted(set(names) - set(_COLUMNS))
    if unknown or "name" not in names or "key" not in names:
        raise bad("The API keys file must have the columns name and key, and no unknown ones")
    if len(table) > _MOST:
        raise bad(f"The API keys file must not have over {_MOST} rows")
    return [dict(zip(names, map(str.strip, row), strict=False)) for row in table[1:]]


async def _import_key(sheet: Sheet, row: dict[str, str], warnings: list[str]) -> str | None:
    name, value = row.get("name", ""), row.get("key") or new_key()
    if not 20 <= len(value) <= 128:
        warnings.append(f"API Key value of {name!r} should be at least 20 characters")
        return None
    hashed = hash_key(value)
    if await sheet.get(KEY_VALUE, hashed) is not None:
        warnings.append(f"API Key {name!r} already exists")
        return None
    now = int(time())
    key: Json = {
        "id": new_id(),
        "name": name,
        "enabled": row.get("enabled", "true").lower() in ("true", ""),
        "createdDate": now,
        "lastUpdatedDate": now,
        "stageKeys": [],
        "valueHash": hashed,
    }
    if row.get("description"):
        key["description"] = row["description"]
    sheet.put(KEY, key["id"], key)
    sheet.put(KEY_VALUE, hashed, {"id": key["id"]})
    for plan in filter(None, (each.strip() for each in row.get("usageplanids", "").split(","))):
        if await sheet.get(PLAN, plan) is None:
            warnings.append(f"Usage plan {plan!r} of API Key {name!r} does not exist")
            continue
        member = {"id": key["id"], "type": "API_KEY", "name": name}
        sheet.put(PLAN_KEY, f"{plan}/{key['id']}", member)
    return key["id"]


def _parts(body: bytes) -> list[Json]:
    """The parts of a documentation file, or of an OpenAPI document's extension."""
    try:
        document: Any = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise bad(f"Failed to parse documentation parts: {error}") from error
    whole = cast(Json, document) if isinstance(document, dict) else {}
    inner: Any = whole.get("x-amazon-apigateway-documentation") or whole
    parts: Any = cast(Json, inner).get("documentationParts") if isinstance(inner, dict) else None
    if not isinstance(parts, list) or len(cast(list[Any], parts)) > _MOST:
        raise bad(f"documentationParts must be a list of at most {_MOST} parts")
    return [_part(each) for each in cast(list[Any], parts)]


def _part(given: Any) -> Json:
    part = cast(Json, given) if isinstance(given, dict) else {}
    location, properties = part.get("location"), part.get("properties")
    if not isinstance(location, dict) or not cast(Json, location).get("type") or not properties:
        raise bad("A documentation part needs a location with a type, and properties")
    text = properties if isinstance(properties, str) else msgspec.json.encode(properties).decode()
    return {"location": location, "properties": text}


def _place(part: Json) -> str:
    return msgspec.json.encode(part["location"], order="deterministic").decode()


def _merged(before: str, after: str) -> str:
    """The new properties over the ones there were; what is no object replaces."""
    try:
        old: Any = msgspec.json.decode(before)
        new: Any = msgspec.json.decode(after)
    except msgspec.DecodeError:
        return after
    if not isinstance(old, dict) or not isinstance(new, dict):
        return after
    return msgspec.json.encode({**cast(Json, old), **cast(Json, new)}).decode()
