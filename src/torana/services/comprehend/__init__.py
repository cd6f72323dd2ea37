"""Amazon Comprehend, over the embedded engines."""

from collections.abc import Callable
from pathlib import Path

from torana.services.background import Background
from torana.services.comprehend.classifiers import Classifiers
from torana.services.comprehend.endpoints import Endpoints
from torana.services.comprehend.facade import Comprehend
from torana.services.comprehend.jobs import Jobs
from torana.services.comprehend.models import Models
from torana.services.comprehend.recognizer_models import Recognizers
from torana.services.comprehend.recognizers import EntityRecognizers
from torana.services.engine_calls import EngineCalls
from torana.services.ports import Engines
from torana.state.objects import ObjectStore
from torana.state.store import Store


def comprehend(
    engines: Engines,
    languages: Callable[[str], frozenset[str]],
    store: Store,
    objects: ObjectStore,
    background: Background,
    folder: Path,
) -> tuple[object, ...]:
    """The facade, by what its operations are about. `folder`: for trained models."""
    models = Models(store, objects, engines, folder)
    recognizers = Recognizers(store, objects, engines, folder)
    return (
        Comprehend(engines, languages, models, recognizers),
        Classifiers(models, EngineCalls(engines), background),
        EntityRecognizers(recognizers, models, background),
        Endpoints(models, recognizers),
        Jobs(models, recognizers, engines, languages, background).operations(),
    )


async def resume(store: Store, objects: ObjectStore, engines: Engines, folder: Path) -> None:
    """Do the trainings and jobs that an earlier process accepted and did not finish."""
    models = Models(store, objects, engines, folder)
    await models.resume()
    recognizers = Recognizers(store, objects, engines, folder)
    await recognizers.resume()
    await Jobs(models, recognizers, engines).resume()
