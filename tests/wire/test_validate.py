from typing import Any

import pytest

from tests.wire.asking import contract, json_request, refusal, request
from torana.wire.model import Ref, Shape
from torana.wire.validate import Validators, matcher, message

COMPREHEND = contract("comprehend")
DETECT = "Comprehend_20171127.DetectSentiment"
BATCH = "Comprehend_20171127.BatchDetectSentiment"
LANGUAGES = "[en, es, fr, de, it, pt, ar, hi, ja, ko, zh, zh-TW]"


@pytest.mark.parametrize(
    ("target", "params", "sentence"),
    [
        (
            DETECT,
            {"Text": "", "LanguageCode": "en"},
            "1 validation error detected: Value '' at 'text' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        ),
        (
            DETECT,
            {"LanguageCode": "en"},
            "1 validation error detected: Value null at 'text' failed to satisfy constraint: "
            "Member must not be null",
        ),
        (
            DETECT,
            {"LanguageCode": "xx"},
            "2 validation errors detected: Value null at 'text' failed to satisfy constraint: "
            "Member must not be null; Value 'xx' at 'languageCode' failed to satisfy constraint: "
            f"Member must satisfy enum value set: {LANGUAGES}",
        ),
        (
            BATCH,
            {"TextList": [], "LanguageCode": "en"},
            "1 validation error detected: Value '[]' at 'textList' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        ),
        (
            BATCH,
            {"TextList": ["a", ""], "LanguageCode": "en"},
            "1 validation error detected: Value '***Sensitive Data Redacted***' at 'textList' "
            "failed to satisfy constraint: Member must satisfy constraint: [Member must have "
            "length greater than or equal to 1, Member must not be null]",
        ),
        (
            BATCH,
            {"TextList": ["a", None], "LanguageCode": "en"},
            "1 validation error detected: Value '***Sensitive Data Redacted***' at 'textList' "
            "failed to satisfy constraint: Member must satisfy constraint: [Member must have "
            "length greater than or equal to 1, Member must not be null]",
        ),
    ],
)
def test_the_sentences_are_the_services(target: str, params: Any, sentence: str) -> None:
    error, _ = refusal(COMPREHEND, json_request(target, params))
    assert (error.code, error.message) == ("ValidationException", sentence)


def test_members_inside_lists_are_named_with_their_place() -> None:
    asked = json_request(
        "Comprehend_20171127.TagResource",
        {"ResourceArn": "arn:aws:comprehend:r:1:x/y", "Tags": [{"Key": "a"}, {"Value": "b"}]},
    )
    error, _ = refusal(COMPREHEND, asked)
    assert "Value null at 'tags.2.member.key' failed" in error.message


def test_query_services_call_it_a_validation_error() -> None:
    form = b"Action=AssumeRole&RoleArn=short&RoleSessionName=a+b&DurationSeconds=10"
    error, reply = refusal(
        contract("sts"), request(body=form, content_type="application/x-www-form-urlencoded")
    )
    assert error.code == "ValidationError"
    assert "at 'roleArn' failed to satisfy constraint: Member must have length greater" in (
        error.message
    )
    assert (
        "Value '10' at 'durationSeconds' failed to satisfy constraint: Member must have value"
        in (error.message)
    )
    assert reply.status == 400


def test_api_gateway_says_of_which_input_a_member_is() -> None:
    error, reply = refusal(contract("apigateway"), request(target="/restapis", body=b"{}"))
    assert error.code == "ValidationException"
    assert reply.headers.get("x-amzn-errortype") == "ValidationException"
    assert "Value null at 'createRestApiInput.name'" in error.message
    target = "/restapis/a/gatewayresponses/WRONG"
    error, _ = refusal(contract("apigateway"), request(method="GET", target=target))
    assert "Value 'WRONG' at 'responseType' failed" in error.message


def test_http_apis_call_it_a_bad_request() -> None:
    error, _ = refusal(contract("apigatewayv2"), request(target="/v2/apis", body=b"{}"))
    assert error.code == "BadRequestException"


def violations(value: Any, **shapes: Shape) -> str:
    check = Validators(shapes).of("Top")
    found: list[str] = []
    if check is not None:
        check(value, "", found)
    return message(found) if found else ""


def test_map_keys_and_values_are_checked() -> None:
    shapes = {
        "Top": Shape("structure", {"Map": Ref("Map")}),
        "Map": Shape("map", key=Ref("Key"), value=Ref("Value")),
        "Key": Shape("string", max=2),
        "Value": Shape("integer", max=5),
    }
    assert violations({"Map": {"ab": 5}}, **shapes) == ""
    assert violations({"Map": {"abc": 6}}, **shapes) == (
        "2 validation errors detected: Value '{abc=6}' at 'map' failed to satisfy constraint: Map "
        "keys must satisfy constraint: [Member must have length less than or equal to 2]; Value "
        "'{abc=6}' at 'map' failed to satisfy constraint: Map value must satisfy constraint: "
        "[Member must have value less than or equal to 5]"
    )


def test_a_shape_that_contains_itself_is_checked_all_the_way_down() -> None:
    shapes = {
        "Top": Shape("structure", {"Node": Ref("Node")}),
        "Node": Shape("structure", {"Name": Ref("Name"), "Next": Ref("Node")}, ("Name",)),
        "Name": Shape("string", pattern="[a-z]+"),
    }
    nested: Any = {"Node": {"Name": "a", "Next": {"Name": "b", "Next": {}}}}
    assert "Value null at 'node.next.next.name'" in violations(nested, **shapes)


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        ("[a-z]+", "abc", "abc1"),
        ("^[a-z]", "abc1", "1abc"),
        ("^a$", "a", "a\n"),
        (r"\S", "  x", "   "),
        (".*[.]com", "x.com", "x.com.org"),
    ],
)
def test_patterns_match_as_the_services_do(pattern: str, good: str, bad: str) -> None:
    matches = matcher(pattern)
    assert matches is not None
    assert matches(good)
    assert not matches(bad)


@pytest.mark.parametrize("pattern", [r"\p{L}+", "[[a-z]&&[b]]", "("])
def test_patterns_that_python_reads_otherwise_are_left_out(pattern: str) -> None:
    assert matcher(pattern) is None
