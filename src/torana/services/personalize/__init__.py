"""Amazon Personalize: recommenders that are trained here, on one's own events."""

from pathlib import Path

from torana.services.apigateway.book import Book
from torana.services.background import Background
from torana.services.engine_calls import EngineCalls
from torana.services.personalize.datasets import Datasets, Imports, Tags, Trackers
from torana.services.personalize.jobs import Jobs
from torana.services.personalize.runtime import Events, Recommendations
from torana.services.personalize.solutions import Campaigns, Filters, Recommenders, Solutions
from torana.services.ports import Engines
from torana.state.objects import ObjectStore
from torana.state.store import Store


def personalize(
    store: Store, objects: ObjectStore, engines: Engines, background: Background, folder: Path
) -> tuple[object, ...]:
    """The facade of the control plane. `folder`: for data and models."""
    book, jobs = Book(store, "personalize"), Jobs(store, objects, engines, folder)
    return (
        Datasets(book, jobs),
        Imports(book, jobs, background),
        Trackers(book),
        Tags(book),
        Solutions(book, jobs, background),
        Campaigns(book),
        Recommenders(book, jobs, background),
        Filters(book),
    )


def personalize_events(
    store: Store, objects: ObjectStore, engines: Engines, folder: Path
) -> tuple[object, ...]:
    """The facade of what comes in."""
    return (Events(Book(store, "personalize"), Jobs(store, objects, engines, folder)),)


def personalize_runtime(
    store: Store, objects: ObjectStore, engines: Engines, folder: Path
) -> tuple[object, ...]:
    """The facade of what goes out."""
    book, jobs = Book(store, "personalize"), Jobs(store, objects, engines, folder)
    return (Recommendations(book, jobs, EngineCalls(engines)),)


async def resume(store: Store, objects: ObjectStore, engines: Engines, folder: Path) -> None:
    """Do the imports and trainings that an earlier process accepted and did not finish."""
    await Jobs(store, objects, engines, folder).resume()
