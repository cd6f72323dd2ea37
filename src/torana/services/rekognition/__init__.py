"""Amazon Rekognition over the engines that look at pictures."""

from torana.services.engine_calls import EngineCalls
from torana.services.ports import Engines
from torana.services.rekognition.collections import Collections
from torana.services.rekognition.faces import Faces
from torana.services.rekognition.labels import Labels
from torana.services.rekognition.pictures import Pictures
from torana.services.rekognition.texts import Texts
from torana.state.objects import ObjectStore
from torana.state.store import Store


def rekognition(engines: Engines, objects: ObjectStore, store: Store) -> tuple[object, ...]:
    """The facade, by what its operations are about."""
    pictures = Pictures(EngineCalls(engines, fault="InternalServerError"), objects)
    return Labels(pictures), Texts(pictures), Faces(pictures), Collections(pictures, store)
