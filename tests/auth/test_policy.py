from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torana.auth.policy import (
    Caller,
    MalformedPolicy,
    Question,
    evaluate,
    execute_api_resource,
    parse,
)

INVOKE = "execute-api:Invoke"
PETS = "arn:aws:execute-api:us-east-1:123456789012:abc/prod/GET/pets"
ALICE = Caller(("arn:aws:iam::123456789012:user/alice",), "123456789012")


def policy(*statements: dict[str, Any], version: str = "2012-10-17") -> dict[str, Any]:
    return {"Version": version, "Statement": list(statements)}


def statement(effect: str = "Allow", **elements: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": INVOKE, "Resource": "*", **elements}


def effect(*statements: dict[str, Any], **question: Any) -> str:
    fields: dict[str, Any] = {"action": INVOKE, "resource": PETS, **question}
    return evaluate([parse(policy(*statements))], Question(**fields)).effect


def test_nothing_speaks_for_it() -> None:
    assert effect(statement(Action="s3:GetObject")) == "none"


def test_an_allow_speaks_for_it() -> None:
    assert effect(statement()) == "allow"


def test_an_explicit_deny_wins_wherever_it_stands() -> None:
    assert effect(statement(), statement("Deny")) == "deny"
    assert effect(statement("Deny"), statement()) == "deny"
    allows, denies = parse(policy(statement())), parse(policy(statement("Deny", Sid="Never")))
    decision = evaluate([allows, denies], Question(INVOKE, PETS))
    assert (decision.effect, decision.statement, decision.allowed) == ("deny", "Never", False)


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("execute-api:Invoke", "allow"),
        ("EXECUTE-API:invoke", "allow"),
        ("execute-api:*", "allow"),
        ("execute-api:In?oke", "allow"),
        ("*", "allow"),
        (["s3:*", "execute-api:Inv*"], "allow"),
        ("execute-api:InvokeAll", "none"),
        ("execute-api:In", "none"),
    ],
)
def test_actions(action: Any, expected: str) -> None:
    assert effect(statement(Action=action)) == expected


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (PETS, "allow"),
        ("arn:aws:execute-api:*:*:abc/*", "allow"),
        ("arn:aws:execute-api:us-east-1:123456789012:abc/prod/*/pets", "allow"),
        ("arn:aws:execute-api:us-east-1:123456789012:abc/prod/POST/*", "none"),
        ("arn:aws:execute-api:us-east-1:123456789012:ABC/*", "none"),
        ("arn:aws:execute-api:eu-*:*:*", "none"),
        ("arn:aws:s3:::*", "none"),
    ],
)
def test_resources(resource: str, expected: str) -> None:
    assert effect(statement(Resource=resource)) == expected


def test_a_star_does_not_reach_over_a_part_of_the_arn() -> None:
    assert effect(statement(Resource="arn:aws:execute-api:*:abc/prod/GET/pets::x")) == "none"


def test_not_action_and_not_resource_turn_around() -> None:
    other = {"Effect": "Allow", "NotAction": "s3:*", "NotResource": "arn:aws:s3:::*"}
    assert effect(other) == "allow"
    assert effect(other, action="s3:GetObject") == "none"
    assert effect(other, resource="arn:aws:s3:::bucket") == "none"


def test_every_condition_must_hold() -> None:
    conditions = {
        "IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "198.51.100.0/24"]},
        "Bool": {"aws:SecureTransport": True},
    }
    asked = {"aws:sourceip": "198.51.100.9", "aws:securetransport": "true"}
    assert effect(statement(Condition=conditions), context=asked) == "allow"
    assert effect(statement(Condition=conditions), context={**asked, "aws:sourceip": "::1"}) == (
        "none"
    )
    assert effect(statement(Condition=conditions), context={"aws:sourceip": "203.0.113.1"}) == (
        "none"
    )


def test_variables_name_the_caller() -> None:
    own = statement(Resource="arn:aws:execute-api:*:*:abc/prod/GET/${aws:username}")
    assert effect(own, context={"aws:username": "pets"}) == "allow"
    assert effect(own, context={"aws:username": "*"}) == "none"
    assert effect(own) == "none"


def test_the_old_version_has_no_variables() -> None:
    old = parse(policy(statement(Resource="${aws:username}"), version="2008-10-17"))
    asked = Question(INVOKE, "alice", context={"aws:username": "alice"})
    assert evaluate([old], asked).effect == "none"
    literal = Question(INVOKE, "${aws:username}", context={"aws:username": "alice"})
    assert evaluate([old], literal).effect == "allow"


