"""Amazon Transcribe over the transcription engine."""

from torana.services.background import Background
from torana.services.ports import Engines
from torana.services.transcribe.facade import Transcribe
from torana.services.transcribe.jobs import Jobs
from torana.state.objects import ObjectStore
from torana.state.store import Store


def transcribe(
    store: Store, objects: ObjectStore, engines: Engines, background: Background
) -> Transcribe:
    """The facade."""
    return Transcribe(Jobs(store, objects, engines), objects, background)


async def resume(store: Store, objects: ObjectStore, engines: Engines) -> None:
    """Do the jobs that an earlier process accepted and did not finish."""
    await Jobs(store, objects, engines).resume()
