"""What is to be said: plain text or SSML as pieces that a voice can say one after the other.

Source: "Supported SSML tags" (Amazon Polly Developer Guide). Tags that the voices cannot follow are
refused by name.
"""

import re
from collections.abc import Callable, Mapping
from xml.parsers import expat

import msgspec
from msgspec import Struct

from torana.wire.faults import ServiceError

_RATES = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "fast": 1.25, "x-fast": 1.6, "default": 1.0}
_VOLUMES = {
    "silent": -90.0,
    "x-soft": -12.0,
    "soft": -6.0,
    "medium": 0.0,
    "loud": 4.0,
    "x-loud": 8.0,
}
_BREAKS = {
    "none": 0.0,
    "x-weak": 0.1,
    "weak": 0.15,
    "medium": 0.35,
    "strong": 0.6,
    "x-strong": 1.0,
}
_LONGEST_BREAK = 10.0
_TIME = re.compile(r"(\d+(?:\.\d+)?)(ms|s)")
_SPELLED = frozenset({"characters", "spell-out"})


class Part(Struct, frozen=True):
    """A stretch of text with its place in the request, a silence, or an SSML mark."""

    text: str = ""
    begin: int = 0
    """Bytes of UTF-8 from the start of the request's text."""
    exact: bool = True
    """Whether `text` stands there letter by letter, so that places within it can be told."""
    length: int = 0
    """Bytes that it takes there."""
    pause: float = 0.0
    rate: float = 1.0
    gain: float = 0.0
    mark: str = ""


def plain(text: str) -> list[Part]:
    """Text that is no SSML."""
    return [Part(text, length=len(text.encode()))]


def invalid(why: str) -> ServiceError:
    """`InvalidSsmlException`."""
    return ServiceError("InvalidSsmlException", f"Invalid SSML request: {why}", status=400)


class _Manner(Struct, frozen=True):
    rate: float = 1.0
    gain: float = 0.0
    spelled: bool = False
    alias: bool = False


