"""Times, blobs and floats as the AWS protocols write them."""

import base64
import binascii
import math
import struct
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

from torana.wire.faults import Malformed

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FLOAT32 = struct.Struct("<f")
_PACK, _UNPACK, _FINITE = _FLOAT32.pack, _FLOAT32.unpack, math.isfinite
_NAMED = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

Moment = datetime | float | int
"""A point in time: aware, naive (then UTC), or seconds since 1970."""


def single(value: float) -> float:
    """The nearest 32-bit float, which is what a `float` shape can hold."""
    try:
        return _FLOAT32.unpack(_FLOAT32.pack(value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)


def named_float(value: float) -> float | str:
    """JSON has no NaN and no infinities: they travel by name."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def named_single(value: float) -> float | str:
    """The nearest 32-bit float, as JSON has it. In one step: replies are full of scores."""
    try:
        found: float = _UNPACK(_PACK(value))[0]
    except OverflowError:
        found = math.copysign(math.inf, value)
    return found if _FINITE(found) else named_float(found)


def read_float(text: str) -> float:
    """A float from its text. Raises `Malformed`."""
    if text in _NAMED:
        return _NAMED[text]
    try:
        return float(text)
    except ValueError:
        raise Malformed("STRING_VALUE cannot be converted to Float") from None


def read_integer(text: str) -> int:
    """An integer from its text. Raises `Malformed`."""
    digits = text[1:] if text[:1] in ("-", "+") else text
    if not digits.isascii() or not digits.isdigit() or len(digits) > 20:
        raise Malformed("STRING_VALUE cannot be converted to Integer")
    return int(text)


def read_boolean(text: str) -> bool:
    """A boolean from its text. Raises `Malformed`."""
    lower = text.lower()
    if lower not in ("true", "false"):
        raise Malformed("STRING_VALUE cannot be converted to Boolean")
    return lower == "true"


def read_blob(text: str) -> bytes:
    """Base64 to bytes. Raises `Malformed`."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("The value is not valid base64") from None


def write_blob(value: bytes | str) -> str:
    """Bytes (or text, as UTF-8) to base64."""
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


def aware(moment: Moment) -> datetime:
    """The moment in UTC."""
    if isinstance(moment, datetime):
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return _EPOCH + timedelta(seconds=moment)


def from_epoch(seconds: float) -> datetime:
    """Seconds since 1970 as a moment. Raises `Malformed` outside the years 1 to 9999."""
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        raise Malformed("The timestamp is out of range") from None


def read_time(text: str, form: str = "") -> datetime:
    """A moment from its text: `iso8601`, `rfc822`, `unixTimestamp`, or whichever it looks like.

    Raises `Malformed`.
    """
    try:
        if form == "unixTimestamp" or (not form and text.replace(".", "", 1).isdigit()):
            return from_epoch(float(text))
        if form == "rfc822" or (not form and text[:1].isalpha()):
            return aware(parsedate_to_datetime(text))
        return aware(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise Malformed(f"Unable to parse date: {text[:64]}") from None


def epoch(moment: Moment) -> float | int:
    """Seconds since 1970 with milliseconds; whole seconds as an integer."""
    seconds = round((aware(moment) - _EPOCH).total_seconds(), 3)
    return int(seconds) if seconds.is_integer() else seconds


def iso8601(moment: Moment) -> str:
    """`2026-03-01T10:00:00Z`, with milliseconds where there are any."""
    at = aware(moment)
    text = at.strftime("%Y-%m-%dT%H:%M:%S")
    text = text.rjust(19, "0")
    return f"{text}.{at.microsecond // 1000:03d}Z" if at.microsecond >= 1000 else text + "Z"


def rfc822(moment: Moment) -> str:
    """`Sun, 01 Mar 2026 10:00:00 GMT`."""
    return format_datetime(aware(moment).replace(microsecond=0), usegmt=True)


def write_time(moment: Moment, form: str) -> str:
    """A moment as text in one of the three forms."""
    if form == "rfc822":
        return rfc822(moment)
    return str(epoch(moment)) if form == "unixTimestamp" else iso8601(moment)
