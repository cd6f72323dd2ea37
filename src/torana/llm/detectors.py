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


def _phone(text: str) -> bool:
    digits = sum(char.isdigit() for char in text)
    return (8 if text.startswith("+") else 10) <= digits <= 15


_Form = tuple[re.Pattern[str], Callable[[str], bool] | None]


def _form(pattern: str, check: Callable[[str], bool] | None = None) -> _Form:
    return re.compile(pattern), check


_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
PERSONAL: Mapping[str, _Form] = {
    "CREDIT_DEBIT_NUMBER": _form(r"(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d-])", _card),
    "EMAIL": _form(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"),
    "INTERNATIONAL_BANK_ACCOUNT_NUMBER": _form(
        r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", iban
    ),
    "IP_ADDRESS": _form(rf"(?<![\d.]){_OCTET}(?:\.{_OCTET}){{3}}(?![\d.]*\d)"),
    "PHONE": _form(
        r"(?<![\w.])(?<!\d[ .-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{2,4}\)[ .-]?|\d{2,4}[ .-])"
        r"\d{3,4}[ .-]?\d{3,4}(?!\w|[ .-]\d)",
        _phone,
    ),
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
    "SLACK_TOKEN": _form(r"\bxox[abeoprs]-[A-Za-z0-9-]{10,250}"),
    "STRIPE_KEY": _form(r"\b[rs]k_live_[A-Za-z0-9]{16,250}"),
}


def by_form(forms: Mapping[str, _Form], kinds: Sequence[str] = ()) -> Detector:
    """Finds what has one of the forms, all or those of some kinds."""
    wanted = [(kind, *form) for kind, form in forms.items() if not kinds or kind in kinds]

    def find(text: str) -> Iterator[Span]:
        for kind, pattern, check in wanted:
            for found in pattern.finditer(text):
                if check is None or check(found[0]):
                    yield Span(found.start(), found.end(), kind)

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
