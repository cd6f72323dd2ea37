"""Statements of rules: what each looks at, and when it says yes."""

from typing import Any

import pytest

from tests.waf.asking import NONE, ask, contains, matches
from torana.waf.faults import BadRule
from torana.waf.transforms import TRANSFORMS

BODY: dict[str, Any] = {"Body": {"OversizeHandling": "CONTINUE"}}


def test_a_header_is_found_by_any_spelling_and_one_that_is_missing_matches_nothing() -> None:
    said = contains(b"curl", {"SingleHeader": {"Name": "User-Agent"}})
    assert matches(said, ask(user_agent="curl/8"))
    assert not matches(said, ask())


def test_a_query_argument_is_looked_at_by_its_name() -> None:
    said = contains(b"evil", {"SingleQueryArgument": {"Name": "q"}})
    assert matches(said, ask(query="a=1&Q=evil"))
    assert not matches(said, ask(query="a=evil"))


def test_only_the_inspected_part_of_a_body_is_looked_at_unless_its_size_decides() -> None:
    long = ask(body=b"x" * 16384 + b"evil")
    assert not matches(contains(b"evil", BODY), long)
    assert matches(contains(b"evil", {"Body": {"OversizeHandling": "MATCH"}}), long)
    assert not matches(contains(b"x", {"Body": {"OversizeHandling": "NO_MATCH"}}), long)


@pytest.mark.parametrize(
    ("pattern", "scope", "found"),
    [
        ({"All": {}}, "VALUE", True),
        ({"All": {}}, "KEY", False),
        ({"IncludedPaths": ["/user/name"]}, "VALUE", True),
        ({"IncludedPaths": ["/user/0"]}, "VALUE", False),
    ],
)
def test_a_json_body_is_looked_at_by_its_parts(
    pattern: dict[str, Any], scope: str, found: bool
) -> None:
    field: dict[str, Any] = {"JsonBody": {"MatchPattern": pattern, "MatchScope": scope}}
    assert matches(contains(b"evil", field), ask(body=b'{"user": {"name": "evil"}}')) is found


@pytest.mark.parametrize(
    ("fallback", "found"), [("MATCH", True), ("NO_MATCH", False), ("EVALUATE_AS_STRING", True)]
)
def test_a_body_that_is_no_json_is_what_the_rule_says(fallback: str, found: bool) -> None:
    field: dict[str, Any] = {
        "JsonBody": {
            "MatchPattern": {"All": {}},
            "MatchScope": "ALL",
            "InvalidFallbackBehavior": fallback,
        }
    }
    assert matches(contains(b"evil", field), ask(body=b"{evil")) is found


@pytest.mark.parametrize(
    ("name", "given", "made"),
    [
        ("BASE64_DECODE", b"ZXZpbA==", b"evil"),
        ("BASE64_DECODE_EXT", b"Z!XZ-pbA", b"evil"),
        ("CMD_LINE", b'C^a"t  /etc, passwd', b"cat/etc passwd"),
        ("COMPRESS_WHITE_SPACE", b"a \t\r\n b", b"a b"),
        ("CSS_DECODE", b"ja\\76 ascript", b"javascript"),
        ("ESCAPE_SEQ_DECODE", b"\\x65\\166il", b"evil"),
        ("HEX_DECODE", b"6576696c", b"evil"),
        ("HTML_ENTITY_DECODE", b"&lt;b&#62;", b"<b>"),
        ("JS_DECODE", b"\\u0065vil", b"evil"),
        ("LOWERCASE", b"EVIL", b"evil"),
        ("NORMALIZE_PATH", b"/a/./b/../c", b"/a/c"),
        ("NORMALIZE_PATH_WIN", b"\\a\\..\\b", b"/b"),
        ("REMOVE_NULLS", b"e\0vil", b"evil"),
        ("REPLACE_COMMENTS", b"un/* x */ion", b"un ion"),
        ("REPLACE_NULLS", b"e\0v", b"e v"),
        ("SQL_HEX_DECODE", b"0x6576", b"ev"),
        ("URL_DECODE", b"e%76il+x", b"evil x"),
        ("URL_DECODE_UNI", b"%u0065vil%uff1c", b"evil<"),
        ("UTF8_TO_UNICODE", "é".encode(), b"%u00e9"),
    ],
)
def test_a_transformation_undoes_what_hides(name: str, given: bytes, made: bytes) -> None:
    assert TRANSFORMS[name](given) == made


