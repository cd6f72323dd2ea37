"""Operations that look for parameters. Source: Systems Manager API Reference."""

from collections.abc import Callable, Mapping
from typing import Any

from torana.services.apigateway.book import Book, Sheet
from torana.services.ports import Call
from torana.services.ssm.parameters import shown_value
from torana.services.ssm.records import KIND, Json, described, invalid, version_of
from torana.services.ssm.secrets import Secrets
from torana.wire.faults import ServiceError

_PAGE, _PATH_PAGE = 50, 10
_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "Equals": lambda value, wanted: value == wanted,
    "BeginsWith": lambda value, wanted: value.startswith(wanted),
    "Contains": lambda value, wanted: wanted in value,
}
_MEMBERS = {"Type": "Type", "KeyId": "KeyId", "Tier": "Tier", "DataType": "DataType"}


class Listing:
    """By path, and by what they are."""

    def __init__(self, book: Book, secrets: Secrets) -> None:
        self._book, self._secrets = book, secrets

    async def GetParametersByPath(self, call: Call, params: Json) -> Json:
        """With their values."""
        path = params["Path"]
        if not path.startswith("/"):
            raise invalid(
                "The parameter doesn't meet the parameter name requirements. The parameter name "
                'must begin with a forward slash "/".'
            )
        deep = bool(params.get("Recursive"))
        found = [each for each in await self._all() if _below(each["Name"], path, deep)]
        found = [each for each in found if _fits(each, params)]
        some, token = _page(found, params, _PATH_PAGE)
        shown = [
            await shown_value(self._secrets, call, each, version_of(each, 0), params)
            for each in some
        ]
        return {"Parameters": shown, **token}

    async def DescribeParameters(self, call: Call, params: Json) -> Json:
        """Without their values."""
        older = [
            {"Key": each["Key"], "Option": "Equals", "Values": each["Values"]}
            for each in params.get("Filters") or ()
        ]
        asked = {"ParameterFilters": [*(params.get("ParameterFilters") or ()), *older]}
        found = [each for each in await self._all() if _fits(each, asked)]
        some, token = _page(found, params, _PAGE)
        return {"Parameters": [described(call, e, version_of(e, 0)) for e in some], **token}

    async def _all(self) -> list[Json]:
        async def work(sheet: Sheet) -> list[Json]:
            return [each async for _, each in sheet.scan(KIND)]

        return await self._book.read(work)


def _below(name: str, path: str, deep: bool) -> bool:
    start = path.rstrip("/") + "/"
    if not name.startswith(start):
        return path == "/" and not name.startswith("/")
    return deep or "/" not in name[len(start) :]


def _fits(document: Json, params: Json) -> bool:
    return all(_one(document, each) for each in params.get("ParameterFilters") or ())


def _one(document: Json, asked: Json) -> bool:
    key, option = asked["Key"], asked.get("Option") or "Equals"
    values: list[str] = asked.get("Values") or []
    version = version_of(document, 0)
    if key == "Path":
        deep = option == "Recursive"
        return any(_below(document["Name"], each, deep) for each in values)
    if key.startswith("tag:"):
        tag: Any = document["Tags"].get(key[4:])
        return tag is not None and (not values or tag in values)
    if option not in _TESTS:
        raise ServiceError(
            "InvalidFilterOption", f"The filter option {option} is not valid.", status=400
        )
    if key == "Name":
        value = document["Name"]
    elif key in _MEMBERS:
        value = str(version.get(_MEMBERS[key]) or ("text" if key == "DataType" else ""))
    else:
        raise ServiceError("InvalidFilterKey", f"The filter key {key} is not valid.", status=400)
    return any(_TESTS[option](value, each) for each in values)


def _page(found: list[Json], params: Json, most: int) -> tuple[list[Json], Json]:
    limit = min(params.get("MaxResults") or most, most)
    start = params.get("NextToken") or ""
    rest = [each for each in found if each["Name"] > start]
    more: Json = {"NextToken": rest[limit - 1]["Name"]} if len(rest) > limit else {}
    return rest[:limit], more
