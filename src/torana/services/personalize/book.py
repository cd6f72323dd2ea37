"""How Personalize's resources are kept, listed and named.

Source: Amazon Personalize API Reference.
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

ACTIVE, PENDING, FAILED = "ACTIVE", "CREATE PENDING", "CREATE FAILED"


class Kind(Struct, frozen=True):
    """A kind of resource: the names of its documents, of its ARN, of its members on the wire."""

    store: str
    arn: str
    """The member that holds the ARN."""
    members: tuple[str, ...]
    summary: tuple[str, ...]


_TIMES = ("creationDateTime", "lastUpdatedDateTime")
_STATE = ("status", *_TIMES)

SCHEMA = Kind(
    "personalize-schema",
    "schemaArn",
    ("name", "schemaArn", "schema", "domain", *_TIMES),
    ("name", "schemaArn", "domain", *_TIMES),
)
GROUP = Kind(
    "personalize-group",
    "datasetGroupArn",
    ("name", "datasetGroupArn", "roleArn", "domain", "failureReason", *_STATE),
    ("name", "datasetGroupArn", "domain", "failureReason", *_STATE),
)
DATASET = Kind(
    "personalize-dataset",
    "datasetArn",
    ("name", "datasetArn", "datasetGroupArn", "datasetType", "schemaArn", "trackingId", *_STATE),
    ("name", "datasetArn", "datasetType", *_STATE),
)
IMPORT = Kind(
    "personalize-import",
    "datasetImportJobArn",
    (
        *("jobName", "datasetImportJobArn", "datasetArn", "dataSource", "roleArn"),
        *("importMode", "failureReason", *_STATE),
    ),
    ("jobName", "datasetImportJobArn", "importMode", "failureReason", *_STATE),
)
TRACKER = Kind(
    "personalize-tracker",
    "eventTrackerArn",
    ("name", "eventTrackerArn", "accountId", "trackingId", "datasetGroupArn", *_STATE),
    ("name", "eventTrackerArn", *_STATE),
)
SOLUTION = Kind(
    "personalize-solution",
    "solutionArn",
    (
        *("name", "solutionArn", "performHPO", "performAutoML", "performAutoTraining"),
        *("recipeArn", "datasetGroupArn", "eventType", "solutionConfig"),
        *("latestSolutionVersion", *_STATE),
    ),
    ("name", "solutionArn", "recipeArn", *_STATE),
)
VERSION = Kind(
    "personalize-version",
    "solutionVersionArn",
    (
        *("name", "solutionVersionArn", "solutionArn", "performHPO", "performAutoML"),
        *("recipeArn", "eventType", "datasetGroupArn", "solutionConfig", "trainingHours"),
        *("trainingMode", "trainingType", "failureReason", *_STATE),
    ),
    ("solutionVersionArn", "trainingMode", "trainingType", "failureReason", *_STATE),
)
CAMPAIGN = Kind(
    "personalize-campaign",
    "campaignArn",
    (
        *("name", "campaignArn", "solutionVersionArn", "minProvisionedTPS", "campaignConfig"),
        *("failureReason", *_STATE),
    ),
    ("name", "campaignArn", "failureReason", *_STATE),
)
FILTER = Kind(
    "personalize-filter",
    "filterArn",
    ("name", "filterArn", "datasetGroupArn", "filterExpression", "failureReason", *_STATE),
    ("name", "filterArn", "datasetGroupArn", "failureReason", *_STATE),
)
RECOMMENDER = Kind(
    "personalize-recommender",
    "recommenderArn",
    (
        *("recommenderArn", "datasetGroupArn", "name", "recipeArn", "recommenderConfig"),
        *("failureReason", "modelMetrics", *_STATE),
    ),
    ("name", "recommenderArn", "datasetGroupArn", "recipeArn", "recommenderConfig", *_STATE),
)
TAGS = "personalize-tags"
KINDS = (
    *(SCHEMA, GROUP, DATASET, IMPORT, TRACKER, SOLUTION, VERSION, CAMPAIGN, FILTER, RECOMMENDER),
)


def arn(call: Call, place: str) -> str:
    """Of a resource."""
    return f"arn:aws:personalize:{call.region}:{call.principal.account}:{place}"


def absent(name: str) -> ServiceError:
    """There is no such resource."""
    return ServiceError("ResourceNotFoundException", f"Could not find resource with ARN: {name}")


def invalid(text: str) -> ServiceError:
    """A parameter that cannot be."""
    return ServiceError("InvalidInputException", text)


def in_use(text: str) -> ServiceError:
    """Something depends on it."""
    return ServiceError("ResourceInUseException", text)


def refuse(params: Json, *names: str) -> None:
    """Raises the service's error for options that nothing here heeds."""
    wrong = [name for name in names if params.get(name)]
    if wrong:
        raise invalid(f"Not supported here: {', '.join(wrong)}")


async def the(sheet: Sheet, kind: Kind, name: str) -> Json:
    """A resource by its ARN. Raises the service's error."""
    found = await sheet.get(kind.store, name)
    if found is None:
        raise absent(name)
    return found


async def new(sheet: Sheet, call: Call, kind: Kind, place: str, given: Json) -> Json:
    """Write a resource down. Raises the service's error when there is one of that name."""
    name, now = arn(call, place), time()
    if await sheet.get(kind.store, name) is not None:
        text = f"Another resource with Arn {name} already exists."
        raise ServiceError("ResourceAlreadyExistsException", text)
    tags: list[Json] = given.pop("tags", None) or []
    made: Json = {
        "status": ACTIVE,
        **{key: value for key, value in given.items() if value is not None},
        kind.arn: name,
        "creationDateTime": now,
        "lastUpdatedDateTime": now,
    }
    sheet.put(kind.store, name, made)
    if tags:
        sheet.put(TAGS, name, {tag["tagKey"]: tag["tagValue"] for tag in tags})
    return made


async def gone(sheet: Sheet, name: str, kind: Kind) -> None:
    """Delete a resource with its tags."""
    await the(sheet, kind, name)
    sheet.delete(kind.store, name)
    if await sheet.get(TAGS, name) is not None:
        sheet.delete(TAGS, name)


def shown(document: Json, members: tuple[str, ...]) -> Json:
    """As the service writes it."""
    return {
        name: datetime.fromtimestamp(document[name], UTC) if name in _TIMES else document[name]
        for name in members
        if document.get(name) is not None
    }


class Reads:
    """Descriptions and lists, which are alike for every kind."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def describe(self, kind: Kind, name: str, member: str) -> Json:
        """One resource."""

        async def work(sheet: Sheet) -> Json:
            return {member: shown(await the(sheet, kind, name), kind.members)}

        return await self._book.read(work)

    async def list(self, kind: Kind, params: Json, answer: str, by: str = "") -> Json:
        """A page of them, by name; those only whose member `by` is as the request says."""

        async def work(sheet: Sheet) -> list[Json]:
            return [each async for _, each in sheet.scan(kind.store)]

        wanted = params.get(by) if by else None
        found = [
            each for each in await self._book.read(work) if wanted is None or each.get(by) == wanted
        ]
        return page(found, params, answer, kind.summary)


def page(items: list[Json], params: Json, answer: str, members: tuple[str, ...]) -> Json:
    """A page of a list."""
    start = params.get("nextToken") or "0"
    if not start.isdigit():
        raise ServiceError("InvalidNextTokenException", "The token is not valid.")
    end = int(start) + (params.get("maxResults") or 100)
    found: Json = {answer: [shown(each, members) for each in items[int(start) : end]]}
    if end < len(items):
        found["nextToken"] = str(end)
    return found
