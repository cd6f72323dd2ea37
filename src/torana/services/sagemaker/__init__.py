"""Amazon SageMaker's hosting: models that users bring, behind endpoints."""

from pathlib import Path

from torana.net.client import Client
from torana.services.apigateway.book import Book
from torana.services.background import Background
from torana.services.lambda_.ports import Runner
from torana.services.sagemaker.hosts import Hosts
from torana.services.sagemaker.models import Configs, Endpoints, Models, Tags
from torana.services.sagemaker.runtime import Invocations
from torana.state.objects import ObjectStore
from torana.state.store import Store


def sagemaker(store: Store, hosts: Hosts, background: Background) -> tuple[object, ...]:
    """The facade of the control plane."""
    book = Book(store, "sagemaker")
    return Models(book), Configs(book), Endpoints(book, hosts, background), Tags(book)


def sagemaker_runtime(
    store: Store, objects: ObjectStore, hosts: Hosts, background: Background
) -> object:
    """The facade of invocations."""
    return Invocations(store, objects, hosts, background)


def hosts_of(
    store: Store, objects: ObjectStore, runner: Runner | None, client: Client | None, folder: Path
) -> Hosts:
    """Where models run. `folder`: for their files."""
    return Hosts(store, objects, runner, client, folder)


async def resume(store: Store, objects: ObjectStore, hosts: Hosts, background: Background) -> None:
    """Go on with endpoints and invocations of an earlier process."""
    await hosts.resume()
    await Invocations(store, objects, hosts, background).resume()