@pytest.mark.parametrize(
    ("principal", "caller", "expected"),
    [
        ("*", Caller(), "allow"),
        ({"AWS": "*"}, ALICE, "allow"),
        ({"AWS": "123456789012"}, ALICE, "allow"),
        ({"AWS": "arn:aws:iam::123456789012:root"}, ALICE, "allow"),
        ({"AWS": ["999999999999", "arn:aws:iam::123456789012:user/alice"]}, ALICE, "allow"),
        ({"AWS": "arn:aws:iam::123456789012:user/bob"}, ALICE, "none"),
        ({"AWS": "999999999999"}, ALICE, "none"),
        ({"Service": "events.amazonaws.com"}, Caller(service="events.amazonaws.com"), "allow"),
        ({"Service": "events.amazonaws.com"}, ALICE, "none"),
        ({"Federated": "accounts.google.com"}, Caller(federated="accounts.google.com"), "allow"),
        (
            {"AWS": "arn:aws:iam::1:role/r"},
            Caller(("arn:aws:sts::1:assumed-role/r/s", "arn:aws:iam::1:role/r"), "1"),
            "allow",
        ),
    ],
)
def test_principals(principal: Any, caller: Caller, expected: str) -> None:
    found = parse(policy(statement(Principal=principal)), "resource")
    assert evaluate([found], Question(INVOKE, PETS, caller)).effect == expected


def test_not_principal_turns_around() -> None:
    found = parse(policy(statement("Deny", NotPrincipal={"AWS": ALICE.arns[0]})), "resource")
    assert evaluate([found], Question(INVOKE, PETS, ALICE)).effect == "none"
    assert evaluate([found], Question(INVOKE, PETS, Caller(account="1"))).effect == "deny"


def test_the_short_form_of_api_resources_is_expanded() -> None:
    def expand(resource: str) -> str:
        return execute_api_resource(
            resource, region="us-east-1", account="123456789012", api_id="abc"
        )

    short = policy(statement(Principal="*", Resource="execute-api:/prod/GET/*"))
    found = parse(short, "resource", expand)
    assert evaluate([found], Question(INVOKE, PETS)).effect == "allow"
    other = PETS.replace("GET", "POST")
    assert evaluate([found], Question(INVOKE, other)).effect == "none"
    assert expand("arn:aws:s3:::x") == "arn:aws:s3:::x"


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", "not JSON"),
        ("[]", "not an object"),
        ({"Statement": []}, "no Statement"),
        ({}, "no Statement"),
        ({"Version": "2020-01-01", "Statement": statement()}, "Version '2020-01-01'"),
        ({"Statement": statement(), "Extra": 1}, "unknown element 'Extra'"),
        (policy(statement("allow")), "Effect must be Allow or Deny"),
        (policy(statement(Actions="x")), "statement 1: unknown element 'Actions'"),
        (policy(statement(NotAction="s3:*")), "exclude each other"),
        (policy({"Effect": "Allow", "Resource": "*"}), "Action or NotAction is needed"),
        (policy({"Effect": "Allow", "Action": "*"}), "Resource or NotResource is needed"),
        (policy(statement(Action="Invoke")), "must be service:action"),
        (policy(statement(Action=[])), "Action is empty"),
        (policy(statement(Resource={})), "Resource must be text"),
        (policy(statement(Principal="*")), "must not have a Principal"),
        (policy(statement(Condition={"Near": {"a": "b"}})), "'Near' is not a condition operator"),
        (policy(statement(Condition={"Bool": "a"})), "Condition Bool must be an object"),
        (policy(statement(Sid="Mine", Resource="${a, b}")), "statement Mine: the default"),
    ],
)
def test_what_is_not_of_the_grammar_is_refused_with_its_place(document: Any, words: str) -> None:
    with pytest.raises(MalformedPolicy, match=words):
        parse(document)


def test_a_resource_policy_needs_a_principal_by_its_whole_name() -> None:
    with pytest.raises(MalformedPolicy, match="Principal or NotPrincipal is needed"):
        parse(policy(statement()), "resource")
    with pytest.raises(MalformedPolicy, match="wildcards are not allowed"):
        parse(policy(statement(Principal={"AWS": "arn:aws:iam::1:user/*"})), "resource")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Version", "Statement", "Effect", "Action", "Resource", "Condition"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_document_is_a_policy_or_refused(document: Any) -> None:
    try:
        found = parse(document)
    except MalformedPolicy:
        return
    assert evaluate(found and [found], Question(INVOKE, PETS)).effect in ("allow", "deny", "none")
