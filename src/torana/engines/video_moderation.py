"""Whether a video is fit for everybody, second by second: its frames by the moderation network."""

from torana.engines.engine import Capability, Engine
from torana.engines.moderation import moderator
from torana.engines.video_labels import Seen, Video, watcher


def load() -> Engine[Video, Seen]:
    """Raises `EngineMissing`."""
    return watcher(moderator())


ENGINE = Capability(
    name="video_moderation", input=Video, output=Seen, load=load, batch=1, longest=3600.0
)
