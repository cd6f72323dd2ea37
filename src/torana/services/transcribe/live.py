"""Speech transcribed while it is said: audio events in, transcript events out.

What was said since the last end of speech is heard again whenever a second more of it is there, and
told as a partial result; after a silence it is final. Source: Amazon Transcribe Developer Guide,
"Transcribing streaming audio" and "Setting up a WebSocket stream".
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import msgspec
from msgspec import Struct

from torana.message import Headers, Reply, Request, SocketLimits, Upgrade, WebSocket
from torana.services.ports import Busy, Engines, Failed, Missing
from torana.services.transcribe.results import pieces
from torana.wire.event_stream import Frames, MalformedFrame, encode

PATH = "/stream-transcription-websocket"
OPERATION = "StartStreamTranscriptionWebSocket"

Json = dict[str, Any]
Send = Callable[[bytes], Awaitable[None]]

_STEP, _SILENCE, _LONGEST = 1.0, 0.8, 15.0
"""Seconds: of new audio before it is heard again, of silence that ends an utterance, of one."""
_SECONDS = 30.0
_KNOWN = frozenset({"language-code", "media-encoding", "sample-rate", "session-id"})
_RATES = (8000, 48000)
_LIMITS = SocketLimits(message=256 * 1024, frame=256 * 1024, idle=15.0, lifetime=4 * 3600.0)


class Clip(Struct, frozen=True):
    """What the engine takes."""

    samples: bytes
    hertz: int


class Refused(Exception):
    """The stream cannot be transcribed; `code` is the service's."""

    def __init__(self, text: str, code: str = "BadRequestException") -> None:
        super().__init__(text)
        self.code = code


class Wanted(Struct, frozen=True):
    """How a stream is to be heard."""

    language: str
    hertz: int
    session: str


def wanted(query: str) -> Wanted:
    """From the address of a stream. Raises `Refused`."""
    given = {name: values[0] for name, values in parse_qs(query).items()}
    wrong = [name for name in given if name not in _KNOWN and not name.lower().startswith("x-amz-")]
    if wrong:
        raise Refused(f"Not supported here: {', '.join(wrong)}")
    language = given.get("language-code", "")
    if not language.startswith("en-"):
        raise Refused(f"language-code must be one of English, such as en-US, not {language!r}")
    if given.get("media-encoding") != "pcm":
        raise Refused("media-encoding must be pcm")
    rate = given.get("sample-rate", "")
    if not rate.isdigit() or not _RATES[0] <= int(rate) <= _RATES[1]:
        raise Refused(f"sample-rate must be from {_RATES[0]} to {_RATES[1]}")
    return Wanted(language, int(rate), given.get("session-id") or str(uuid4()))


