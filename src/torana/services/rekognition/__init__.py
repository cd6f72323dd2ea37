"""Amazon Rekognition over the engines that look at pictures."""

from pathlib import Path

from torana.services.background import Background
from torana.services.engine_calls import EngineCalls
from torana.services.ports import Engines
from torana.services.rekognition.collections import Collections
from torana.services.rekognition.custom import CustomLabels, Trainings
from torana.services.rekognition.faces import Faces
from torana.services.rekognition.labels import Labels
from torana.services.rekognition.moderation import Moderation
from torana.services.rekognition.pictures import Pictures
from torana.services.rekognition.texts import Texts
from torana.services.rekognition.videos import Videos
from torana.state.objects import ObjectStore
from torana.state.store import Store


def rekognition(
    engines: Engines, objects: ObjectStore, store: Store, background: Background, folder: Path
) -> tuple[object, ...]:
    """The facade, by what its operations are about. `folder`: for trained models."""
    calls = EngineCalls(engines, fault="InternalServerError")
    pictures = Pictures(calls, objects)
    return (
        Labels(pictures),
        Moderation(pictures),
        Texts(pictures),
        Faces(pictures),
        Collections(pictures, store),
        CustomLabels(Trainings(store, objects, engines, folder), pictures, calls, background),
        Videos(store, objects, engines, background),
    )


async def resume(store: Store, objects: ObjectStore, engines: Engines, folder: Path) -> None:
    """Do the trainings and videos that an earlier process accepted and did not finish."""
    await Trainings(store, objects, engines, folder).resume()
    await Videos(store, objects, engines, Background()).resume()
