"""The embedded engines as a provider of models: they speak OpenAI's API, in this process.

Models: `multilingual-e5-small` (embeddings), `whisper-tiny.en` (transcriptions), `piper-joe` and
`polly` (speech), `tox-block` (moderations). Source: OpenAI API reference, "Embeddings", "Audio".
"""

import asyncio
import base64
import logging
import struct
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from secrets import token_hex
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from torana.app.llm_moderation import TOXICITY, moderated
from torana.engines.embeddings import Passage
from torana.engines.speech import Piece, Script
from torana.engines.tokens import Words
from torana.engines.transcription import Audio
from torana.llm.errors import LlmError
from torana.llm.forms import file_of, values
from torana.llm.fronts.openai_errors import refuse
from torana.llm.judges import Score
from torana.llm.route import Estimate
from torana.llm.semantic import Embed
from torana.message import BodyTooLarge, Headers, Reply, Request, read
from torana.net.client import Timeouts
from torana.services.polly.voices import VOICES
from torana.services.ports import Busy, Engines, Failed, Missing

EMBEDDINGS, WHISPER, PIPER, POLLY = (
    "multilingual-e5-small",
    "whisper-tiny.en",
    "piper-joe",
    "polly",
)
_LIMIT = 32 * 1024 * 1024
_MOST_TEXTS, _LONGEST = 2048, 65536
_MOST_DOCUMENTS = 1000
_RATE = 24000
"""OpenAI's samples a second, where a form does not say."""
_FORMS: dict[str, tuple[Literal["mp3", "ogg_opus", "pcm"], str]] = {
    "mp3": ("mp3", "audio/mpeg"),
    "opus": ("ogg_opus", "audio/opus"),
    "pcm": ("pcm", "audio/pcm"),
    "wav": ("pcm", "audio/wav"),
}
_FRAME = 4
"""Tokens of a message beside its words (OpenAI Cookbook, "How to count tokens with tiktoken")."""
_PATIENCE = 2.0
"""Seconds that a question waits to be compared."""
_log = logging.getLogger("torana.llm")
_encode = msgspec.json.Encoder().encode


Handler = Callable[[Request, bytes, float], Awaitable[Reply]]


class _Embed(Struct):
    model: str
    input: str | list[str]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None
    input_type: str = ""
    """`query` (the default) or `passage`: what is looked for with, or what is found."""


class _Document(Struct):
    text: str


class _Rerank(Struct):
    model: str
    query: str
    documents: list[str | _Document]
    top_n: int | None = None


class _Part(Struct, tag="text", tag_field="type"):
    text: str


class _Moderate(Struct):
    input: str | list[str | _Part]
    model: str = TOXICITY


class _Speak(Struct):
    model: str
    input: str
    voice: str
    response_format: str = "mp3"
    speed: float = 1.0


