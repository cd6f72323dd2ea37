"""Lex V2's operations whose answers may be audio: RecognizeUtterance and PutSession.

Structures travel in headers, packed by gzip and in Base64. Audio is heard by the engine of Amazon
Transcribe and said by that of Amazon Polly. Source: Lex V2 API Reference, "RecognizeUtterance".
"""

import asyncio
import base64
import binascii
import gzip
import io
import os
import re
import tempfile
import wave
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import msgspec

from torana.message import BodyTooLarge, Headers, Reply, read
from torana.services.engine_calls import EngineCalls
from torana.services.lex.book import (
    Json,
)
from torana.services.lex.runtime import Bot, Spoken, Talk, override
from torana.services.members import part
from torana.services.polly.facade import Piece, Script
from torana.services.polly.ssml import parse
from torana.services.polly.voices import VOICES, voice
from torana.services.ports import Call
from torana.services.transcribe.jobs import Audio
from torana.wire.faults import ServiceError

_MOST_AUDIO = 5 * 1024 * 1024
_MOST_UNPACKED = 256 * 1024
_PCM = re.compile(r"audio/(?:l16|x-l16|lpcm)", re.IGNORECASE)
_TEXT = "text/plain; charset=utf-8"
_FORMS: Mapping[str, tuple[str, int]] = {
    "audio/mpeg": ("mp3", 22050),
    "audio/ogg": ("ogg_vorbis", 22050),
    "audio/pcm": ("pcm", 16000),
    "audio/*": ("mp3", 22050),
}
"""Polly's name of a form, and hertz."""


class Utterances:
    """The operations."""

    def __init__(self, talk: Talk, engines: EngineCalls) -> None:
        self._talk, self._engines = talk, engines

    async def RecognizeUtterance(self, call: Call, params: Json) -> Reply:
        """One turn, heard or read."""
        given: Json = {
            **params,
            "sessionState": _unpacked(params, "sessionState"),
            "requestAttributes": _unpacked(params, "requestAttributes"),
        }
        wanted = self.form(params.get("responseContentType"))
        kind: str = params["requestContentType"]
        mode, text = await self.heard(call, kind, params.get("inputStream", b""))
        if not text:
            raise ServiceError("ValidationException", "Nothing was said")
        spoken = await self._talk.say(call, given, text, mode, wanted)
        reply = await self._reply(call, params, spoken, wanted)
        for name, value in (
            ("input-mode", mode),
            ("interpretations", _packed(spoken.interpretations)),
            ("input-transcript", _packed(text)),
        ):
            reply.headers.add(f"x-amz-lex-{name}", value)
        return reply

    async def PutSession(self, call: Call, params: Json) -> Reply:
        """Sets where a conversation stands, and says what belongs there."""
        wanted = self.form(params.get("responseContentType"))
        bot = await self._talk.bot(params)
        session = await self._talk.open(bot, params)
        override(bot, session, params["sessionState"], call.request_id)
        turn = self._talk.turn(call, bot, session, params, "Text", wanted)
        given = [
            {name: value for name, value in each.items() if value is not None}
            for each in cast(list[Json], params.get("messages") or [])
        ]
        asks = part(params["sessionState"], "dialogAction").get("type")
        if not given and session.intent and asks in ("Delegate", "ElicitSlot", "ConfirmIntent"):
            if asks == "Delegate":
                await turn.proceed()
            else:
                turn.prompt()
        turn.said += given
        return await self._reply(call, params, await self._talk.end(params, turn), wanted)

    def form(self, wanted: str | None) -> str:
        """The content type of an answer. Raises `ServiceError`."""
        if not wanted:
            return _TEXT
        kind = wanted.lower().partition(";")[0].strip()
        if kind in _FORMS:
            return kind
        if kind == "text/plain":
            return _TEXT
        forms = ", ".join([*_FORMS, _TEXT])
        raise ServiceError("ValidationException", f"responseContentType must be one of {forms}")

    async def heard(self, call: Call, kind: str, body: Any) -> tuple[str, str]:
        """How it was said, and what."""
        try:
            data = await read(body, _MOST_AUDIO)
        except BodyTooLarge:
            raise ServiceError("ValidationException", "The input is too long") from None
        if kind.lower().startswith("text/plain"):
            try:
                return "Text", data.decode().strip()
            except UnicodeDecodeError:
                raise ServiceError("ValidationException", "The text is not UTF-8") from None
        if not _PCM.match(kind):
            text = "requestContentType must be audio/l16, audio/x-l16, audio/lpcm or text/plain"
            raise ServiceError("ValidationException", text)
        return "Speech", await self._transcribed(call, _wav(kind, data))

    async def _transcribed(self, call: Call, data: bytes) -> str:
        handle, path = await asyncio.to_thread(tempfile.mkstemp, prefix="torana-lex-")
        try:
            with os.fdopen(handle, "wb") as file:
                await asyncio.to_thread(file.write, data)
            (heard,) = await self._engines.run(call, "transcription", [Audio(path)])
        finally:
            await asyncio.to_thread(Path(path).unlink)
        if heard.bad:
            raise ServiceError("ValidationException", heard.bad)
        return " ".join(word.text for words in heard.segments for word in words)

    async def _reply(self, call: Call, params: Json, spoken: Spoken, wanted: str) -> Reply:
        audio = wanted.startswith("audio/")
        body = b""
        if audio and spoken.messages:
            bot = await self._talk.bot(params)
            body = await self.spoken(call, bot, spoken.messages, wanted)
        fields = [
            ("x-amzn-RequestId", call.request_id),
            ("Content-Type", "audio/mpeg" if wanted == "audio/*" else wanted),
            ("x-amz-lex-messages", _packed(spoken.messages)),
            ("x-amz-lex-session-state", _packed(spoken.session.shown())),
            ("x-amz-lex-request-attributes", _packed(spoken.request)),
            ("x-amz-lex-session-id", spoken.session_id),
        ]
        return Reply(200, Headers(fields), body)

    async def spoken(self, call: Call, bot: Bot, messages: list[Json], wanted: str) -> bytes:
        """Messages as sound. Raises `ServiceError`."""
        form, rate = _FORMS[wanted]
        pieces: list[Piece] = []
        for message in messages:
            if message["contentType"] == "SSML":
                parts = parse(message["content"])
                pieces += [Piece(p.text, p.pause, p.rate, p.gain) for p in parts]
            elif message["contentType"] == "PlainText":
                pieces.append(Piece(message["content"], 0.0, 1.0, 1.0))
        if not pieces:
            return b""
        script = Script(tuple(pieces), _speaker(bot), form, rate)
        (speech,) = await self._engines.run(call, "speech", [script])
        return speech.audio


