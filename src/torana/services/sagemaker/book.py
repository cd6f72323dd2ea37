"""How models, endpoint configurations and endpoints are kept.

Source: Amazon SageMaker API Reference, "CreateModel", "CreateEndpointConfig", "CreateEndpoint".
"""

from datetime import UTC, datetime
from time import time
from typing import Any

from msgspec import Struct

from torana.services.apigateway.book import Book, Sheet
from torana.services.ports import Call
from torana.wire.faults import ServiceError

__all__ = ["Book", "Json", "Sheet"]

Json = dict[str, Any]


class Kind(Struct, frozen=True):
    """A kind of resource: its documents' name, its ARNs', and the member that names one."""

    store: str
    word: str
    name: str
    member: str
    """Of the ARN."""


MODEL = Kind("sagemaker-model", "model", "ModelName", "ModelArn")
CONFIG = Kind("sagemaker-config", "endpoint-config", "EndpointConfigName", "EndpointConfigArn")
ENDPOINT = Kind("sagemaker-endpoint", "endpoint", "EndpointName", "EndpointArn")
ASYNC = "sagemaker-async"
"""Under `{endpoint}/{id}`: invocations that are accepted and not done."""
TAGS = "sagemaker-tags"
"""Under an ARN."""
KINDS = (MODEL, CONFIG, ENDPOINT)
_TIMES = frozenset({"CreationTime", "LastModifiedTime"})


def arn(call: Call, kind: Kind, name: str) -> str:
    """Of a resource. Names in ARNs are in lower case."""
    account = call.principal.account
    return f"arn:aws:sagemaker:{call.region}:{account}:{kind.word}/{name.lower()}"


def invalid(text: str) -> ServiceError:
    """What the service says of nearly everything."""
    return ServiceError("ValidationException", text, status=400)


def refuse(params: Json, *names: str) -> None:
    """Raises the service's error for options that nothing here heeds."""
    wrong = [name for name in names if params.get(name)]
    if wrong:
        raise invalid(f"Not supported here: {', '.join(wrong)}")


async def the(sheet: Sheet, call: Call, kind: Kind, name: str) -> Json:
    """A resource. Raises the service's error."""
    found = await sheet.get(kind.store, name)
    if found is None:
        words = kind.word.replace("-", " ")
        raise invalid(f'Could not find {words} "{arn(call, kind, name)}".')
    return found


async def new(sheet: Sheet, call: Call, kind: Kind, given: Json) -> Json:
    """Write a resource down. Raises the service's error when there is one of that name."""
    name, now = given[kind.name], time()
    address = arn(call, kind, name)
    if await sheet.get(kind.store, name) is not None:
        words = kind.word.replace("-", " ")
        raise invalid(f'Cannot create already existing {words} "{address}".')
    tags: list[Json] = given.pop("Tags", None) or []
    made = {**given, kind.member: address, "CreationTime": now, "LastModifiedTime": now}
    sheet.put(kind.store, name, made)
    if tags:
        sheet.put(TAGS, address, {tag["Key"]: tag["Value"] for tag in tags})
    return made


async def gone(sheet: Sheet, call: Call, kind: Kind, name: str) -> Json:
    """Delete a resource with its tags."""
    found = await the(sheet, call, kind, name)
    sheet.delete(kind.store, name)
    if await sheet.get(TAGS, found[kind.member]) is not None:
        sheet.delete(TAGS, found[kind.member])
    return found


def shown(document: Json, members: tuple[str, ...]) -> Json:
    """As the service writes it."""
    return {
        name: datetime.fromtimestamp(document[name], UTC) if name in _TIMES else document[name]
        for name in members
        if document.get(name) is not None
    }


def page(items: list[Json], params: Json, answer: str, kind: Kind, more: tuple[str, ...]) -> Json:
    """A page of a list: filtered, sorted, cut."""
    part, status = params.get("NameContains", ""), params.get("StatusEquals")
    items = [
        each
        for each in items
        if part in each[kind.name] and status in (None, each.get("EndpointStatus"))
    ]
    by = {"Name": kind.name, "Status": "EndpointStatus"}.get(
        params.get("SortBy", ""), "CreationTime"
    )
    items.sort(key=lambda each: each[by], reverse=params.get("SortOrder") != "Ascending")
    start = params.get("NextToken") or "0"
    if not start.isdigit():
        raise invalid("Invalid NextToken")
    end = int(start) + (params.get("MaxResults") or 10)
    members = (kind.name, kind.member, "CreationTime", *more)
    found: Json = {answer: [shown(each, members) for each in items[int(start) : end]]}
    if end < len(items):
        found["NextToken"] = str(end)
    return found
