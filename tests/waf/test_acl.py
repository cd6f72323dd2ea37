"""Web ACLs: the order of rules, what ends it, labels, groups, rates."""

from typing import Any

import pytest

from tests.waf.asking import BLOCK, COUNT, acl, ask, contains, rule
from torana.waf.faults import BadRule
from torana.waf.rates import Rate

PATH: dict[str, Any] = {"UriPath": {}}
GROUP = "arn:aws:wafv2:us-east-1:0:regional/rulegroup/g/1"


def group(*rules: dict[str, Any]) -> dict[str, Any]:
    placed = [{"Priority": place, **each} for place, each in enumerate(rules)]
    return {GROUP: {"ARN": GROUP, "Rules": placed}}


def refer(override: str = "None", **more: Any) -> dict[str, Any]:
    return {
        "Name": "group",
        "Statement": {"RuleGroupReferenceStatement": {"ARN": GROUP, **more}},
        "OverrideAction": {override: {}},
    }


def test_the_first_rule_that_allows_or_blocks_ends_it() -> None:
    found = acl(
        rule("friends", contains(b"friend", PATH), {"Allow": {}}),
        rule("all", contains(b"/", PATH)),
    )
    assert found.judge(ask("/friend")).action.kind == "Allow"
    verdict = found.judge(ask("/x"))
    assert verdict.action.kind == "Block"
    assert verdict.by is not None
    assert verdict.by.rule == "all"


def test_counting_goes_on_and_leaves_its_label_for_later_rules() -> None:
    found = acl(
        rule("mark", contains(b"x", PATH), COUNT, RuleLabels=[{"Name": "odd"}]),
        rule("act", {"LabelMatchStatement": {"Scope": "LABEL", "Key": "odd"}}),
    )
    verdict = found.judge(ask("/x"))
    assert [hit.rule for hit in verdict.counted] == ["mark"]
    assert verdict.action.kind == "Block"
    assert found.judge(ask("/y")).action.kind == "Allow"


def test_headers_that_rules_insert_come_with_the_services_prefix() -> None:
    insert = {"CustomRequestHandling": {"InsertHeaders": [{"Name": "seen", "Value": "yes"}]}}
    found = acl(rule("mark", contains(b"x", PATH), {"Count": insert}))
    assert found.judge(ask("/x")).inserts == [("x-amzn-waf-seen", "yes")]


def test_a_block_may_have_a_response_of_its_own() -> None:
    own = {
        "ResponseCode": 418,
        "CustomResponseBodyKey": "tea",
        "ResponseHeaders": [{"Name": "X-Tea", "Value": "1"}],
    }
    bodies = {"tea": {"ContentType": "TEXT_PLAIN", "Content": "short and stout"}}
    found = acl(
        rule("r", contains(b"x", PATH), {"Block": {"CustomResponse": own}}),
        CustomResponseBodies=bodies,
    )
    reply = found.judge(ask("/x")).action.reply()
    assert reply is not None
    assert (reply.status, reply.body) == (418, b"short and stout")
    assert reply.headers.items == [("X-Tea", "1"), ("Content-Type", "text/plain")]


def test_a_rule_group_ends_it_unless_it_is_only_counted() -> None:
    inside = group(rule("inner", contains(b"x", PATH)))
    blocked = acl(refer(), documents=inside).judge(ask("/x"))
    assert blocked.action.kind == "Block"
    assert blocked.by is not None
    assert blocked.by.inner == "inner"
    counted = acl(refer("Count"), documents=inside).judge(ask("/x"))
    assert counted.action.kind == "Allow"
    assert [hit.inner for hit in counted.counted] == ["inner"]


def test_the_action_of_a_groups_rule_may_be_another() -> None:
    inside = group(rule("inner", contains(b"x", PATH)))
    override = [{"Name": "inner", "ActionToUse": COUNT}]
    found = acl(refer(RuleActionOverrides=override), documents=inside)
    assert found.judge(ask("/x")).action.kind == "Allow"
    with pytest.raises(BadRule):
        acl(refer(ExcludedRules=[{"Name": "other"}]), documents=inside)


def test_who_asks_too_often_is_blocked_until_the_window_has_gone_by() -> None:
    said: dict[str, Any] = {
        "RateBasedStatement": {"Limit": 10, "AggregateKeyType": "IP", "EvaluationWindowSec": 60}
    }
    found = acl(rule("rate", said))
    seen = [found.judge(ask(now=float(n))).action.kind for n in range(12)]
    assert seen == ["Allow"] * 10 + ["Block"] * 2
    assert found.judge(ask(address="192.0.2.8", now=12.0)).action.kind == "Allow"
    assert found.judge(ask(now=90.0)).action.kind == "Allow"


def test_a_rate_may_count_by_a_header_and_only_some_requests() -> None:
    said: dict[str, Any] = {
        "RateBasedStatement": {
            "Limit": 10,
            "AggregateKeyType": "CUSTOM_KEYS",
            "CustomKeys": [
                {
                    "Header": {
                        "Name": "x-key",
                        "TextTransformations": [{"Priority": 0, "Type": "NONE"}],
                    }
                }
            ],
            "ScopeDownStatement": contains(b"/login", PATH),
        }
    }
    found = acl(rule("rate", said))
    for _ in range(20):
        assert found.judge(ask("/other", X_Key="a")).action.kind == "Allow"
    kinds = [found.judge(ask("/login", X_Key="a")).action.kind for _ in range(11)]
    assert kinds[-1] == "Block"
    assert found.judge(ask("/login", X_Key="b")).action.kind == "Allow"
    assert found.judge(ask("/login")).action.kind == "Allow"


def test_what_other_processes_counted_counts() -> None:
    rate = Rate(60)
    rate.hear({"a": 9}, 0.0)
    assert rate.ask("a", 1.0) == 10
    assert rate.untold == {"a": 1}
    assert rate.above(9, 1.0) == ["a"]
    assert rate.above(9, 100.0) == []


@pytest.mark.parametrize(
    "rules",
    [
        [rule("a", contains(b"x", PATH)), rule("a", contains(b"y", PATH))],
        [rule("a", contains(b"x", PATH), {"Captcha": {}})],
        [{"Name": "a", "Statement": contains(b"x", PATH)}],
        [rule("a", {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "x"}})],
        [
            rule(
                "a",
                contains(b"x", PATH),
                {"Block": {"CustomResponse": {"ResponseCode": 400, "CustomResponseBodyKey": "no"}}},
            )
        ],
    ],
)
def test_a_bad_web_acl_is_refused_whole(rules: list[dict[str, Any]]) -> None:
    with pytest.raises(BadRule):
        acl(*rules)


def test_capacity_is_the_sum_of_what_statements_cost() -> None:
    found = acl(
        rule("a", contains(b"x", PATH, "LOWERCASE"), BLOCK),
        rule("b", {"NotStatement": {"Statement": contains(b"x", PATH)}}, COUNT),
    )
    assert found.capacity == 20 + 11