class EngineOrigin:
    """Implements `Origin`."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._paths: dict[str, Handler] = {
            "/embeddings": self._embed,
            "/moderations": self._moderate,
            "/rerank": self._rerank,
            "/audio/speech": self._speak,
            "/audio/transcriptions": self._transcribe,
        }

    async def send(self, request: Request, timeouts: Timeouts) -> Reply:
        """See `Origin`."""
        answer = self._paths.get(request.target.partition("?")[0])
        try:
            if answer is None:
                raise LlmError("not_found", f"the embedded engines have no {request.target}")
            return await answer(request, await read(request.body, _LIMIT), timeouts.head)
        except LlmError as error:
            return refuse(error)
        except BodyTooLarge:
            return refuse(LlmError("too_large", f"the body is over {_LIMIT} bytes"))
        except Busy as error:
            return refuse(LlmError("overloaded", str(error)))
        except (Missing, Failed) as error:
            return refuse(LlmError("upstream", str(error)))

    async def _embed(self, request: Request, body: bytes, timeout: float) -> Reply:
        asked = _decoded(body, _Embed)
        _known(asked.model, EMBEDDINGS)
        texts = [asked.input] if isinstance(asked.input, str) else asked.input
        if not 1 <= len(texts) <= _MOST_TEXTS or any(not 1 <= len(t) <= _LONGEST for t in texts):
            raise _bad("input", f"1 to {_MOST_TEXTS} texts of 1 to {_LONGEST} characters")
        if asked.dimensions not in (None, 384):
            raise _bad("dimensions", "this model has 384")
        query = asked.input_type not in ("passage", "search_document")
        rows = await self._engines("embeddings", [Passage(t, query) for t in texts], timeout)
        shown = _numbers if asked.encoding_format == "float" else _packed
        tokens = sum(row.tokens for row in rows)
        data = [
            {"object": "embedding", "index": at, "embedding": shown(row.values)}
            for at, row in enumerate(rows)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return _json({"object": "list", "data": data, "model": asked.model, "usage": usage})

    async def _rerank(self, request: Request, body: bytes, timeout: float) -> Reply:
        """By how near each document's embedding is to the query's."""
        asked = _decoded(body, _Rerank)
        _known(asked.model, EMBEDDINGS)
        texts = [each if isinstance(each, str) else each.text for each in asked.documents]
        if not 1 <= len(texts) <= _MOST_DOCUMENTS or any(len(t) > _LONGEST for t in texts):
            raise _bad("documents", f"1 to {_MOST_DOCUMENTS} of up to {_LONGEST} characters")
        passages = [Passage(asked.query), *(Passage(text, query=False) for text in texts)]
        query, *rows = await self._engines("embeddings", passages, timeout)
        near = [
            (sum(a * b for a, b in zip(query.values, row.values, strict=True)), at)
            for at, row in enumerate(rows)
        ]
        near.sort(key=lambda each: (-each[0], each[1]))
        tokens = sum(row.tokens for row in (query, *rows))
        results = [
            {"index": at, "relevance_score": round(score, 6)} for score, at in near[: asked.top_n]
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        billed = {"search_units": -(-len(texts) // 100)}
        meta = {"api_version": {"version": "2"}, "billed_units": billed}
        name = f"rerank-{token_hex(8)}"
        return _json({"id": name, "results": results, "meta": meta, "usage": usage})

    async def _moderate(self, request: Request, body: bytes, timeout: float) -> Reply:
        asked = _decoded(body, _Moderate)
        _known(asked.model, TOXICITY)
        given = [asked.input] if isinstance(asked.input, str) else asked.input
        texts = [each if isinstance(each, str) else each.text for each in given]
        if not 1 <= len(texts) <= _MOST_TEXTS or any(len(text) > _LONGEST for text in texts):
            raise _bad("input", f"1 to {_MOST_TEXTS} texts of up to {_LONGEST} characters")
        found = await self._engines("toxicity", texts, timeout)
        results = [moderated(each) for each in found]
        return _json({"id": f"modr-{token_hex(8)}", "model": asked.model, "results": results})

    async def _speak(self, request: Request, body: bytes, timeout: float) -> Reply:
        asked = _decoded(body, _Speak)
        _known(asked.model, PIPER, POLLY)
        if asked.response_format not in _FORMS:
            raise _bad("response_format", f"one of {', '.join(_FORMS)}")
        if not 1 <= len(asked.input) <= 4096:
            raise _bad("input", "1 to 4096 characters")
        if not 0.25 <= asked.speed <= 4.0:
            raise _bad("speed", "0.25 to 4.0")
        form, kind = _FORMS[asked.response_format]
        voice = "piper:joe" if asked.model == PIPER else _voice(asked.voice)
        script = Script((Piece(asked.input, rate=asked.speed),), voice, form, _RATE)
        (said,) = await self._engines("speech", [script], timeout)
        audio: bytes = said.audio
        if asked.response_format == "wav":
            audio = _wav(audio)
        return Reply(200, Headers([("Content-Type", kind)]), audio)

    async def _transcribe(self, request: Request, body: bytes, timeout: float) -> Reply:
        given = values(body)
        _known(given.get("model", ""), WHISPER)
        form = given.get("response_format", "json")
        if form not in ("json", "text", "verbose_json", "srt", "vtt"):
            raise _bad("response_format", "one of json, text, verbose_json, srt, vtt")
        if given.get("stream", "").lower() == "true":
            raise _bad("stream", "this model answers whole")
        if given.get("language", "en") not in ("en", "english"):
            raise _bad("language", "this model hears English only")
        found = file_of(body, "file")
        if found is None:
            raise _bad("file", "is missing")
        heard = await self._heard(found[1], timeout)
        if heard.bad:
            raise _bad("file", heard.bad)
        return _told(heard, form)

    async def _heard(self, sound: bytes, timeout: float) -> Any:
        """The engine reads a file, in a process of its own."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "sound"
            await asyncio.to_thread(path.write_bytes, sound)
            (heard,) = await self._engines("transcription", [Audio(str(path))], timeout)
            return heard


