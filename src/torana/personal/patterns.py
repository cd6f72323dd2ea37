"""What personal data looks like: a table of patterns, checks and the words that announce it.

Every repetition that may fail is bounded, or begins where a run begins: a text that a client wrote
takes time in proportion to its length.
"""

# ruff: noqa: E501, one pattern a line
import ipaddress
import re
from collections.abc import Callable
from typing import NamedTuple

from torana import checksums

CHECKED, SHAPED, ANNOUNCED = 0.99, 0.9, 0.8
"""Scores: a check digit or fixed prefix holds; the shape says it; a word before it says it."""


class Pattern(NamedTuple):
    """One way that a type of personal data is written. Group `x`, where there is one, is it."""

    type: str
    """One of Amazon Comprehend's PII entity types."""
    shape: re.Pattern[str]
    score: float
    holds: Callable[[str], bool] = bool


def _p(kind: str, shape: str, score: float, holds: Callable[[str], bool] = bool) -> Pattern:
    return Pattern(kind, re.compile(shape), score, holds)


def _said(kind: str, words: str, shape: str, holds: Callable[[str], bool] = bool) -> Pattern:
    """A value that a word before it announces ("PIN is 1234")."""
    between = (
        r"(?:\s{1,8}(?:number|no\.?|code|id|name|#)){0,3}\s{0,8}(?:is|was|are|[:=#])?\s{0,8}[\"']?"
    )
    score = ANNOUNCED if holds is bool else CHECKED
    return Pattern(kind, re.compile(rf"(?i:\b(?:{words})\b{between})(?P<x>{shape})"), score, holds)


def _address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


_STREET = (
    r"Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Square|Sq|Place|Pl|"
    r"Terrace|Way|Parkway|Pkwy|Highway|Hwy"
)
_PLACE = r"(?:,?\s+(?:Apt|Suite|Unit|Floor)\.?\s*#?\w+)?(?:,\s*[A-Z][\w.]+(?:\s[A-Z][\w.]+)*)?"
_STATE = r"(?:,?\s+[A-Z]{2}\s+\d{5}(?:-\d{4})?)?"

PATTERNS = (
    _p(
        "EMAIL",
        r"(?<![\w.+%-])[\w.+%-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}\.[A-Za-z]{2,63}",
        CHECKED,
    ),
    _p("URL", r"(?:https?|ftp)://[^\s<>\"]+[^\s<>\".,;:!?)]|\bwww\.[^\s<>\"]+[\w/]", CHECKED),
    _p("IP_ADDRESS", r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)", CHECKED, _address),
    _p(
        "IP_ADDRESS",
        r"(?<![\w:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){1,6}:[0-9A-Fa-f]{1,4}",
        CHECKED,
        _address,
    ),
    _p("MAC_ADDRESS", r"\b[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}\b", CHECKED),
    _p("CREDIT_DEBIT_NUMBER", r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])", CHECKED, checksums.card),
    _said("CREDIT_DEBIT_CVV", r"cvv2?|cvc2?|security code|card verification", r"\d{3,4}\b"),
    _said(
        "CREDIT_DEBIT_EXPIRY",
        r"exp(?:ir\w*)?(?: date)?|valid thru",
        r"(?:0?[1-9]|1[0-2])\s?/\s?\d{2,4}",
    ),
    _p("SSN", r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])", SHAPED, checksums.ssn),
    _said("SSN", r"ssn|social security", r"\d{9}\b", checksums.ssn),
    _p(
        "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER", r"(?<![\w-])9\d\d-[5-9]\d-\d{4}(?![\w-])", SHAPED
    ),
    _p(
        "INTERNATIONAL_BANK_ACCOUNT_NUMBER",
        r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{2,4}){3,8}\b",
        CHECKED,
        checksums.iban,
    ),
    _said("SWIFT_CODE", r"swift|bic", r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?\b"),
    _said("BANK_ROUTING", r"routing|aba", r"\d{9}\b", checksums.routing),
    _said("BANK_ACCOUNT_NUMBER", r"account|acct", r"\d{6,17}\b"),
    _p("AWS_ACCESS_KEY", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", CHECKED),
    _said(
        "AWS_SECRET_KEY", r"secret(?:[ _]access)?[ _]key", r"[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
    ),
    _p(
        "PHONE",
        r"(?<![\w.+-])\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d(?:[ .-]?\d){6,12}(?![\w-])",
        SHAPED,
        checksums.phone,
    ),
    _p(
        "PHONE",
        r"(?<![\w.+-])(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\w-])",
        SHAPED,
    ),
    _said(
        "PHONE",
        r"phone|tel(?:ephone)?|call(?: me)?(?: at| on)?|mobile|cell",
        r"\+?\d[\d ().-]{5,16}\d",
    ),
    _said("PASSWORD", r"password|passwd|passphrase|pwd", r"[^\s\"',]{4,}[^\s\"',.!?]"),
    _said("USERNAME", r"user ?name|login|user id|screen name", r"[A-Za-z0-9][\w.@-]{2,}\w"),
    _said("PIN", r"pin", r"\d{4,6}\b"),
    _said("PASSPORT_NUMBER", r"passport", r"[A-Z]{0,2}\d{6,9}\b"),
    _said(
        "DRIVER_ID", r"driver'?s?'? licen[cs]e|driving licen[cs]e", r"[A-Z]{0,5}\d[A-Z0-9-]{4,14}\b"
    ),
    _said(
        "LICENSE_PLATE",
        r"licen[cs]e plate|number plate|registration plate|plate",
        r"[A-Z0-9]{1,4}[ -]?[A-Z0-9]{2,5}\b",
    ),
    _p("VEHICLE_IDENTIFICATION_NUMBER", r"\b[A-HJ-NPR-Z0-9]{17}\b", CHECKED, checksums.vin),
    _p("AGE", r"\b(?P<x>\d{1,3}(?:[ -]years?[ -]old| years? of age))\b", SHAPED),
    _said("AGE", r"aged?", r"\d{1,3}\b"),
    _p(
        "ADDRESS",
        rf"\b\d{{1,6}} (?:[NSEW]\.? )?(?:[A-Z0-9][\w'.]* ){{1,3}}(?:{_STREET})\b\.?{_PLACE}{_STATE}",
        SHAPED,
    ),
    _p(
        "UK_NATIONAL_INSURANCE_NUMBER",
        r"\b(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b",
        SHAPED,
    ),
    _said(
        "UK_NATIONAL_HEALTH_SERVICE_NUMBER", r"nhs", r"\d{3}[ -]?\d{3}[ -]?\d{4}\b", checksums.nhs
    ),
    _said(
        "UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER", r"utr|unique taxpayer reference", r"\d{5} ?\d{5}\b"
    ),
    _said(
        "CA_SOCIAL_INSURANCE_NUMBER",
        r"sin|social insurance",
        r"\d{3}[ -]?\d{3}[ -]?\d{3}\b",
        checksums.luhn,
    ),
    _p("IN_AADHAAR", r"(?<![\w-])[2-9]\d{3} \d{4} \d{4}(?![\w-]| \d)", CHECKED, checksums.aadhaar),
    _said("IN_AADHAAR", r"aadhaar", r"\d{12}\b", checksums.aadhaar),
    _p("IN_PERMANENT_ACCOUNT_NUMBER", r"\b[A-Z]{3}[ABCFGHLJPT][A-Z]\d{4}[A-Z]\b", SHAPED),
)
