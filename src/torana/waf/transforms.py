"""Text transformations, which undo what attackers do to hide.

Source: WAF Developer Guide, "Using text transformations in AWS WAF".
"""

import base64
import binascii
import hashlib
import html
import posixpath
import re
from collections.abc import Callable, Sequence
from typing import Any

from torana.waf.faults import BadRule

Transform = Callable[[bytes], bytes]

_SPACES = re.compile(rb"[\x09\x0a\x0b\x0c\x0d\x20\xa0]+")
_PERCENT = re.compile(rb"%([0-9a-fA-F]{2})")
_PERCENT_U = re.compile(rb"%u([0-9a-fA-F]{4})|%([0-9a-fA-F]{2})")
_COMMENT = re.compile(rb"/\*.*?(?:\*/|\Z)", re.DOTALL)
_SQL_HEX = re.compile(rb"0x((?:[0-9a-fA-F]{2})+)")
_CSS = re.compile(rb"\\([0-9a-fA-F]{1,6})[ \t\r\n\f]?|\\\r?\n|\\(.)", re.DOTALL)
_JS = re.compile(
    rb"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|\\([0-7]{1,3})|\\(.)",
    re.DOTALL,
)
_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_SIMPLE = {
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
}


def _char(number: int) -> bytes:
    """One character: a byte where it fits one, as full-width forms fit their ASCII twin."""
    if 0xFF01 <= number <= 0xFF5E:
        return bytes([number - 0xFEE0])
    if number < 256:
        return bytes([number])
    return chr(number).encode("utf-8", "replace") if number < 0x110000 else b""


def _lowercase(text: bytes) -> bytes:
    return text.lower()


def _compress(text: bytes) -> bytes:
    return _SPACES.sub(b" ", text)


def _html(text: bytes) -> bytes:
    return html.unescape(text.decode("latin-1")).encode("utf-8", "replace")


def _command_line(text: bytes) -> bytes:
    """What a shell would see: without its quoting marks, one space for separators."""
    bare = re.sub(rb"[\\\"'^]", b"", text)
    bare = re.sub(rb"[,;\s]+", b" ", bare)
    return re.sub(rb" +([/(])", rb"\1", bare).lower()


def _url(text: bytes) -> bytes:
    return _PERCENT.sub(lambda found: bytes([int(found[1], 16)]), text.replace(b"+", b" "))


def _url_unicode(text: bytes) -> bytes:
    def char(found: re.Match[bytes]) -> bytes:
        return _char(int(found[1] or found[2], 16))

    return _PERCENT_U.sub(char, text.replace(b"+", b" "))


def _base64(text: bytes) -> bytes:
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return text


def _base64_lenient(text: bytes) -> bytes:
    """Passing over what is no base64, as many decoders do."""
    kept = _BASE64.sub(b"", text)
    return base64.b64decode(kept[: len(kept) - (len(kept) % 4 == 1)] + b"==")


def _hex(text: bytes) -> bytes:
    try:
        return bytes.fromhex(text.decode("ascii"))
    except (ValueError, UnicodeDecodeError):
        return text


def _md5(text: bytes) -> bytes:
    return hashlib.md5(text, usedforsecurity=False).digest()


def _comments(text: bytes) -> bytes:
    return _COMMENT.sub(b" ", text)


def _sql_hex(text: bytes) -> bytes:
    return _SQL_HEX.sub(lambda found: bytes.fromhex(found[1].decode()), text)


def _css(text: bytes) -> bytes:
    def char(found: re.Match[bytes]) -> bytes:
        if found[1]:
            return _char(int(found[1], 16))
        return found[2] or b""

    return _CSS.sub(char, text)


def _js(text: bytes) -> bytes:
    def char(found: re.Match[bytes]) -> bytes:
        if found[1]:
            return _char(int(found[1], 16))
        if found[2]:
            return bytes([int(found[2], 16)])
        if found[3]:
            return bytes([int(found[3], 8) & 255])
        return _SIMPLE.get(found[4], found[4])

    return _JS.sub(char, text)


def _path(text: bytes) -> bytes:
    if not text:
        return text
    made = posixpath.normpath(text.decode("latin-1")).encode("latin-1")
    made = re.sub(rb"^/+", b"/", made)
    return made + b"/" if text.endswith(b"/") and made != b"/" else made


def _path_windows(text: bytes) -> bytes:
    return _path(text.replace(b"\\", b"/"))


def _no_nulls(text: bytes) -> bytes:
    return text.replace(b"\0", b"")


def _blank_nulls(text: bytes) -> bytes:
    return text.replace(b"\0", b" ")


def _utf8_to_unicode(text: bytes) -> bytes:
    def escaped(char: str) -> str:
        return char if ord(char) < 128 else f"%u{ord(char):04x}"

    return "".join(map(escaped, text.decode("utf-8", "replace"))).encode()


TRANSFORMS: dict[str, Transform] = {
    "BASE64_DECODE": _base64,
    "BASE64_DECODE_EXT": _base64_lenient,
    "CMD_LINE": _command_line,
    "COMPRESS_WHITE_SPACE": _compress,
    "CSS_DECODE": _css,
    "ESCAPE_SEQ_DECODE": _js,
    "HEX_DECODE": _hex,
    "HTML_ENTITY_DECODE": _html,
    "JS_DECODE": _js,
    "LOWERCASE": _lowercase,
    "MD5": _md5,
    "NONE": lambda text: text,
    "NORMALIZE_PATH": _path,
    "NORMALIZE_PATH_WIN": _path_windows,
    "REMOVE_NULLS": _no_nulls,
    "REPLACE_COMMENTS": _comments,
    "REPLACE_NULLS": _blank_nulls,
    "SQL_HEX_DECODE": _sql_hex,
    "URL_DECODE": _url,
    "URL_DECODE_UNI": _url_unicode,
    "UTF8_TO_UNICODE": _utf8_to_unicode,
}
"""By the service's name."""


def compile_transforms(given: Sequence[dict[str, Any]]) -> tuple[tuple[str, ...], Transform]:
    """The names in order of priority, and all of them as one. Raises `BadRule`."""
    priorities = [each["Priority"] for each in given]
    if len(set(priorities)) != len(priorities):
        raise BadRule("TEXT_TRANSFORMATION", str(priorities), "Priorities must be unique.")
    names: list[str] = []
    for each in sorted(given, key=lambda one: one["Priority"]):
        if each["Type"] not in TRANSFORMS:
            raise BadRule("TEXT_TRANSFORMATION", each["Type"], "There is no such transformation.")
        if each["Type"] != "NONE":
            names.append(each["Type"])
    chain = tuple(TRANSFORMS[name] for name in names)

    def transform(text: bytes) -> bytes:
        for one in chain:
            text = one(text)
        return text

    return tuple(names), transform
