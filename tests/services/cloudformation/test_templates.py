"""Templates: how they are read, what their functions give, and what is refused."""

from typing import Any

import pytest

from torana.services.cloudformation.faults import BadTemplate
from torana.services.cloudformation.graph import ordered
from torana.services.cloudformation.intrinsics import Scope, Unknown, evaluate
from torana.services.cloudformation.parameters import check_rules, conditions, given, shown
from torana.services.cloudformation.template import read

RESOURCES = "Resources: {A: {Type: AWS::SQS::Queue}}"


def scope(**more: Any) -> Scope:
    values = {"AWS::Region": "eu-west-1", "Name": "pets", "Several": ["a", "b"]}
    ids, attributes = {"Queue": "http://queue"}, {("Queue", "Arn"): "arn:queue"}
    made = Scope(values, ids.__getitem__, lambda name, attribute: attributes[name, attribute])
    made.mappings = {"Sizes": {"eu-west-1": {"small": 1}}}
    made.conditions = {"Yes": True, "No": False}
    for name, value in more.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ({"Ref": "Name"}, "pets"),
        ({"Ref": "Queue"}, "http://queue"),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, "arn:queue"),
        ({"Fn::GetAtt": "Queue.Arn"}, "arn:queue"),
        ({"Fn::Sub": "${Name}-${Queue.Arn}-${!Kept}"}, "pets-arn:queue-${Kept}"),
        ({"Fn::Sub": ["${Own}/${Name}", {"Own": {"Ref": "AWS::Region"}}]}, "eu-west-1/pets"),
        ({"Fn::Join": ["-", [{"Ref": "Name"}, 1, "x"]]}, "pets-1-x"),
        ({"Fn::Join": [",", {"Ref": "Several"}]}, "a,b"),
        ({"Fn::Select": [1, {"Fn::Split": ["|", "a|b|c"]}]}, "b"),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "small"]}, 1),
        ({"Fn::Base64": "hi"}, "aGk="),
        ({"Fn::GetAZs": ""}, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, ["10.0.0.0/24", "10.0.1.0/24"]),
        ({"Fn::If": ["Yes", "then", {"Ref": "Nowhere"}]}, "then"),
        ({"Fn::And": [{"Condition": "Yes"}, {"Fn::Not": [{"Condition": "No"}]}]}, True),
        ({"Fn::Or": [{"Condition": "No"}, {"Fn::Equals": [1, "1"]}]}, True),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [{"Ref": "AWS::NoValue"}, 1]}, {"b": [1]}),
        ({"Statement": {"Effect": "Allow", "Condition": {"Bool": {}}}}, None),
    ],
)
def test_functions_give(expression: Any, value: Any) -> None:
    assert evaluate(expression, scope()) == (expression if value is None else value)


def test_functions_of_the_language_extensions_want_their_transform() -> None:
    length, text = {"Fn::Length": {"Ref": "Several"}}, {"Fn::ToJsonString": {"n": {"Ref": "Name"}}}
    with pytest.raises(BadTemplate, match="AWS::LanguageExtensions"):
        evaluate(length, scope())
    assert evaluate(length, scope(extended=True)) == 2
    assert evaluate(text, scope(extended=True)) == '{"n":"pets"}'
    missing = {"Fn::FindInMap": ["Sizes", "x", "y", {"DefaultValue": 3}]}
    assert evaluate(missing, scope(extended=True)) == 3


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ({"Ref": "Nowhere"}, "Unresolved resource dependencies"),
        ({"Fn::GetAtt": ["Queue", "Color"]}, "does not support attribute type Color"),
        ({"Fn::Select": [5, ["a"]]}, "nonexistent value"),
        ({"Fn::ImportValue": "gone"}, "No export named gone found"),
        ({"Fn::Transform": {"Name": "AWS::Include"}}, "not supported here"),
        ({"Fn::If": ["Unheard", 1, 2]}, "Unresolved condition dependency"),
    ],
)
def test_what_leads_nowhere_is_refused(expression: Any, said: str) -> None:
    with pytest.raises(BadTemplate, match=said):
        evaluate(expression, scope())


def test_a_value_that_is_known_later_makes_the_whole_text_so() -> None:
    later = scope(attribute=Unknown)
    assert evaluate({"Fn::Sub": "x-${Queue.Arn}"}, later) == Unknown("Queue", "Arn")
    assert evaluate({"Fn::Join": ["", ["x", {"Fn::GetAtt": "Queue.Arn"}]]}, later) == Unknown(
        "Queue", "Arn"
    )


