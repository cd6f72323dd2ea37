"""What is taken for an attack, and what is not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.waf.asking import acl, ask
from torana.waf.managed import MANAGED
from torana.waf.sqli import is_sqli
from torana.waf.xss import is_xss


@pytest.mark.parametrize(
    "text",
    [
        "1 OR 1=1",
        "x' or 'a'='a",
        "admin'--",
        "admin' #",
        '" or ""="',
        "1 UNION ALL SELECT name, secret FROM users",
        "1; DROP TABLE users",
        "1 AND sleep(5)",
        "1/**/union/**/select/**/2",
        "') or ('x'='x",
        "1' AND (SELECT 1 FROM dual)='1",
        "1 waitfor delay '0:0:9'",
        "'; exec xp_cmdshell 'dir'",
        "1 order by 10--",
    ],
)
def test_sql_that_breaks_out_is_found(text: str) -> None:
    assert is_sqli(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "I'd like to order 2 or 3 pizzas, and don't forget the salad",
        "Drop me a line; select whatever you like from the menu.",
        "O'Brien",
        "2020-01-01 and after",
        "rock 'n' roll",
        "The union of sets and the selection of members",
        "C# or F#?",
        "https://example.com/a?b=1#top",
        "a -- b -- c",
    ],
)
def test_what_people_write_is_no_sql(text: str) -> None:
    assert not is_sqli(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<ScRiPt src=//x>",
        '<img src=x onerror="alert(1)">',
        "<svg/onload=alert(1)>",
        '" onmouseover="alert(1)',
        "javascript:alert(1)",
        '<a href="java\tscript:alert(1)">',
        "<iframe srcdoc='x'>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
    ],
)
def test_script_in_a_text_is_found(text: str) -> None:
    assert is_xss(text.encode())


@pytest.mark.parametrize(
    "text",
    ["1 < 2 and 3 > 2", "<b>bold</b>", "I <3 you", "on Monday = off", "a: b", "<p>Hi</p>", "x=y"],
)
def test_markup_that_runs_nothing_is_let_be(text: str) -> None:
    assert not is_xss(text.encode())


@given(st.binary(max_size=400))
def test_no_input_breaks_the_detectors(text: bytes) -> None:
    assert is_sqli(text) in (True, False)
    assert is_xss(text) in (True, False)


def judged(name: str, **request: Any) -> str:
    """The rule of a managed group that blocks."""
    managed = {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": name}}
    found = acl({"Name": "m", "Statement": managed, "OverrideAction": {"None": {}}})
    asked: dict[str, Any] = {"user_agent": "a browser", **request}
    verdict = found.judge(ask(**asked))
    return verdict.by.inner if verdict.by else ""


CHAT = json.dumps(
    {
        "model": "fast",
        "messages": [{"role": "user", "content": "What is the union of {1, 2} and {2, 3}?"}],
    }
).encode()


@pytest.mark.parametrize("name", MANAGED)
def test_a_chat_passes_every_managed_group(name: str) -> None:
    assert judged(name, path="/v1/chat/completions", body=CHAT) == ""


@pytest.mark.parametrize(
    ("name", "request_", "rule"),
    [
        ("AWSManagedRulesCommonRuleSet", {"user_agent": ""}, "NoUserAgent_HEADER"),
        ("AWSManagedRulesCommonRuleSet", {"body": b"x" * 9000}, "SizeRestrictions_BODY"),
        (
            "AWSManagedRulesCommonRuleSet",
            {"query": "u=http://169.254.169.254/latest/meta-data"},
            "EC2MetaDataSSRF_QUERYARGUMENTS",
        ),
        (
            "AWSManagedRulesCommonRuleSet",
            {"query": "f=../../etc"},
            "GenericLFI_QUERYARGUMENTS",
        ),
        (
            "AWSManagedRulesKnownBadInputsRuleSet",
            {"X_Api": "${jndi:ldap://x/a}"},
            "Log4JRCE_HEADER",
        ),
        ("AWSManagedRulesSQLiRuleSet", {"query": "id=1%20or%201=1"}, "SQLi_QUERYARGUMENTS"),
        ("AWSManagedRulesLinuxRuleSet", {"query": "f=/etc/passwd"}, "LFI_QUERYSTRING"),
        (
            "AWSManagedRulesUnixRuleSet",
            {"body": b"a=1;cat /etc/hosts"},
            "UNIXShellCommandsVariables_BODY",
        ),
        (
            "AWSManagedRulesAdminProtectionRuleSet",
            {"path": "/phpmyadmin/"},
            "AdminProtection_URIPATH",
        ),
    ],
)
def test_a_managed_group_names_the_rule_that_found_it(
    name: str, request_: dict[str, Any], rule: str
) -> None:
    assert judged(name, **request_) == rule
