"""Operations on function URLs.

Source: AWS Lambda API Reference; Lambda Developer Guide, "Creating and managing function URLs".
"""

import secrets
import string
import time
from typing import Any, cast

from msgspec import structs

from torana.services.lambda_.book import Book
from torana.services.lambda_.names import conflict, invalid, missing
from torana.services.lambda_.records import Record, Url
from torana.services.lambda_.shown import moment, page
from torana.services.ports import Call

Json = dict[str, Any]

_LETTERS = string.ascii_lowercase + string.digits
_METHODS = frozenset({"GET", "PUT", "HEAD", "POST", "PATCH", "DELETE", "*"})


class UrlConfigs:
    """Operations on function URLs."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def CreateFunctionUrlConfig(self, call: Call, params: Json) -> Json:
        """An address for a function, or for one of its aliases."""
        record, qualifier = self._named(params)
        now = time.time()
        id = "".join(secrets.choice(_LETTERS) for _ in range(32))
        made = _changed(Url(id, params["AuthType"], now, now), params)

        def create(found: Record) -> Record:
            if qualifier in found.urls:
                raise conflict(
                    "Failed to create function url config for [functionArn = "
                    f"{self._book.arn(found.name, qualifier)}]. Error message:  FunctionUrlConfig "
                    "exists for this Lambda function"
                )
            return structs.replace(found, urls={**found.urls, qualifier: made})

        record = await self._book.edit_known(record.name, create)
        shown = self._shown(record, qualifier)
        del shown["LastModifiedTime"]
        return shown

    async def UpdateFunctionUrlConfig(self, call: Call, params: Json) -> Json:
        """Other settings, under the same address."""
        record, qualifier = self._named(params)

        def update(found: Record) -> Record:
            changed = _changed(_known(found, qualifier), params)
            changed = structs.replace(changed, modified=time.time())
            return structs.replace(found, urls={**found.urls, qualifier: changed})

        record = await self._book.edit_known(record.name, update)
        return self._shown(record, qualifier)

    async def GetFunctionUrlConfig(self, call: Call, params: Json) -> Json:
        """A URL's settings."""
        record, qualifier = self._named(params)
        return self._shown(record, qualifier)

    async def ListFunctionUrlConfigs(self, call: Call, params: Json) -> Json:
        """All of a function."""
        record, _ = self._book.get(params["FunctionName"])
        found = [self._shown(record, each) for each in sorted(record.urls)]
        return page(found, params, "FunctionUrlConfigs")

    async def DeleteFunctionUrlConfig(self, call: Call, params: Json) -> Json:
        """The address answers no more, and is never given again."""
        record, qualifier = self._named(params)

        def delete(found: Record) -> Record:
            _known(found, qualifier)
            left = {key: each for key, each in found.urls.items() if key != qualifier}
            return structs.replace(found, urls=left)

        await self._book.edit_known(record.name, delete)
        return {}

    def _named(self, params: Json) -> tuple[Record, str]:
        record, qualifier = self._book.get(params["FunctionName"], params.get("Qualifier"))
        if qualifier and qualifier not in record.aliases:
            raise missing(f"Function not found: {self._book.arn(record.name, qualifier)}")
        return record, qualifier

    def _shown(self, record: Record, qualifier: str) -> Json:
        found = _known(record, qualifier)
        shown: Json = {
            "FunctionUrl": self._book.runner.url(found.id),
            "FunctionArn": self._book.arn(record.name, qualifier),
            "AuthType": found.auth,
            "CreationTime": moment(found.created),
            "LastModifiedTime": moment(found.modified),
            "InvokeMode": found.mode,
        }
        if found.cors:
            shown["Cors"] = found.cors
        return shown


def _known(record: Record, qualifier: str) -> Url:
    found = record.urls.get(qualifier)
    if found is None:
        raise missing("The resource you requested does not exist.")
    return found


def _changed(url: Url, params: Json) -> Url:
    cors = params.get("Cors")
    if cors:
        _check(cast(Json, cors))
    return structs.replace(
        url,
        auth=params.get("AuthType") or url.auth,
        mode=params.get("InvokeMode") or url.mode,
        cors=url.cors if cors is None else dict(cors),
    )


def _check(cors: Json) -> None:
    for each in cors.get("AllowMethods") or ():
        if each not in _METHODS:
            raise invalid(f"AllowMethods: {each!r} is not one of {', '.join(sorted(_METHODS))}")