class Live:
    """One stream: audio is given to it, and it sends what it hears."""

    def __init__(self, engines: Engines, how: Wanted, send: Send) -> None:
        self._engines, self._how, self._send = engines, how, send
        self._audio = bytearray()
        self._base = 0.0
        """Seconds of the stream before the audio that is held."""
        self._heard = 0
        """Bytes of it that were heard."""
        self._result = str(uuid4())

    async def run(self, audio: AsyncIterator[bytes]) -> None:
        """Until the audio ends. Raises `Refused`."""
        more = asyncio.Event()
        ended = False

        async def take() -> None:
            nonlocal ended
            try:
                async for piece in audio:
                    self._audio += piece
                    more.set()
            finally:
                ended = True
                more.set()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(take())
            while not ended:
                await more.wait()
                more.clear()
                if self._seconds(len(self._audio) - self._heard) >= _STEP:
                    await self._hear(over=False)
        await self._hear(over=True)

    def _seconds(self, size: int) -> float:
        return size / 2 / self._how.hertz

    async def _hear(self, *, over: bool) -> None:
        held = bytes(self._audio)
        self._heard = len(held)
        if not held:
            return
        found = await self._engine(held)
        length = self._seconds(len(held))
        words: list[Any] = found.words if found.end else []
        final = bool(words) and (over or length - found.end >= _SILENCE or length >= _LONGEST)
        if words:
            await self._tell(words, partial=not final)
        if final:
            self._forget(min(length, found.end + _SILENCE / 2))
            self._result = str(uuid4())
        elif not words and length > _SILENCE:
            # Nothing was said: only the last moment may hold the beginning of something.
            self._forget(length - _SILENCE / 2)

    def _forget(self, seconds: float) -> None:
        size = round(seconds * self._how.hertz) * 2
        del self._audio[:size]
        self._base += self._seconds(size)
        self._heard = max(0, self._heard - size)

    async def _engine(self, held: bytes) -> Any:
        clip = Clip(held, self._how.hertz)
        try:
            (found,) = await self._engines("live_transcription", [clip], _SECONDS)
        except (Busy, TimeoutError):
            raise Refused("Too many streams are heard now", "LimitExceededException") from None
        except (Missing, Failed) as error:
            raise Refused(str(error), "InternalFailureException") from None
        return found

    async def _tell(self, words: list[Any], *, partial: bool) -> None:
        items = [self._item(each) for word in words for each in pieces(word)]
        result: Json = {
            "ResultId": self._result,
            "StartTime": self._base + words[0].begin,
            "EndTime": self._base + words[-1].end,
            "IsPartial": partial,
            "Alternatives": [{"Transcript": " ".join(word.text for word in words), "Items": items}],
        }
        await self._send(event("TranscriptEvent", {"Transcript": {"Results": [result]}}))

    def _item(self, piece: tuple[str, str, Any]) -> Json:
        kind, text, word = piece
        shown: Json = {
            "Type": kind,
            "Content": text,
            "StartTime": self._base + (word.begin if kind == "pronunciation" else word.end),
            "EndTime": self._base + word.end,
            "VocabularyFilterMatch": False,
        }
        return {**shown, "Confidence": word.score} if kind == "pronunciation" else shown


def event(kind: str, body: Json) -> bytes:
    """A message of the service."""
    headers = {
        ":message-type": "event",
        ":event-type": kind,
        ":content-type": "application/json",
    }
    return encode(headers, msgspec.json.encode(body))


def exception(refused: Refused) -> bytes:
    """A message that ends a stream."""
    headers = {
        ":message-type": "exception",
        ":exception-type": refused.code,
        ":content-type": "application/json",
    }
    return encode(headers, msgspec.json.encode({"Message": str(refused)}))


async def audio_of(messages: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The audio of events, until one is empty. Raises `Refused`."""
    frames = Frames()
    async for message in messages:
        try:
            for frame in frames.feed(message):
                kind = frame.headers.get(":event-type")
                if kind not in (None, "AudioEvent"):
                    raise Refused(f"{kind} is not an event of audio")
                if not frame.payload:
                    return
                yield frame.payload
        except MalformedFrame as error:
            raise Refused(f"The event stream cannot be read: {error}") from None


def socket(engines: Engines) -> Callable[[Request], Reply]:
    """Answers the handshake of a stream that was let in."""

    def answer(request: Request) -> Reply:
        try:
            how, refused = wanted(request.target.partition("?")[2]), None
        except Refused as error:
            how, refused = Wanted("", 16000, ""), error

        async def session(to: WebSocket) -> None:
            trouble = refused
            try:
                if trouble is None:
                    await Live(engines, how, to.send).run(audio_of(_received(to)))
            except* Refused as group:
                trouble = _first(group)
            except* ConnectionError:
                """The other end left: there is nobody to tell."""
            if trouble is not None and to.close_code is None:
                await to.send(exception(trouble))
            await to.close(1000)

        fields = [("x-amzn-transcribe-session-id", how.session)] if how.session else []
        return Upgrade(101, Headers(fields), session=session, limits=_LIMITS)

    return answer


async def _received(to: WebSocket) -> AsyncIterator[bytes]:
    while (message := await to.receive()) is not None:
        yield message.encode() if isinstance(message, str) else message


def _first(group: BaseExceptionGroup[Refused]) -> Refused:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found
