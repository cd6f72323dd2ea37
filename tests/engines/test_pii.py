from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torana.engines.pii import load
from torana.personal.find import by_pattern, without_overlaps

PII = load()


def found(text: str) -> list[tuple[str, str]]:
    (personal,) = PII.run([text])
    return [(each.type, text[each.begin : each.end]) for each in personal]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Write to anna.k@example.org today", ("EMAIL", "anna.k@example.org")),
        ("See https://example.org/a?b=c.", ("URL", "https://example.org/a?b=c")),
        ("Call me at (415) 555-0132 please", ("PHONE", "(415) 555-0132")),
        ("Call +49 30 901820 now", ("PHONE", "+49 30 901820")),
        ("my SSN is 536-90-4399", ("SSN", "536-90-4399")),
        ("card 4111 1111 1111 1111", ("CREDIT_DEBIT_NUMBER", "4111 1111 1111 1111")),
        ("the CVV is 123", ("CREDIT_DEBIT_CVV", "123")),
        ("it expires 04/27", ("CREDIT_DEBIT_EXPIRY", "04/27")),
        (
            "IBAN DE89 3704 0044 0532 0130 00.",
            ("INTERNATIONAL_BANK_ACCOUNT_NUMBER", "DE89 3704 0044 0532 0130 00"),
        ),
        ("SWIFT code DEUTDEFF500", ("SWIFT_CODE", "DEUTDEFF500")),
        ("routing number 021000021", ("BANK_ROUTING", "021000021")),
        ("account number 123456789", ("BANK_ACCOUNT_NUMBER", "123456789")),
        ("server 10.0.0.1 is down", ("IP_ADDRESS", "10.0.0.1")),
        ("server fe80::1ff:fe23:4567:890a is up", ("IP_ADDRESS", "fe80::1ff:fe23:4567:890a")),
        ("at 00:1B:44:11:3A:B7", ("MAC_ADDRESS", "00:1B:44:11:3A:B7")),
        ("key AKIAIOSFODNN7EXAMPLE", ("AWS_ACCESS_KEY", "AKIAIOSFODNN7EXAMPLE")),
        ("VIN 1HGCM82633A004352", ("VEHICLE_IDENTIFICATION_NUMBER", "1HGCM82633A004352")),
        ("PIN: 4821", ("PIN", "4821")),
        ("my password is hunter22", ("PASSWORD", "hunter22")),
        ("username: jdoe_77", ("USERNAME", "jdoe_77")),
        ("passport number C01234567", ("PASSPORT_NUMBER", "C01234567")),
        ("She is 42 years old", ("AGE", "42 years old")),
        ("NHS number 943 476 5919", ("UK_NATIONAL_HEALTH_SERVICE_NUMBER", "943 476 5919")),
        ("Aadhaar 2341 2341 2346", ("IN_AADHAAR", "2341 2341 2346")),
        ("PAN ABCPE1234F", ("IN_PERMANENT_ACCOUNT_NUMBER", "ABCPE1234F")),
        (
            "lives at 350 Fifth Avenue, New York, NY 10118",
            ("ADDRESS", "350 Fifth Avenue, New York, NY 10118"),
        ),
        ("I spoke to Anna Smith in Boston.", ("NAME", "Anna Smith")),
        ("We met on 4 May 2019 there.", ("DATE_TIME", "4 May 2019")),
    ],
)
def test_finds(text: str, expected: tuple[str, str]) -> None:
    assert expected in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "card 4111 1111 1111 1112",
        "order 1234567890123",
        "version 999.1.1.1",
        "IBAN DE88 3704 0044 0532 0130 00",
        "case 666-12-3456",
        "part 1HGCM82633A004353",
        "It costs 45.10 and weighs 300 grams.",
        "",
    ],
)
def test_what_fails_its_check_is_left_alone(text: str) -> None:
    assert found(text) == []


def test_offsets_count_code_points() -> None:
    assert ("EMAIL", "a@example.org") in found("\U0001f600\U0001f600 a@example.org")


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300))
def test_findings_never_overlap(text: str) -> None:
    kept = without_overlaps(by_pattern(text))
    assert all(one.end <= other.begin for one, other in pairwise(kept))


@pytest.mark.timeout(10)
@pytest.mark.parametrize("piece", ["1 ", "a.", "a:", "A1 ", "1-", "@", "+1 (", "1 A "])
def test_no_text_takes_long(piece: str) -> None:
    list(by_pattern((piece * 5000)[:5000]))
