"""eSpeak NG, called in its shared library: many languages, and it knows when each word is said."""

import ctypes
from functools import cache
from typing import Any, Literal

from torana.engines.engine import EngineMissing
from torana.engines.speech import Spoken, need

_SYNCHRONOUS, _NO_EXIT = 2, 0x8000
_BY_CHARACTER, _UTF8 = 1, 1
_RATE = 1
_USUAL_PACE = 165
"""Words a minute."""
_KINDS: dict[int, Literal["sentence", "word"]] = {1: "word", 2: "sentence"}


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    """`espeak_EVENT` of speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique", ctypes.c_uint),
        ("position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("milliseconds", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user", ctypes.c_void_p),
        ("id", _Id),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class _Library:
    """The library, which is one for the whole process."""

    def __init__(self) -> None:
        loader = need("espeakng_loader")
        self._library: Any = ctypes.CDLL(loader.get_library_path())
        data = str(loader.get_data_path()).encode()
        self.rate = int(self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, _NO_EXIT))
        if self.rate <= 0:
            raise EngineMissing("eSpeak NG does not find its data: reinstall espeakng-loader")
        self._pcm = bytearray()
        self._events: list[tuple[int, int, int, int]] = []
        self._callback: Any = _Callback(self._take)
        self._library.espeak_SetSynthCallback(self._callback)

    def _take(self, samples: Any, count: int, events: Any) -> int:
        if samples and count:
            self._pcm += ctypes.string_at(samples, count * 2)
        number = 0
        while events[number].type:
            event = events[number]
            place = event.type, event.position - 1, event.length, event.milliseconds
            self._events.append(place)
            number += 1
        return 0

    def say(self, voice: str, text: str, pace: float) -> tuple[bytes, list[Any]]:
        """16-bit samples, and the events: type, position, length, milliseconds.

        Raises `KeyError` for a voice that there is not.
        """
        self._pcm, self._events = bytearray(), []
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise KeyError(voice)
        self._library.espeak_SetParameter(_RATE, round(_USUAL_PACE * pace), 0)
        data = text.encode("utf-8", "replace")
        self._library.espeak_Synth(data, len(data) + 1, 0, _BY_CHARACTER, 0, _UTF8, None, None)
        return bytes(self._pcm), self._events


@cache
def _library() -> _Library:
    return _Library()


class _Espeak:
    def __init__(self, voice: str) -> None:
        self._voice, self._library = voice, _library()
        self._numpy = need("numpy")
        self.rate = self._library.rate

    def say(self, text: str, pace: float) -> Spoken:
        """See `Voice`."""
        pcm, events = self._library.say(self._voice, text, pace)
        samples = self._numpy.frombuffer(pcm, "<i2").astype(self._numpy.float32) / 32768
        starts = [position for kind, position, _, _ in events if kind == 2]
        marks: list[tuple[float, Literal["sentence", "word"], int, int]] = []
        for kind, position, length, milliseconds in events:
            if kind == 2:
                later = [start for start in starts if start > position]
                length = len(text[position : min(later, default=len(text))].rstrip())
            if kind in _KINDS and length:
                marks.append((milliseconds / 1000, _KINDS[kind], position, position + length))
        return Spoken(samples, marks)


def load(name: str) -> _Espeak:
    """One of eSpeak NG's voices, with or without a variant. Raises `EngineMissing`."""
    return _Espeak(name)
