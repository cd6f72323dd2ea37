"""Whether a schema takes less or more than another, held against a validator."""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownLambdaType=false, reportUnknownVariableType=false

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from torana.openapi.compare.document import At, Tree
from torana.openapi.compare.schemas import Direction, Effect, Finding, Schemas

Json = dict[str, Any]
NAMES = st.sampled_from(["a", "b", "c"])


def findings(
    old: Any, new: Any, direction: Direction = "request", **components: Any
) -> tuple[Finding, ...]:
    one, other = (Tree({"components": components, "it": each}) for each in (old, new))
    schemas = Schemas(one, other, direction)
    return schemas.compare(one.root.part("it"), other.root.part("it"))


def effects(old: Any, new: Any) -> set[Effect]:
    return {each.effect for each in findings(old, new)}


def numbers() -> st.SearchStrategy[Json]:
    bound = st.integers(-3, 3)
    return st.fixed_dictionaries(
        {"type": st.sampled_from(["integer", "number"])},
        optional={
            "minimum": bound,
            "maximum": bound,
            "exclusiveMinimum": bound,
            "exclusiveMaximum": bound,
            "multipleOf": st.integers(1, 4),
        },
    )


def texts() -> st.SearchStrategy[Json]:
    size = st.integers(0, 3)
    return st.fixed_dictionaries(
        {"type": st.sampled_from(["string", ["string", "null"]])},
        optional={"minLength": size, "maxLength": size, "pattern": st.sampled_from(["^x", "y$"])},
    )


def enums() -> st.SearchStrategy[Json]:
    values = st.lists(st.sampled_from([0, 1, "x", "xy", None]), min_size=1, unique=True)
    return st.one_of(
        st.builds(lambda found: {"enum": found}, values),
        st.builds(lambda found: {"const": found[0]}, values),
    )