def test_yaml_has_short_forms_and_keeps_dates_as_they_are_written() -> None:
    found = read(
        "AWSTemplateFormatVersion: 2010-09-09\n"
        "Resources:\n  A:\n    Type: T\n    Properties:\n"
        "      B: !Sub '${C}'\n      D: !GetAtt E.F.G\n      H: !If [I, !Ref J, !Select [0, []]]\n"
        "      K: 2012-10-17\n      L: !Condition M\n"
    )
    assert found.resources["A"]["Properties"] == {
        "B": {"Fn::Sub": "${C}"},
        "D": {"Fn::GetAtt": ["E", "F.G"]},
        "H": {"Fn::If": ["I", {"Ref": "J"}, {"Fn::Select": [0, []]}]},
        "K": "2012-10-17",
        "L": {"Condition": "M"},
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "unsupported structure"),
        ("[1]", "unsupported structure"),
        ('{"Resources": ', "JSON not well-formed"),
        ("Resources: {A: [}", "YAML not well-formed"),
        ("Resources: {}", "At least one Resources member"),
        (f"{RESOURCES}\nNonsense: 1", r"Invalid template property or properties \[Nonsense\]"),
        ("Resources: {A: {Properties: {}}}", "Type member"),
        ("Resources: {A: {Type: T, DeletionPolicy: Never}}", "Unrecognized DeletionPolicy"),
        ("Resources: {A: {Type: T, CreationPolicy: {x: 1}}}", "not supported here"),
        ("Resources: {A-B: {Type: T}}", "non alphanumeric"),
        ("Resources: {A: {Type: T, Properties: [1]}}", r"\[/Resources/A/Properties\]"),
        ("Resources: {A: {Type: T}}\nOutputs: {B: text}", r"\[/Outputs/B\] must be an object"),
        ("Resources: {'Fn::ForEach::A': [B, [c], {}]}", "Fn::ForEach is not supported here"),
        ("a: &x 1\nResources: {A: {Type: T, Properties: *x}}", "aliases are not allowed"),
        ("Resources: {A: {Type: T}, A: {Type: T}}", "YAML not well-formed"),
    ],
)
def test_templates_that_cannot_be_are_refused(text: str, said: str) -> None:
    with pytest.raises(BadTemplate, match=said):
        read(text)


def test_parameters_are_checked_before_anything_is_made() -> None:
    declared = {
        "Size": {"Type": "Number", "MinValue": 1, "MaxValue": 5, "Default": 2},
        "Kind": {"Type": "String", "AllowedValues": ["a", "b"], "Default": "a"},
        "Word": {"Type": "String", "AllowedPattern": "[a-z]+", "NoEcho": True, "Default": "x"},
    }
    assert given(declared, [], {}) == {"Size": "2", "Kind": "a", "Word": "x"}
    assert shown(declared, {"Word": "x", "Kind": "a"}) == {"Word": "****", "Kind": "a"}
    kept = given(declared, [{"ParameterKey": "Kind", "UsePreviousValue": True}], {"Kind": "b"})
    assert kept["Kind"] == "b"
    for name, value, said in (
        ("Size", "6", "not greater than 5"),
        ("Size", "many", "must be a number"),
        ("Kind", "c", r"must be one of AllowedValues: \[a, b\]"),
        ("Word", "X", "must match pattern"),
        ("Else", "x", r"Parameters: \[Else\] do not exist in the template"),
    ):
        with pytest.raises(BadTemplate, match=said):
            given(declared, [{"ParameterKey": name, "ParameterValue": value}], {})
    with pytest.raises(BadTemplate, match=r"Parameters: \[A\] must have values"):
        given({"A": {"Type": "String"}}, [], {})
    with pytest.raises(BadTemplate, match="not supported here"):
        given({"A": {"Type": "AWS::EC2::VPC::Id"}}, [{"ParameterKey": "A"}], {})


def test_conditions_build_on_each_other_but_not_in_circles() -> None:
    declared = {"Big": {"Fn::Not": [{"Condition": "Small"}]}, "Small": {"Fn::Equals": ["a", "b"]}}
    assert conditions(declared, scope()) == {"Big": True, "Small": False}
    declared["Small"] = {"Fn::Not": [{"Condition": "Big"}]}
    with pytest.raises(BadTemplate, match="Circular"):
        conditions(declared, scope())


def test_rules_are_asserted() -> None:
    rule: dict[str, Any] = {
        "Assertions": [
            {
                "Assert": {"Fn::Not": [{"Fn::Contains": [["1", "2"], {"Ref": "Name"}]}]},
                "AssertDescription": "Bootstrap again",
            }
        ]
    }
    check_rules({"R": rule}, scope())
    with pytest.raises(BadTemplate, match="Bootstrap again"):
        check_rules({"R": rule}, scope(values={"Name": "1"}))


def test_resources_are_made_after_what_they_need() -> None:
    resources: dict[str, Any] = {
        "Stage": {"Properties": {"D": {"Ref": "Deployment"}}},
        "Deployment": {"DependsOn": "Method", "Properties": {"A": {"Ref": "Api"}}},
        "Method": {"Properties": {"U": {"Fn::Sub": "${Api.Root}/${Other}"}}},
        "Api": {"Properties": {"N": {"Fn::If": ["No", {"Ref": "Stage"}, "x"]}}},
    }
    order = list(ordered(resources, {"No": False}))
    assert order == ["Api", "Method", "Deployment", "Stage"]
    with pytest.raises(BadTemplate, match=r"Circular dependency between resources: \[.*Api"):
        ordered(resources, {"No": True})