def parse(text: str) -> list[Part]:
    """The parts of an SSML document. Raises `ServiceError`."""
    reader = _Reader(text)
    reader.read()
    return reader.parts


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self.parts: list[Part] = []
        self._manners = [_Manner()]
        self._depth = 0
        self._parser = expat.ParserCreate("UTF-8")
        self._parser.buffer_text = False
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._data
        self._parser.StartDoctypeDeclHandler = _no_doctype

    def read(self) -> None:
        try:
            self._parser.Parse(self._text.encode(), True)
        except expat.ExpatError as error:
            raise invalid(str(error)) from None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if (name == "speak") != (self._depth == 0):
            raise invalid("a document is one <speak> element")
        self._depth += 1
        known = _TAGS.get(name)
        if known is None:
            raise ServiceError(
                "InvalidSsmlException",
                f"Unsupported SSML tag <{name}>. Supported here: {', '.join(_TAGS)}",
                status=400,
            )
        self._manners.append(self._manners[-1])
        known(self, attributes)

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._manners.pop()
        if name in ("p", "s"):
            self.parts.append(Part(pause=0.5 if name == "p" else 0.25))

    def _data(self, data: str) -> None:
        manner = self._manners[-1]
        if manner.alias:
            return
        begin = self._parser.CurrentByteIndex
        raw = data.encode()
        exact = self._text.encode()[begin : begin + len(raw)] == raw and not manner.spelled
        said = " ".join(data.replace(" ", "")) if manner.spelled else data
        last = self.parts[-1] if self.parts else None
        if last is not None and last.text and last.exact and exact and _adjoin(last, begin, manner):
            self.parts[-1] = Part(
                last.text + said,
                last.begin,
                length=last.length + len(raw),
                rate=manner.rate,
                gain=manner.gain,
            )
        elif data.isspace():
            if last is not None and last.text:
                self.parts[-1] = msgspec.structs.replace(last, text=f"{last.text} ")
        else:
            self.parts.append(
                Part(said, begin, exact, len(raw), rate=manner.rate, gain=manner.gain)
            )

    def pause(self, attributes: Mapping[str, str]) -> None:
        """`<break>`."""
        seconds = _choice("break strength", attributes.get("strength", "medium"), _BREAKS)
        if "time" in attributes:
            match = _TIME.fullmatch(attributes["time"])
            if match is None:
                raise invalid(f"break time {attributes['time']!r}")
            seconds = float(match[1]) / (1000 if match[2] == "ms" else 1)
        if seconds > _LONGEST_BREAK:
            raise invalid("a break lasts 10 seconds at most")
        self.parts.append(Part(pause=seconds))

    def mark(self, attributes: Mapping[str, str]) -> None:
        """`<mark>`."""
        if not attributes.get("name"):
            raise invalid("mark needs a name")
        self.parts.append(Part(mark=attributes["name"], begin=self._parser.CurrentByteIndex))

    def prosody(self, attributes: Mapping[str, str]) -> None:
        """`<prosody>`: rate and volume."""
        unknown = attributes.keys() - {"rate", "volume"}
        if unknown:
            raise invalid(f"prosody {', '.join(sorted(unknown))} is not supported here")
        manner = self._manners[-1]
        rate, gain = manner.rate, manner.gain
        if "rate" in attributes:
            rate = _percent(attributes["rate"])
        if "volume" in attributes:
            gain += _decibels(attributes["volume"])
        self._manners[-1] = _Manner(rate, gain, manner.spelled, manner.alias)

    def sub(self, attributes: Mapping[str, str]) -> None:
        """`<sub alias>`: the alias is said, its place is the element's."""
        if "alias" not in attributes:
            raise invalid("sub needs an alias")
        manner = self._manners[-1]
        begin = self._parser.CurrentByteIndex
        part = Part(attributes["alias"], begin, exact=False, rate=manner.rate, gain=manner.gain)
        self.parts.append(part)
        self._manners[-1] = _Manner(manner.rate, manner.gain, alias=True)

    def say_as(self, attributes: Mapping[str, str]) -> None:
        """`<say-as interpret-as="characters">`; other readings are the voice's own."""
        wanted = attributes.get("interpret-as", "")
        if wanted not in _SPELLED:
            raise invalid(f"interpret-as {wanted!r} is not supported here; characters is")
        manner = self._manners[-1]
        self._manners[-1] = _Manner(manner.rate, manner.gain, spelled=True)

    def group(self, attributes: Mapping[str, str]) -> None:
        """An element that only holds others."""
        if attributes.keys() - {"xml:lang", "version", "xmlns", "xmlns:amazon"}:
            raise invalid(f"unknown attributes: {', '.join(attributes)}")


_TAGS: dict[str, Callable[[_Reader, Mapping[str, str]], None]] = {
    "speak": _Reader.group,
    "p": _Reader.group,
    "s": _Reader.group,
    "break": _Reader.pause,
    "mark": _Reader.mark,
    "prosody": _Reader.prosody,
    "sub": _Reader.sub,
    "say-as": _Reader.say_as,
}


def _adjoin(last: Part, begin: int, manner: _Manner) -> bool:
    same = (last.rate, last.gain) == (manner.rate, manner.gain)
    return same and last.begin + last.length == begin


def _no_doctype(*given: object) -> None:
    raise invalid("a document type is not allowed")


def _choice(what: str, value: str, table: Mapping[str, float]) -> float:
    if value not in table:
        raise invalid(f"{what} {value!r}; it may be {', '.join(table)}")
    return table[value]


def _percent(value: str) -> float:
    if value.endswith("%") and value[:-1].isdigit():
        rate = int(value[:-1]) / 100
        if not 0.2 <= rate <= 2:
            raise invalid("prosody rate goes from 20% to 200%")
        return rate
    return _choice("prosody rate", value, _RATES)


def _decibels(value: str) -> float:
    match = re.fullmatch(r"([+-]\d+(?:\.\d+)?)dB", value)
    if match:
        return max(-90.0, min(float(match[1]), 12.0))
    return _choice("prosody volume", value, _VOLUMES)
