"""What guardrails find in a text: personal data and secrets by their form, words, patterns.

Numbers that carry a check digit are checked, so that an order number is no credit card.
"""
# pyright: basic

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import re2
from msgspec import Struct

from torana.checksums import iban, luhn


class Span(Struct, frozen=True):
    """Something found: where, and what."""

    start: int
    end: int
    kind: str


Detector = Callable[[str], Iterator[Span]]


def _card(text: str) -> bool:
    digits = "".join(str(int(char)) for char in text if char.isdigit())
    return luhn(digits) and len(set(digits)) > 1


_DATE = re.compile(r"\d{1,2}[./-]\d{1,2}[./-](?:\d{2}|\d{4})")


def _phone(text: str) -> bool:
    """With its country's number, with a trunk's 0, or long enough. A date is none."""
    digits = sum(char.isdigit() for char in text)
    if text.startswith(("+", "0", "(0")):
        return 8 <= digits <= 15 and _DATE.fullmatch(text) is None and not text.startswith("00")
    return 7 <= digits <= 15


_Form = tuple[re.Pattern[str], Callable[[str], bool] | None]


def _form(pattern: str, check: Callable[[str], bool] | None = None) -> _Form:
    return re.compile(pattern), check


_MORE = r"(?!\w|[ .-]?\d)"
_ABROAD = rf"(?<![\w+])\+[1-9](?:[ .()-]{{0,2}}\d){{7,14}}{_MORE}"
_TRUNK = (
    r"(?<![\w.,+/-])(?<!\d[ .-])(?:\(0\d{1,4}\)[ /-]?\d|0[1-9]\d{0,4}[ ./-]\d|0[1-9]\d{8})"
    rf"(?:[ .-]?\d){{0,10}}{_MORE}"
)
_GROUPED = (
    r"(?<![\w.])(?<!\d[ .-])(?:1[ .-])?(?:\(\d{3}\)[ .-]?|\d{3}[ .-])\d{3}[ .-]?\d{4}(?!\w|[ .-]\d)"
)
_ANNOUNCED = (
    r"(?i:\b(?:phone|telephone|tel|mobile|cell|cellphone|call|calls|messages|text|sms|whatsapp|fax|"
    rf"dial|reach|desk|office)\b[^\d]{{0,25}}?)(?P<x>\+?\(?\d(?:[ .()-]{{0,2}}\d){{6,14}}){_MORE}"
)
"""Telephone numbers: with a country's number, with a trunk's 0, as in North America, and others
that a word before them announces."""
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
PERSONAL: Mapping[str, _Form] = {
    "CREDIT_DEBIT_NUMBER": _form(r"(?<![\d.+-])\d(?:[ -]?\d){12,18}(?![\d-])", _card),
    "EMAIL": _form(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"),
    "INTERNATIONAL_BANK_ACCOUNT_NUMBER": _form(
        r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", iban
    ),
    "IP_ADDRESS": _form(rf"(?<![\d.]){_OCTET}(?:\.{_OCTET}){{3}}(?![\d.]*\d)"),
    "PHONE": _form("|".join((_ABROAD, _TRUNK, _GROUPED, _ANNOUNCED)), _phone),
    "SSN": _form(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])"),
}
"""By Amazon Comprehend's names."""

SECRETS: Mapping[str, _Form] = {
    "AWS_ACCESS_KEY": _form(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "GITHUB_TOKEN": _form(r"\bgh[pousr]_[A-Za-z0-9]{36,251}|\bgithub_pat_\w{22,251}"),
    "GOOGLE_API_KEY": _form(r"\bAIza[A-Za-z0-9_-]{35}"),
    "JSON_WEB_TOKEN": _form(r"\beyJ[\w-]{5,4000}\.eyJ[\w-]{5,8000}\.[\w-]{5,2000}"),
    "LLM_API_KEY": _form(r"\bsk-(?:proj-|ant-|svcacct-)?[A-Za-z0-9_-]{20,250}"),
    "PRIVATE_KEY": _form(
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:[A-Za-z0-9+/=\s:,\\-]{0,16000}?-----END "
        r"[A-Z ]{0,30}PRIVATE KEY-----|[A-Za-z0-9+/=\s\\]{0,16000})"
    ),
    "SLACK_TOKEN": _form(r"\b(?:xox[abeoprs]|xapp)-\d[A-Za-z0-9-]{9,250}"),
    "STRIPE_KEY": _form(r"\b[rs]k_live_[A-Za-z0-9]{16,250}"),
}


def by_form(forms: Mapping[str, _Form], kinds: Sequence[str] = ()) -> Detector:
    """Finds what has one of the forms, all or those of some kinds."""
    wanted = [(kind, *form) for kind, form in forms.items() if not kinds or kind in kinds]

    def find(text: str) -> Iterator[Span]:
        for kind, pattern, check in wanted:
            for found in pattern.finditer(text):
                group = "x" if pattern.groupindex and found["x"] is not None else 0
                if check is None or check(found[group]):
                    yield Span(found.start(group), found.end(group), kind)

    return find


def by_pattern(pattern: str, kind: str) -> Detector:
    """Finds what a pattern matches; RE2, so it takes no longer than the text is long.
    Raises `ValueError`."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 22
    try:
        made = re2.compile(pattern, options=options)
    except re2.error as error:
        raise ValueError(f"pattern {pattern!r}: {error}") from None

    def find(text: str) -> Iterator[Span]:
        for found in made.finditer(text):
            start, end = int(found.start()), int(found.end())
            if end > start:
                yield Span(start, end, kind)

    return find


def by_words(words: Sequence[str], kind: str) -> Detector:
    """Finds whole words and phrases, in capitals or not."""
    choice = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    pattern = re.compile(rf"(?<!\w)(?:{choice})(?!\w)", re.IGNORECASE)
    return lambda text: (Span(f.start(), f.end(), kind) for f in pattern.finditer(text))