def embedding(engines: Engines) -> Embed:
    """How questions are compared. An engine that is busy or away is as if nothing were near."""

    async def embed(text: str) -> list[float] | None:
        try:
            (row,) = await engines("embeddings", [Passage(text)], _PATIENCE)
        except (Busy, Failed, Missing, TimeoutError) as error:
            _log.warning("questions are not compared: %s", error or "the engine is too slow")
            return None
        return row.values

    return embed


def counting(engines: Engines) -> Estimate:
    """Tokens of texts, and four a message for what frames it. Raises `LlmError`."""

    async def count(text: str, messages: int) -> int:
        try:
            (found,) = await engines("tokens", [Words(text)], _PATIENCE * 5)
        except Missing as error:
            raise LlmError(
                "invalid_request", f"tokens are not counted: {error}", code="unsupported_operation"
            ) from error
        except (Busy, Failed, TimeoutError) as error:
            why = str(error) or "the engine is too slow"
            raise LlmError("overloaded", f"tokens are not counted: {why}") from error
        return found.count + _FRAME * messages

    return count


def injection(engines: Engines) -> Score:
    """How likely a text is a prompt injection. Raises `LlmError` when the engine cannot tell."""

    async def score(text: str) -> float:
        try:
            (found,) = await engines("injection", [Passage(text)], _PATIENCE * 5)
        except (Busy, Failed, Missing, TimeoutError) as error:
            text = f"the guardrail's engine cannot tell: {error or 'it is too slow'}"
            raise LlmError("overloaded", text) from error
        return found.score

    return score


T = TypeVar("T")


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LlmError("invalid_request", f"Invalid request: {error}") from error


def _known(model: str, *models: str) -> None:
    if model not in models:
        text = f"The embedded engines have {' and '.join(models)} here, not {model!r}."
        raise LlmError("not_found", text, param="model")


def _bad(what: str, why: str) -> LlmError:
    return LlmError("invalid_request", f"Invalid '{what}': {why}.", param=what)


def _voice(name: str) -> str:
    found = VOICES.get(name)
    if found is None:
        raise _bad("voice", f"one of {', '.join(sorted(VOICES))}")
    return found.speaker


def _numbers(row: list[float]) -> list[float]:
    return row


def _packed(row: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(row)}f", *row)).decode()


def _wav(samples: bytes) -> bytes:
    """16 bit mono with its header (RIFF)."""
    size = len(samples)
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1,
                       _RATE, _RATE * 2, 2, 16)  # fmt: skip
    return head + struct.pack("<4sI", b"data", size) + samples


def _told(heard: Any, form: str) -> Reply:
    segments = [words for words in heard.segments if words]
    lines = [" ".join(word.text for word in words) for words in segments]
    text = " ".join(lines)
    spans = [(words[0].begin, words[-1].end) for words in segments]
    if form == "json":
        seconds = round(heard.seconds)
        return _json({"text": text, "usage": {"type": "duration", "seconds": seconds}})
    if form == "verbose_json":
        shown = [
            {"id": at, "start": begin, "end": end, "text": line}
            for at, ((begin, end), line) in enumerate(zip(spans, lines, strict=True))
        ]
        whole = {"task": "transcribe", "language": "english", "duration": heard.seconds}
        return _json({**whole, "text": text, "segments": shown})
    if form == "text":
        return _plain(text + "\n")
    mark = "," if form == "srt" else "."
    blocks = [
        (f"{at}\n" if form == "srt" else "")
        + f"{_clock(begin, mark)} --> {_clock(end, mark)}\n{line}\n"
        for at, ((begin, end), line) in enumerate(zip(spans, lines, strict=True), 1)
    ]
    return _plain(("" if form == "srt" else "WEBVTT\n\n") + "\n".join(blocks))


def _clock(seconds: float, mark: str) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    minutes, second = divmod(whole, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{second:02}{mark}{thousandths:03}"


def _plain(text: str) -> Reply:
    return Reply(200, Headers([("Content-Type", "text/plain; charset=utf-8")]), text.encode())


def _json(value: object) -> Reply:
    return Reply(200, Headers([("Content-Type", "application/json")]), _encode(value))