def objects(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """Closed, so that every property that there is counts."""
    return st.fixed_dictionaries(
        {
            "type": st.just("object"),
            "properties": st.dictionaries(NAMES, of, max_size=3),
            "additionalProperties": st.just(False),
        },
        optional={"required": st.lists(NAMES, unique=True), "maxProperties": st.integers(0, 2)},
    )


def arrays(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(
        {"type": st.just("array"), "items": of},
        optional={
            "minItems": st.integers(0, 2),
            "maxItems": st.integers(0, 2),
            "uniqueItems": st.booleans(),
            "prefixItems": st.lists(of, min_size=1, max_size=2),
        },
    )


def together(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    some = st.lists(of, min_size=1, max_size=2)
    return st.one_of(
        st.builds(lambda found: {"anyOf": found}, some),
        st.builds(lambda found: {"allOf": found}, some),
    )


SCHEMAS = st.recursive(
    st.one_of(st.booleans(), st.just({}), numbers(), texts(), enums()),
    lambda of: st.one_of(objects(of), arrays(of), together(of)),
    max_leaves=4,
)
VALUES = st.recursive(
    st.one_of(st.integers(-4, 4), st.sampled_from([0.5, None, "", "x", "xy", "y", "xxxx"])),
    lambda of: st.one_of(
        st.lists(of, max_size=3),
        st.dictionaries(NAMES, of, max_size=3),
    ),
    max_leaves=4,
)


@given(SCHEMAS)
@settings(max_examples=50, deadline=None)
def test_a_schema_differs_in_nothing_from_itself(schema: Any) -> None:
    assert findings(schema, schema) == ()


@given(SCHEMAS, SCHEMAS, st.lists(VALUES, min_size=5, max_size=20))
@settings(max_examples=200, deadline=None)
def test_what_becomes_no_narrower_takes_all_that_it_took(
    old: Any, new: Any, values: list[Any]
) -> None:
    taken = [each for each in values if Draft202012Validator(old).is_valid(each)]
    refused = [each for each in taken if not Draft202012Validator(new).is_valid(each)]
    if refused:
        assert effects(old, new) & {"narrower", "other"}, (old, new, refused)


@given(SCHEMAS, SCHEMAS)
@settings(max_examples=200, deadline=None)
def test_what_is_narrower_one_way_is_wider_the_other(old: Any, new: Any) -> None:
    there, back = effects(old, new), effects(new, old)
    assert ("narrower" in there) == ("wider" in back)
    assert ("other" in there) == ("other" in back)


@pytest.mark.parametrize(
    ("old", "new", "effect", "text"),
    [
        ({"type": "integer"}, {"type": "number"}, "wider", "from integer to number"),
        ({"type": "string"}, {"type": "integer"}, "other", "from string to integer"),
        ({"type": "string", "nullable": True}, {"type": "string"}, "narrower", "from null or"),
        ({"enum": ["a", "b"]}, {"enum": ["a"]}, "narrower", 'the values "b" were removed'),
        ({"const": 1}, {"enum": [1, 2]}, "wider", "the values 2 were added"),
        ({}, {"pattern": "x"}, "narrower", 'pattern "x" was added'),
        ({"format": "int32"}, {"format": "int64"}, "wider", "format changed"),
        ({"format": "date"}, {"format": "uuid"}, "other", "format changed"),
        ({"minimum": 1}, {"minimum": 1, "exclusiveMinimum": True}, "narrower", "the minimum"),
        ({"multipleOf": 2}, {"multipleOf": 4}, "narrower", "multipleOf"),
        ({"maxItems": 5}, {}, "wider", "the most number of items changed from 5 to none"),
        ({"default": 1}, {"default": 2}, "neither", "the default changed from 1 to 2"),
        ({"not": {}}, {"not": {"type": "null"}}, "other", "not judged"),
        ({"title": "a"}, {"title": "b"}, "words", "title was changed"),
        ({}, {"required": ["a"]}, "narrower", "'a' became required"),
        ({}, {"properties": {"a": {}}}, "neither", "'a' was added"),
        ({"properties": {"a": {}}}, {}, "neither", "'a' was removed"),
        ({}, {"additionalProperties": False}, "narrower", "further properties are refused"),
        (
            {"oneOf": [{"type": "string"}, {"type": "null"}]},
            {"oneOf": [{"type": "string"}]},
            "narrower",
            "a form was removed",
        ),
    ],
)
def test_a_difference_is_told_in_words(old: Json, new: Json, effect: Effect, text: str) -> None:
    [found] = findings(old, new)
    assert found.effect == effect
    assert text in found.text


def test_a_value_has_to_fit_the_unions_of_every_part_of_an_all_of() -> None:
    old = {"anyOf": [{}]}
    assert effects(old, {"allOf": [old, {"anyOf": [False]}]}) == {"narrower"}
    assert effects({"allOf": [old, {"anyOf": [False]}]}, old) == {"wider"}
    some = {"oneOf": [{"type": "string"}, {"type": "null"}]}
    assert effects({"allOf": [old, some]}, {"allOf": [some, old]}) == set()


@pytest.mark.parametrize(
    ("old", "parts"),
    [
        ({"exclusiveMinimum": 0}, [{"exclusiveMinimum": 2}, {"exclusiveMinimum": 0}]),
        ({"exclusiveMaximum": 5}, [{"exclusiveMaximum": 5}, {"exclusiveMaximum": 2}]),
        ({"const": 1}, [{"const": 1}, {"const": 2}]),
        ({"const": 1}, [{"const": 1}, {"enum": [2]}]),
        ({}, [{"prefixItems": [{"type": "string"}]}]),
        (
            {"items": {"type": "string"}},
            [{"prefixItems": [{"type": "integer"}]}, {"items": {"type": "string"}}],
        ),
        (
            {"properties": {"a": {}, "b": {}}, "additionalProperties": False},
            [{"properties": {n: {}}, "additionalProperties": False} for n in ("a", "b")],
        ),
        ({"type": "number"}, [{"type": "number"}, {"type": "integer"}]),
        (
            {"type": "string", "nullable": True},
            [{"type": "string", "nullable": True}, {"type": "string"}],
        ),
        ({"minimum": 2}, [{"minimum": 1, "exclusiveMinimum": True}, {"minimum": 3}]),
    ],
)
def test_each_part_of_an_all_of_has_to_fit(old: Json, parts: list[Json]) -> None:
    assert effects(old, {"allOf": parts}) == {"narrower"}
    assert effects({"allOf": parts}, old) == {"wider"}


def test_a_part_says_nothing_of_the_words_beside_another() -> None:
    parts = [{"minimum": 1, "exclusiveMinimum": True}, {"minimum": 2}]
    assert findings({"allOf": parts}, {"minimum": 2}) == ()
    assert findings({"allOf": [{"type": "number"}, {"type": "integer"}]}, {"type": "integer"}) == ()


def test_a_schema_that_holds_itself_ends() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/components/node"}}}
    twice = {"allOf": [node, {"properties": {"next": {"$ref": "#/components/node"}}}]}
    other = {"$ref": "#/components/node"}
    assert findings(other, other, node=node) == findings(other, other, node=twice) == ()


def test_where_a_difference_stands_is_told_by_name_and_pointer() -> None:
    pets = {"type": "array", "items": {"$ref": "#/components/pet"}}
    old, new = (Tree({"components": {"pet": {"properties": {"age": {"type": kind}}}}, "it": pets})
                for kind in ("integer", "number"))  # fmt: skip
    [found] = Schemas(old, new, "answer").compare(old.root.part("it"), new.root.part("it"))
    assert found.path == ("[]", "age")
    assert found.pointer == "/components/pet/properties/age"


@pytest.mark.parametrize(("direction", "said"), [("request", 0), ("answer", 1)])
def test_what_clients_may_not_send_is_no_part_of_a_request(direction: Direction, said: int) -> None:
    old, new = (
        {"properties": {"id": {"type": kind, "readOnly": True}}} for kind in ("string", "integer")
    )
    assert len(findings(old, new, direction)) == said


def test_a_reference_that_leads_nowhere_is_no_crash() -> None:
    assert findings({"$ref": "#/nowhere"}, {"$ref": "other.yaml#/x"}) == ()
    assert At(None, "").part("x").value is None
