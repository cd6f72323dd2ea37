from typing import Any

import pytest

from torana.auth.conditions import compile_condition
from torana.auth.wildcard import Values


def holds(operator: str, key: str, value: str | tuple[str, ...], context: Values) -> bool:
    values = value if isinstance(value, tuple) else (value,)
    return compile_condition(operator, key, values)(context)


ARN = "arn:aws:iam::123456789012:role/path/name"


@pytest.mark.parametrize(
    ("operator", "wanted", "given", "expected"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", "a", "A", False),
        ("StringEquals", "a*", "ab", False),
        ("StringEquals", ("a", "b"), "b", True),
        ("StringNotEquals", ("a", "b"), "b", False),
        ("StringNotEquals", ("a", "b"), "c", True),
        ("StringEqualsIgnoreCase", "a", "A", True),
        ("StringNotEqualsIgnoreCase", "a", "A", False),
        ("StringLike", "a*?", "abc", True),
        ("StringLike", "a*?", "a", False),
        ("StringNotLike", "a*", "abc", False),
        ("NumericEquals", "10", "10.0", True),
        ("NumericNotEquals", "10", "11", True),
        ("NumericLessThan", "10", "9", True),
        ("NumericLessThan", "10", "10", False),
        ("NumericLessThanEquals", "10", "10", True),
        ("NumericGreaterThan", "10", "11", True),
        ("NumericGreaterThanEquals", "10", "9", False),
        ("NumericEquals", "10", "ten", False),
        ("DateEquals", "2026-01-01T00:00:00Z", "1767225600", True),
        ("DateNotEquals", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", False),
        ("DateLessThan", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z", True),
        ("DateLessThanEquals", "2026-01-01", "2026-01-01T00:00:00Z", True),
        ("DateGreaterThan", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", False),
        ("DateGreaterThanEquals", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", True),
        ("DateLessThan", "2026-01-01T00:00:00Z", "soon", False),
        ("Bool", "true", "true", True),
        ("Bool", "true", "True", True),
        ("Bool", "true", "false", False),
        ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", True),
        ("BinaryEquals", "QmluYXJ5", "T3RoZXI=", False),
        ("IpAddress", "203.0.113.0/24", "203.0.113.77", True),
        ("IpAddress", "203.0.113.0/24", "203.0.114.1", False),
        ("IpAddress", "2001:db8::/32", "2001:db8::1", True),
        ("IpAddress", "203.0.113.7", "203.0.113.7", True),
        ("IpAddress", "203.0.113.0/24", "not an address", False),
        ("NotIpAddress", "203.0.113.0/24", "203.0.114.1", True),
        ("NotIpAddress", ("203.0.113.0/24", "10.0.0.0/8"), "10.1.1.1", False),
        ("ArnEquals", "arn:aws:iam::123456789012:role/*", ARN, True),
        ("ArnLike", "arn:aws:iam::*:role/path/name", ARN, True),
        ("ArnLike", "arn:*:role/path/name", ARN, True),
        ("ArnLike", "arn:aws:*:role/path/name:x:y", ARN, False),
        ("ArnNotLike", "arn:aws:iam::123456789012:role/*", ARN, False),
        ("ArnNotEquals", "arn:aws:iam::123456789012:role/other", ARN, True),
    ],
)
def test_operators(operator: str, wanted: Any, given: str, expected: bool) -> None:
    assert holds(operator, "aws:Key", wanted, {"aws:key": given}) is expected


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("StringEquals", False),
        ("StringNotEquals", True),
        ("StringLike", False),
        ("NumericLessThan", False),
        ("NotIpAddress", True),
        ("ArnNotLike", True),
        ("StringEqualsIfExists", True),
        ("NumericLessThanIfExists", True),
        ("ForAllValues:StringEquals", True),
        ("ForAnyValue:StringEquals", False),
        ("ForAnyValue:StringNotEquals", False),
        ("ForAnyValue:StringEqualsIfExists", True),
    ],
)
def test_a_missing_key(operator: str, expected: bool) -> None:
    assert holds(operator, "aws:Key", "203.0.113.7" if "Ip" in operator else "1", {}) is expected


@pytest.mark.parametrize(
    ("operator", "given", "expected"),
    [
        ("ForAllValues:StringEquals", ("a", "b"), True),
        ("ForAllValues:StringEquals", ("a", "c"), False),
        ("ForAnyValue:StringEquals", ("c", "a"), True),
        ("ForAnyValue:StringEquals", ("c", "d"), False),
        ("ForAllValues:StringNotEquals", ("c", "d"), True),
        ("ForAllValues:StringNotEquals", ("c", "a"), False),
        ("ForAnyValue:StringNotEquals", ("c", "a"), True),
        ("ForAllValues:StringLike", ("a", "b"), True),
    ],
)
def test_several_values(operator: str, given: tuple[str, ...], expected: bool) -> None:
    assert holds(operator, "aws:TagKeys", ("a", "b"), {"aws:tagkeys": given}) is expected


@pytest.mark.parametrize(
    ("wanted", "context", "expected"),
    [
        ("true", {}, True),
        ("true", {"aws:key": "x"}, False),
        ("false", {"aws:key": "x"}, True),
        ("false", {}, False),
    ],
)
def test_null_asks_whether_a_key_is_there(wanted: str, context: Values, expected: bool) -> None:
    assert holds("Null", "aws:Key", wanted, context) is expected


def test_variables_compare_two_keys() -> None:
    context = {"aws:username": "alice", "s3:prefix": "alice"}
    assert holds("StringEquals", "s3:prefix", "${aws:username}", context)
    assert not holds("StringEquals", "s3:prefix", "${aws:username}", {"s3:prefix": "alice"})


@pytest.mark.parametrize(
    ("operator", "value"),
    [
        ("StringMatches", "a"),
        ("NumericEquals", "ten"),
        ("IpAddress", "300.1.1.1"),
        ("Bool", "perhaps"),
        ("Null", "perhaps"),
        ("DateEquals", "soon"),
        ("BinaryEquals", "%"),
        ("NullIfExists", "true"),
    ],
)
def test_what_is_not_of_the_grammar_is_refused(operator: str, value: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        compile_condition(operator, "aws:Key", (value,))