def _speaker(bot: Bot) -> str:
    """The voice of the locale, or the first of its language. Raises `ServiceError`."""
    setting = bot.built.voice or {}
    wanted = bot.names["localeId"].replace("_", "-")
    if setting.get("voiceId"):
        return voice(setting["voiceId"], setting.get("engine"), None).speaker
    same = [each for each in VOICES.values() if each.language == wanted]
    like = [each for each in VOICES.values() if each.language[:2] == wanted[:2]]
    if not same and not like:
        raise ServiceError("ValidationException", f"There is no voice here for {wanted}")
    return (same or like)[0].speaker


def _wav(kind: str, data: bytes) -> bytes:
    """Bare samples with a header before them. Raises `ServiceError`."""
    given = dict(re.findall(r"([\w-]+)=([\w-]+)", kind.lower()))
    rate = (
        given.get("rate") or given.get("sample-rate-hertz") or given.get("sample-rate") or "16000"
    )
    if not rate.isdigit() or int(rate) not in (8000, 16000):
        raise ServiceError("ValidationException", "The audio must have 8000 or 16000 hertz")
    if given.get("is-big-endian") == "true":
        pairs = bytearray(data[: len(data) // 2 * 2])
        pairs[::2], pairs[1::2] = pairs[1::2], pairs[::2]
        data = bytes(pairs)
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(int(rate))
        file.writeframes(data)
    return out.getvalue()


def _packed(value: Any) -> str:
    return base64.b64encode(gzip.compress(msgspec.json.encode(value), mtime=0)).decode()


def _unpacked(params: Json, name: str) -> Json:
    """A structure of a header. Raises `ServiceError`."""
    given: str | None = params.get(name)
    if not given:
        return {}
    try:
        packed = base64.b64decode(given, validate=True)
        plain = zlib.decompressobj(wbits=31).decompress(packed, _MOST_UNPACKED)
        return msgspec.json.decode(plain, type=Json)
    except (binascii.Error, zlib.error, msgspec.MsgspecError):
        text = f"{name} must be JSON, compressed with gzip and encoded in Base64"
        raise ServiceError("ValidationException", text) from None
