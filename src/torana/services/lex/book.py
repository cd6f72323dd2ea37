"""How bots are kept, and what Lex's models say of them.

Source: Lex V2 API Reference, the operations of "Amazon Lex Model Building V2".
"""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from random import choices
from string import ascii_uppercase, digits
from time import time
from typing import Any

from torana.services.apigateway.book import Book, Sheet
from torana.services.members import part, parts
from torana.services.ports import Call
from torana.wire.faults import ServiceError

__all__ = ["Book", "Json", "Sheet"]

Json = dict[str, Any]

BOT = "lex-bot"
VERSION = "lex-version"
"""Under `{bot}/{version}`: numbered ones."""
ALIAS = "lex-alias"
"""Under `{bot}/{alias}`."""
LOCALE = "lex-locale"
"""Under `{bot}/{version}/{locale}`."""
INTENT = "lex-intent"
"""Under `{bot}/{version}/{locale}/{intent}`."""
SLOT = "lex-slot"
"""Under `{bot}/{version}/{locale}/{intent}/{slot}`."""
TYPE = "lex-slot-type"
"""Under `{bot}/{version}/{locale}/{slot type}`."""
BUILT = "lex-built"
"""Under `{bot}/{version}/{locale}`: what the runtime reads."""
TAGS = "lex-tags"
"""Under an ARN."""
INSIDE = (LOCALE, INTENT, SLOT, TYPE, BUILT)
"""What belongs to a version, by its id's beginning."""
TEST_ALIAS = "TSTALIASID"
FALLBACK = "FALLBCKINT"

_TIMES = frozenset({"creationDateTime", "lastUpdatedDateTime", "lastBuildSubmittedDateTime"})


def new_id() -> str:
    """An identifier of the service's form, with a digit, which names of Lex V1 cannot have."""
    found = choices(ascii_uppercase + digits, k=9)  # noqa: S311  nothing secret
    return "".join(found) + choices(digits, k=1)[0]  # noqa: S311


def shown(document: Mapping[str, Any], members: tuple[str, ...]) -> Json:
    """The members of an answer, by the names it may have."""
    return {
        name: datetime.fromtimestamp(document[name], UTC) if name in _TIMES else document[name]
        for name in members
        if document.get(name) is not None
    }


def given(params: Json, members: tuple[str, ...]) -> Json:
    """What a request sets."""
    return {name: params[name] for name in members if params.get(name) is not None}


def made(params: Json, members: tuple[str, ...]) -> Json:
    """A new document of what a request sets."""
    now = time()
    return {**given(params, members), "creationDateTime": now, "lastUpdatedDateTime": now}


def changed(before: Json, params: Json, members: tuple[str, ...]) -> Json:
    """A document after an update, which sets every one of its members anew."""
    kept = {name: value for name, value in before.items() if name not in members}
    return {**kept, **given(params, members), "lastUpdatedDateTime": time()}


def created(members: tuple[str, ...]) -> tuple[str, ...]:
    """Those that answers to creations have: no time of a change."""
    return tuple(name for name in members if name not in ("lastUpdatedDateTime", "slotPriorities"))


def key(params: Json, *names: str) -> str:
    """A document's id, from the request's path."""
    return "/".join(str(params[name]) for name in names)


async def the(sheet: Sheet, call: Call, kind: str, id: str) -> Json:
    """A document. Raises the service's error."""
    found = await sheet.get(kind, id)
    if found is None:
        raise missing(call, id)
    return found


def missing(call: Call, id: str) -> ServiceError:
    """There is no such thing. Operations that change it say so as a failed precondition."""
    reads = call.operation.startswith(("Describe", "List", "Tag", "Untag"))
    code = "ResourceNotFoundException" if reads else "PreconditionFailedException"
    return ServiceError(code, f"Failed to retrieve resource since it does not exist: {id}")


def invalid(text: str) -> ServiceError:
    """A parameter that cannot be."""
    return ServiceError("ValidationException", text)