def test_transformations_are_done_in_order_of_priority() -> None:
    said = contains(b"<script", BODY, "URL_DECODE", "HTML_ENTITY_DECODE", "LOWERCASE")
    assert matches(said, ask(body=b"%26lt;SCRIPT"))


def test_addresses_are_looked_up_in_ranges_of_both_kinds() -> None:
    arn = "arn:aws:wafv2:us-east-1:0:regional/ipset/s/1"
    known = {arn: {"ARN": arn, "Addresses": ["192.0.2.0/24", "2001:db8::/32"]}}
    said = {"IPSetReferenceStatement": {"ARN": arn}}
    assert matches(said, ask(address="192.0.2.255"), documents=known)
    assert matches(said, ask(address="2001:db8::1"), documents=known)
    assert not matches(said, ask(address="198.51.100.1"), documents=known)


def test_a_forwarded_address_counts_where_the_rule_says_so() -> None:
    arn = "arn:aws:wafv2:us-east-1:0:regional/ipset/s/1"
    known = {arn: {"ARN": arn, "Addresses": ["203.0.113.0/24"]}}
    config = {"HeaderName": "X-Forwarded-For", "FallbackBehavior": "MATCH", "Position": "LAST"}
    said = {"IPSetReferenceStatement": {"ARN": arn, "IPSetForwardedIPConfig": config}}
    assert matches(said, ask(X_Forwarded_For="10.0.0.1, 203.0.113.9"), documents=known)
    assert not matches(said, ask(X_Forwarded_For="203.0.113.9, 10.0.0.1"), documents=known)
    assert matches(said, ask(X_Forwarded_For="nonsense"), documents=known)
    assert not matches(said, ask(), documents=known)


def test_and_or_and_not_are_what_they_say() -> None:
    a, b = contains(b"a", {"UriPath": {}}), contains(b"b", {"UriPath": {}})
    both = {"AndStatement": {"Statements": [a, b]}}
    assert matches(both, ask("/ab"))
    assert not matches(both, ask("/a"))
    assert matches({"OrStatement": {"Statements": [a, b]}}, ask("/b"))
    assert matches({"NotStatement": {"Statement": a}}, ask("/b"))


@pytest.mark.parametrize(
    ("operator", "size", "found"), [("GT", 3, True), ("LE", 3, False), ("EQ", 4, True)]
)
def test_sizes_are_compared_after_transformations(operator: str, size: int, found: bool) -> None:
    said: dict[str, Any] = {
        "SizeConstraintStatement": {
            "FieldToMatch": {"QueryString": {}},
            "ComparisonOperator": operator,
            "Size": size,
            "TextTransformations": [{"Priority": 0, "Type": "URL_DECODE"}],
        }
    }
    assert matches(said, ask(query="%61%62%63%64")) is found


def test_a_pattern_that_would_take_for_ever_elsewhere_takes_no_time() -> None:
    said = {
        "RegexMatchStatement": {
            "RegexString": "^(a+)+$",
            "FieldToMatch": BODY,
            "TextTransformations": NONE,
        }
    }
    assert not matches(said, ask(body=b"a" * 8000 + b"!"))


@pytest.mark.parametrize(
    "statement",
    [
        {},
        {"AsnMatchStatement": {"AsnList": [1]}},
        contains(b"x", {"JA3Fingerprint": {"FallbackBehavior": "MATCH"}}),
        contains(b"x", {"UriPath": {}}, "ROT13"),
        {
            "RegexMatchStatement": {
                "RegexString": "(?=x)",
                "FieldToMatch": {"UriPath": {}},
                "TextTransformations": NONE,
            }
        },
        {"IPSetReferenceStatement": {"ARN": "arn:aws:wafv2:us-east-1:0:regional/ipset/no/1"}},
        {"GeoMatchStatement": {"CountryCodes": ["CH"]}},
    ],
)
def test_what_cannot_be_evaluated_is_refused(statement: dict[str, Any]) -> None:
    with pytest.raises(BadRule):
        matches(statement, ask())
