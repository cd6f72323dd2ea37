"""What a video shows, second by second: the labels of frames that are taken from it."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, Protocol

from msgspec import Struct

from torana.engines.engine import Capability, Engine, EngineMissing
from torana.engines.image_labels import Label, labeller

_STEP, _MOST = 1.0, 900
"""Seconds between two frames at least, and frames of a video at most."""


class Video(Struct, frozen=True):
    """A file that the host can read, in any form that FFmpeg knows."""

    path: str
    least: float
    """Of a label's score."""


class Frame(Struct, frozen=True):
    """What is seen at a moment."""

    milliseconds: int
    labels: list[Label]


class Seen(Struct, frozen=True):
    """The frames, and what the video is; or why there are none."""

    frames: list[Frame] = []
    codec: str = ""
    format: str = ""
    milliseconds: int = 0
    rate: float = 0.0
    width: int = 0
    height: int = 0
    bad: str = ""


class Looker(Protocol):
    """What looks at the pixels of a frame."""

    def of(self, pixels: Any) -> list[Label]: ...


class _Watcher:
    def __init__(self, video: Any, errors: type[Exception], look: Looker) -> None:
        self._video, self._errors, self._look = video, errors, look

    def run(self, batch: Sequence[Video], /) -> list[Seen]:
        return [self._watch(each) for each in batch]

    def _watch(self, video: Video) -> Seen:
        try:
            with self._video.open(video.path) as container:
                if not container.streams.video:
                    return Seen(bad="The file has no video")
                stream = container.streams.video[0]
                seconds = float(container.duration or 0) / self._video.time_base
                frames = [
                    Frame(round(at * 1000), self._labels(pixels, video.least))
                    for at, pixels in _taken(container, stream, max(_STEP, seconds / _MOST))
                ]
                return Seen(
                    frames,
                    stream.codec_context.name,
                    container.format.long_name,
                    round(seconds * 1000),
                    float(stream.average_rate or 0),
                    stream.codec_context.width,
                    stream.codec_context.height,
                )
        except (self._errors, ValueError) as error:
            return Seen(bad=f"The video cannot be decoded: {error}")

    def _labels(self, pixels: Any, least: float) -> list[Label]:
        return [label for label in self._look.of(pixels) if label.score >= least]


def _taken(container: Any, stream: Any, step: float) -> Iterator[tuple[float, Any]]:
    """Seconds and pixels of frames that are so far apart."""
    due, count = 0.0, 0
    for frame in container.decode(stream):
        at = float(frame.time or 0.0)
        if at >= due and count < _MOST:
            due, count = at + step, count + 1
            yield at, frame.to_ndarray(format="rgb24")


def _need(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise EngineMissing(
            f"video analysis needs the package {error.name!r}: "
            "pip install 'torana[vision,transcribe]'"
        ) from error


def watcher(look: Looker) -> Engine[Video, Seen]:
    """Whoever looks at a video's frames so. Raises `EngineMissing`."""
    return _Watcher(_need("av"), _need("av.error").FFmpegError, look)


def load() -> Engine[Video, Seen]:
    """Raises `EngineMissing`."""
    return watcher(labeller())


ENGINE = Capability(
    name="video_labels", input=Video, output=Seen, load=load, batch=1, longest=3600.0
)