def conflict(text: str) -> ServiceError:
    """Something is in use, or there already."""
    return ServiceError("ConflictException", text)


def refuse(params: Json, *names: str) -> None:
    """Raises the service's error for options that nothing here heeds."""
    wrong = [name for name in names if params.get(name)]
    if wrong:
        raise invalid(f"Not supported here: {', '.join(wrong)}")


async def unique(
    sheet: Sheet, kind: str, prefix: str, field: str, name: str, but: str = ""
) -> None:
    """Raises the service's error when another document bears the name."""
    async for id, each in sheet.scan(kind, prefix):
        if each[field] == name and id != but:
            raise conflict(f"{field} {name} is in use: choose another")


async def draft(sheet: Sheet, call: Call, params: Json) -> Json:
    """The locale that is to be changed: of the draft only. From now on it is not built."""
    if params["botVersion"] != "DRAFT":
        raise invalid("Only the DRAFT version can be changed")
    id = key(params, "botId", "botVersion", "localeId")
    locale = await the(sheet, call, LOCALE, id)
    if locale["botLocaleStatus"] == "Building":
        raise conflict(f"The locale {id} is being built")
    if locale["botLocaleStatus"] != "NotBuilt":
        locale |= {"botLocaleStatus": "NotBuilt", "lastUpdatedDateTime": time()}
        sheet.put(LOCALE, id, locale)
    return locale


async def everything(
    sheet: Sheet, kinds: tuple[str, ...], prefix: str
) -> AsyncIterator[tuple[str, str, Json]]:
    """Kind, id and document of all that is under an id."""
    for kind in kinds:
        async for id, each in sheet.scan(kind, prefix):
            yield kind, id, each


async def remove(sheet: Sheet, kinds: tuple[str, ...], prefix: str) -> None:
    """Delete all that is under an id."""
    found = [(kind, id) async for kind, id, _ in everything(sheet, kinds, prefix)]
    for kind, id in found:
        sheet.delete(kind, id)


_FILTERS = {
    "BotName": "botName",
    "BotType": "botType",
    "BotLocaleName": "localeName",
    "IntentName": "intentName",
    "SlotName": "slotName",
    "SlotTypeName": "slotTypeName",
    "BotVersion": "botVersion",
    "LastUpdatedDateTime": "lastUpdatedDateTime",
    "LastUpdatedDate": "lastUpdatedDateTime",
}
"""Names of filters and of what lists are sorted by."""


def page(items: list[Json], params: Json, answer: str, members: tuple[str, ...]) -> Json:
    """A page of a list: filtered, sorted, cut."""
    for each in parts(params, "filters"):
        field = _FILTERS.get(each["name"])
        if field is None:
            raise invalid(f"Filter {each['name']} is not supported here")
        items = [item for item in items if _passes(str(item.get(field, "")), each)]
    order = part(params, "sortBy")
    field = _FILTERS.get(order.get("attribute", ""), "")
    if field:
        down = order["order"] == "Descending"
        items = sorted(items, key=lambda item: item.get(field, ""), reverse=down)
    start = params.get("nextToken") or "0"
    if not start.isdigit():
        raise invalid("nextToken is not one of this list")
    end = int(start) + (params.get("maxResults") or 1000)
    found: Json = {answer: [shown(item, members) for item in items[int(start) : end]]}
    if end < len(items):
        found["nextToken"] = str(end)
    return found


def _passes(value: str, wanted: Json) -> bool:
    if wanted["operator"] == "CO":
        return any(each in value for each in wanted["values"])
    return (value in wanted["values"]) == (wanted["operator"] == "EQ")


def arn(call: Call, place: str) -> str:
    """Of a bot (`bot/{id}`) or an alias (`bot-alias/{bot}/{alias}`)."""
    return f"arn:aws:lex:{call.region}:{call.principal.account}:{place}"
