"""Tags of certificates, by both pairs of operations that the service has for them."""

from collections.abc import Callable, Iterable

from torana.services.acm.records import CERTIFICATE, Json, the_certificate
from torana.services.apigateway.book import Book, Sheet
from torana.services.given import items
from torana.services.ports import Call
from torana.wire.faults import ServiceError

_MOST = 50


def merged(tags: dict[str, str], given: Iterable[Json]) -> dict[str, str]:
    """Raises `ServiceError`."""
    made = {**tags, **{each["Key"]: each.get("Value") or "" for each in given}}
    if any(name.lower().startswith("aws:") for name in made):
        raise ServiceError("InvalidTagException", "Tags must not begin with aws:")
    if len(made) > _MOST:
        raise ServiceError("TooManyTagsException", f"A certificate has at most {_MOST} tags")
    return made


class Tags:
    """The operations."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def _edit(
        self, call: Call, arn: str, change: Callable[[dict[str, str]], dict[str, str]]
    ) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await the_certificate(sheet, arn)
            found["Tags"] = change(found["Tags"])
            sheet.put(CERTIFICATE, found["Id"], found)
            return {}

        return await self._book.edit(call, work)

    async def _list(self, arn: str) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await the_certificate(sheet, arn)
            return {"Tags": [{"Key": key, "Value": text} for key, text in found["Tags"].items()]}

        return await self._book.read(work)

    async def AddTagsToCertificate(self, call: Call, params: Json) -> Json:
        given = items(params, "Tags")
        return await self._edit(call, params["CertificateArn"], lambda tags: merged(tags, given))

    async def RemoveTagsFromCertificate(self, call: Call, params: Json) -> Json:
        """Those of the keys; one that is given with a value only if it has that."""
        gone = {each["Key"]: each.get("Value") for each in items(params, "Tags")}

        def change(tags: dict[str, str]) -> dict[str, str]:
            return {
                key: text
                for key, text in tags.items()
                if key not in gone or gone[key] not in (None, text)
            }

        return await self._edit(call, params["CertificateArn"], change)

    async def ListTagsForCertificate(self, call: Call, params: Json) -> Json:
        return await self._list(params["CertificateArn"])

    async def TagResource(self, call: Call, params: Json) -> Json:
        given = items(params, "Tags")
        return await self._edit(call, params["ResourceArn"], lambda tags: merged(tags, given))

    async def UntagResource(self, call: Call, params: Json) -> Json:
        gone = set(items(params, "TagKeys"))
        return await self._edit(
            call,
            params["ResourceArn"],
            lambda tags: {key: text for key, text in tags.items() if key not in gone},
        )

    async def ListTagsForResource(self, call: Call, params: Json) -> Json:
        return await self._list(params["ResourceArn"])
