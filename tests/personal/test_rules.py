"""A policy's rules over bodies: what is found, what becomes of it, and what is refused."""

import json
import time
from typing import Any

import pytest

from torana.data_settings import Action, Privacy, Rule
from torana.personal.find import hider
from torana.personal.rules import Blocked, Rules, Unseen, wrong
from torana.personal.tokens import TokenKey, fresh, key_id

KEY = TokenKey(*fresh())
JSON = "application/json"


def rule(action: Action, *fields: str, detect: tuple[str, ...] = ()) -> Rule:
    return Rule(action, fields, detect)


def after(body: Any, *rules: Rule, media: str = JSON, key: TokenKey = KEY) -> Any:
    given = body if isinstance(body, bytes) else json.dumps(body).encode()
    made = Rules(rules).body(given, media, key)
    return json.loads(made) if media == JSON else made


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$.a.email", {"a": {"email": "***", "n": 5}, "list": [{"email": "y"}]}),
        ("$['a'][\"email\"]", {"a": {"email": "***", "n": 5}, "list": [{"email": "y"}]}),
        ("$.list[*].email", {"a": {"email": "x", "n": 5}, "list": [{"email": "***"}]}),
        ("$.list[0].email", {"a": {"email": "x", "n": 5}, "list": [{"email": "***"}]}),
        ("$..email", {"a": {"email": "***", "n": 5}, "list": [{"email": "***"}]}),
        ("$.a.*", {"a": {"email": "***", "n": "***"}, "list": [{"email": "y"}]}),
        ("$.b.c", {"a": {"email": "x", "n": 5}, "list": [{"email": "y"}]}),
    ],
)
def test_a_path_leads_to_the_fields_that_are_masked(path: str, expected: Any) -> None:
    body = {"a": {"email": "x", "n": 5}, "list": [{"email": "y"}]}
    assert after(body, rule("mask", path)) == expected


def test_what_is_found_is_masked_wherever_it_stands() -> None:
    body = {
        "note": "write to ann@example.org",
        "card": 4111111111111111,
        "user": {"phoneNumber": "5550132", "order": "5550132"},
        "ok": True,
    }
    assert after(body, rule("mask", detect=("ALL",))) == {
        "note": "write to [EMAIL]",
        "card": "[CREDIT_DEBIT_NUMBER]",
        "user": {"phoneNumber": "[PHONE]", "order": "5550132"},
        "ok": True,
    }


def test_a_body_with_nothing_to_change_stays_byte_for_byte() -> None:
    body = b'{ "price": 1.10,\n "note": "fine" }'
    assert Rules([rule("mask", detect=("ALL",))]).body(body, JSON, None) is body


def test_tokens_are_the_same_for_the_same_value_and_lead_back() -> None:
    body = {"mail": "ann@example.org", "age": 41, "to": ["ann@example.org"], "tags": {"a": [1.5]}}
    rules = rule("tokenise", "$.age", "$.tags"), rule("tokenise", detect=("EMAIL",))
    closed = after(body, *rules)
    assert closed["mail"] == closed["to"][0] and closed["mail"].startswith("tok~")
    assert "ann" not in json.dumps(closed)
    assert after(closed, rule("detokenise")) == body
    told = {"text": f"Dear {closed['mail']}, you are {closed['age']}."}
    assert after(told, rule("detokenise"))["text"] == "Dear ann@example.org, you are 41."
    assert after(closed, rule("detokenise", "$.mail"))["mail"] == "ann@example.org"


@pytest.mark.parametrize("value", ["", "\0", '\0{"a": 1}', "\0not JSON", None, True, 0, [], {}])
def test_any_value_comes_back_as_it_was(value: Any) -> None:
    closed = after({"v": value}, rule("tokenise", "$.v"))
    assert closed["v"] is None if value is None else closed["v"].startswith("tok~")
    assert after(closed, rule("detokenise")) == {"v": value}
    said = {"v": f"pin: {closed['v']}!"}
    assert after(said, rule("detokenise"))["v"].startswith("pin: ")


def test_tokens_of_another_tenant_stay_as_they_are() -> None:
    other = TokenKey(*fresh())
    token = other.token("secret")
    assert key_id(token) == other.id
    assert (KEY.value(token), other.value(token)) == (None, "secret")
    assert after({"t": token}, rule("detokenise")) == {"t": token}
    forged = token[:-5] + "AAAA~"
    assert other.value(forged) is None and key_id("tok~short~") is None


def test_forms_and_other_texts_are_looked_into() -> None:
    form = "application/x-www-form-urlencoded"
    masked = after(b"a=1&mail=ann%40example.org&a=2", rule("mask", "$.a"), media=form)
    assert masked == b"a=%2A%2A%2A&mail=ann%40example.org&a=%2A%2A%2A"
    found = rule("mask", detect=("EMAIL",))
    assert after(b"a=1&mail=ann%40example.org", found, media=form) == b"a=1&mail=%5BEMAIL%5D"
    assert after(b"to: ann@example.org", found, media="text/plain") == b"to: [EMAIL]"
    assert after(b'{"a":"ann@example.org"}', found, media="text/plain") == b'{"a":"[EMAIL]"}'


def test_a_body_that_may_not_pass_is_refused_without_its_value() -> None:
    with pytest.raises(Blocked, match=r"^it holds personal data: EMAIL, SSN$"):
        after({"a": "ann@example.org, SSN 536-90-4399"}, rule("block", detect=("ALL",)))
    with pytest.raises(Blocked, match=r"^the field \$\.ssn may not be there$"):
        after({"ssn": "1"}, rule("block", "$.ssn"))
    for body, media in (
        (b"\x89PNG", "image/png"),
        (b"{", JSON),
        (b"1e400", JSON),
        (b"[" * 100_000, JSON),
        (b"\xff", "text/plain"),
        (b"--b", "multipart/form-data"),
        (b'{"a": [{"card": "4111 1111 1111 1111", "card": ""}]}', JSON),
    ):
        with pytest.raises(Unseen):
            Rules([rule("mask", detect=("ALL",))]).body(body, media, None)


def test_a_policy_that_cannot_be_is_named() -> None:
    given = Privacy(
        (Rule("mask"), Rule("mask", ("a",)), Rule("block", ("$",), ("NAME",))),
        (Rule("detokenise", detect=("EMAIL",)),),
        ("X",),
        "me",
    )
    assert [path for path, _ in wrong(given)] == [
        ("request", 0),
        ("request", 1, "fields", 0),
        ("request", 2),
        ("request", 2, "fields", 0),
        ("request", 2, "detect", 0),
        ("response", 0, "detect"),
        ("logs", 0),
        ("tenant",),
    ]


@pytest.mark.parametrize(
    "piece", ["a", "a.", ":", "1 ", "pin ", "http://.", "A ", "@a", "1-", "a@b.co "]
)
def test_a_hostile_text_takes_time_in_proportion_to_its_length(piece: str) -> None:
    hide = hider(("ALL",))
    assert hide is not None

    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        begun = time.process_time()
        hide(text)
        return time.process_time() - begun

    seconds(1000)
    assert seconds(64_000) < 0.02 + 40 * seconds(8_000)
