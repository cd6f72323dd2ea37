"""No text makes reading fail otherwise than by saying what is wrong, nor take for ever."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from torana.openapi import InvalidDocument, read, read_http

EXAMPLES = [
    file.read_text() for file in sorted((Path(__file__).parents[2] / "examples").glob("*.[jy]*"))
]
FILES = st.sampled_from(["api.yaml", "api.json", "api"])
SLOWEST = 15.0
"""Seconds, on a machine that others use too; the work itself is bounded by parts, not by time."""

quick = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much),
)


def survives(text: str, file: str = "api.yaml") -> None:
    # Both readers share what is below them: each gets half of the texts.
    reader = read_http if len(text) % 2 else read
    try:
        reader(text, file)
    except InvalidDocument as error:
        assert error.mistakes
        assert all(mistake.line >= 1 and mistake.column >= 1 for mistake in error.mistakes)
        assert str(error).startswith(file)


@quick
@given(st.text() | st.text("{}[]:,-?&*!|>'\"#%@` \n\ta1<", max_size=60), FILES)
@example("\ud800", "api.yaml")
@example("\x00", "api.yaml")
@example("&a", "api.yaml")
@example("*a", "api.yaml")
@example("? - a\n", "api.yaml")
@example("!!binary aGk=", "api.yaml")
@example("!!int x", "api.yaml")
@example("!!set {a}", "api.yaml")
@example("<<: 1", "api.yaml")
@example("<<: *a", "api.yaml")
@example("- <<", "api.yaml")
@example("9" * 5000, "api.json")
@example('{"a": ' + "9" * 5000 + "}", "api.yaml")
def test_any_text(text: str, file: str) -> None:
    survives(text, file)


WORDS = st.sampled_from(
    """openapi swagger info title paths / /a /{a+} get post parameters name in query path header
    body schema responses 200 default content application/json headers components schemas
    definitions securitySchemes securityDefinitions security requestBody type required items
    properties $ref
    x-torana-id x-torana-stage name variables methodSettings */* canarySettings servers url tags
    x-amazon-apigateway-integration x-amazon-apigateway-any-method uri httpMethod statusCode
    x-amazon-apigateway-request-validators x-amazon-apigateway-gateway-responses DEFAULT_4XX
    x-amazon-apigateway-authorizer x-amazon-apigateway-endpoint-configuration requestParameters
    x-amazon-apigateway-policy x-amazon-apigateway-auth responseParameters requestTemplates
    x-amazon-apigateway-minimum-compression-size timeoutInMillis nullable enum allOf pattern
    exclusiveMinimum const prefixItems dependencies 2.0 3.0.3 3.1.0 #/components/schemas/a
    #/definitions/a #/paths/~1a/get #/ http mock aws""".split()  # noqa: SIM905
)
LEAVES = (
    WORDS | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
).filter(lambda leaf: leaf not in (float("inf"), float("-inf")))
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5)
)


@quick
@given(st.dictionaries(WORDS, TREES, max_size=6), st.sampled_from(["2.0", "3.0.3", "3.1.0"]))
def test_any_tree_of_the_right_words(tree: dict[str, Any], version: str) -> None:
    tree["swagger" if version == "2.0" else "openapi"] = version
    survives(json.dumps(tree, ensure_ascii=True), "api.txt")


def _keys(value: Any) -> list[Any]:
    """What leads on from here; nothing where a value ends."""
    if isinstance(value, dict):
        return list(cast(dict[str, Any], value))
    return list(range(len(cast(list[Any], value)))) if isinstance(value, list) else []


@quick
@given(st.data(), st.sampled_from(EXAMPLES), TREES)
def test_any_part_of_an_example_replaced(data: st.DataObject, text: str, tree: Any) -> None:
    document = yaml.safe_load(text)
    place: Any = document
    while keys := _keys(place):
        key = data.draw(st.sampled_from(keys))
        if not _keys(place[key]) or data.draw(st.integers(0, 3)) == 0:
            place[key] = tree
            break
        place = place[key]
    survives(json.dumps(document), "api.json")


@quick
@given(st.data(), st.sampled_from(EXAMPLES))
def test_any_cut_of_an_example(data: st.DataObject, text: str) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    survives(text[:start] + data.draw(st.text(max_size=3)) + text[end:], "api.yaml")


def _many_enum_values() -> str:
    values = [{"a": number} for number in range(30_000)]
    return _with_schema({"enum": values})


def _with_schema(schema: Any) -> str:
    components = {"schemas": {"A": schema}}
    return json.dumps(
        {"openapi": "3.0.3", "info": {"title": "x"}, "paths": {}, "components": components}
    )


def _bomb_of_references() -> str:
    """Every operation refers to the same large integration."""
    mappings = {f"integration.request.header.a{n}": "'x'" for n in range(20_000)}
    operation = {"x-amazon-apigateway-integration": {"$ref": "#/components/i"}}
    return json.dumps(
        {
            "openapi": "3.0.3",
            "info": {"title": "x"},
            "paths": {f"/a{n}": {"get": operation} for n in range(20_000)},
            "components": {"i": {"type": "mock", "requestParameters": mappings}},
        }
    )


def _many_unknown_fields() -> str:
    integration = {"type": "mock"} | {f"fieldd{n}": 1 for n in range(100_000)}
    paths = {"/a": {"get": {"x-amazon-apigateway-integration": integration}}}
    return json.dumps({"openapi": "3.0.3", "info": {"title": "x"}, "paths": paths})


def _many_mistakes() -> str:
    operation: dict[str, Any] = {"security": [{"no": []}]}
    paths = {f"a{n}": {"get": operation} for n in range(30_000)}
    return json.dumps({"openapi": "3.0.3", "info": {"title": "x"}, "paths": paths}, indent=1)


HOSTILE: dict[str, Callable[[], str]] = {
    "deep YAML flow": lambda: "[" * 1_000_000,
    "deep YAML block": lambda: "\n".join(" " * n + "a:" for n in range(2000)),
    "deep YAML sequence": lambda: "- " * 500_000,
    "deep YAML mappings in flow": lambda: "{a: " * 200_000,
    "deep YAML keys": lambda: "? " * 200_000,
    "deep JSON": lambda: '{"a":' * 200_000,
    "deep closed JSON": lambda: '{"a":' * 20_000 + "1" + "}" * 20_000,
    "many anchors": lambda: "\n".join(f"- &a{n} x" for n in range(50_000)),
    "many aliases": lambda: "- &a x\n" + "- *a\n" * 200_000,
    "a bomb of merges": lambda: (
        "a0: &a0 {k: v}\n"
        + "".join(f"a{n + 1}: &a{n + 1} {{<<: [*a{n}, *a{n}], k{n}: v}}\n" for n in range(500))
    ),
    "a long line": lambda: "a: " + "b " * 2_000_000,
    "a long comment": lambda: "#" * 5_000_000,
    "too large": lambda: "a: " + "b" * 34_000_000,
    "many tags": lambda: "%TAG ! tag:x\n" * 50_000 + "--- a",
    "many values in an enum": _many_enum_values,
    "many names required": lambda: _with_schema({"required": [*map(str, range(40_000)), 1]}),
    "a bomb of references": _bomb_of_references,
    "many unknown fields": _many_unknown_fields,
    "many mistakes": _many_mistakes,
    "a model that refers to itself": lambda: _with_schema({"$ref": "#/components/schemas/A"}),
    "a pattern of great repeats": lambda: _with_schema({"pattern": "(a{1,9999}){1,9999}" * 50}),
    "a pattern nested deep": lambda: _with_schema({"pattern": "(" * 5000 + ")" * 5000}),
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_done_with_soon(make: Callable[[], str]) -> None:
    text = make()
    begun = time.process_time()
    survives(text, "api.yaml")
    assert time.process_time() - begun < SLOWEST
