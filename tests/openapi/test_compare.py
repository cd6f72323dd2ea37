"""What differs between two definitions of an API, and whether it breaks clients."""

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from torana.openapi.compare import Change, breaks, compare, definition, markdown

Json = dict[str, Any]
NOW = datetime(2026, 11, 27, tzinfo=UTC)


def pets() -> Json:
    pet = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}
    return {
        "openapi": "3.0.1",
        "info": {"title": "pets", "version": "1.0.0"},
        "components": {
            "schemas": {"Pet": pet},
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
                "login": {"type": "http", "scheme": "bearer"},
            },
        },
        "paths": {
            "/pets/{id}": {
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
                ],
                "post": {
                    "summary": "Change a pet",
                    "security": [{"key": []}],
                    "parameters": [
                        {"name": "notify", "in": "query", "schema": {"type": "boolean"}}
                    ],
                    "requestBody": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Pet"}},
                            "text/csv": {},
                        }
                    },
                    "responses": {
                        "200": {
                            "description": "",
                            "headers": {"ETag": {"required": True, "schema": {"type": "string"}}},
                            "content": {
                                "application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}
                            },
                        },
                        "404": {"description": ""},
                    },
                },
            }
        },
    }


def post(of: Json) -> Json:
    return of["paths"]["/pets/{id}"]["post"]


def changes(edit: Callable[[Json], Any]) -> tuple[Change, ...]:
    """What an edit of `pets` comes to."""
    new = copy.deepcopy(pets())
    edit(new)
    return compare(definition(pets()), definition(new), NOW)


SIGNED = {"x-amazon-apigateway-auth": {"type": "AWS_IAM"}}
CASES: list[tuple[str, str, Callable[[Json], Any]]] = [
    ("breaking", "operation-removed", lambda it: it["paths"].clear()),
    ("breaking", "operation-removed", lambda it: it["paths"]["/pets/{id}"].pop("post")),
    ("compatible", "operation-added", lambda it: it["paths"].update({"/cats": {"get": {}}})),
    ("breaking", "parameter-removed", lambda it: post(it)["parameters"].clear()),
    ("breaking", "parameter-required", lambda it: post(it)["parameters"][0].update(required=True)),
    ("breaking", "parameter-style", lambda it: post(it)["parameters"][0].update(explode=False)),
    ("breaking", "type", lambda it: post(it)["parameters"][0].update(schema={"type": "string"})),
    (
        "breaking",
        "parameter-added",
        lambda it: post(it)["parameters"].append({"name": "by", "in": "header", "required": True}),
    ),
    (
        "compatible",
        "parameter-added",
        lambda it: post(it)["parameters"].append({"name": "by", "in": "header"}),
    ),
    ("breaking", "body-required", lambda it: post(it)["requestBody"].update(required=True)),
    (
        "breaking",
        "content-type-removed",
        lambda it: post(it)["requestBody"]["content"].pop("text/csv"),
    ),
    ("breaking", "answer-removed", lambda it: post(it)["responses"].pop("200")),
    ("compatible", "answer-removed", lambda it: post(it)["responses"].pop("404")),
    ("compatible", "answer-added", lambda it: post(it)["responses"].update({"409": {}})),
    ("breaking", "header-removed", lambda it: post(it)["responses"]["200"].pop("headers")),
    ("breaking", "security", lambda it: post(it).update(security=[{"key": [], "login": []}])),
    ("breaking", "security", lambda it: post(it).update(security=[{"login": []}])),
    ("compatible", "security", lambda it: post(it).update(security=[{"key": []}, {"login": []}])),
    ("compatible", "security", lambda it: post(it).update(security=[])),
    ("breaking", "security", lambda it: post(it).update(SIGNED)),
    ("documentation", "words", lambda it: post(it).update(summary="Write a pet")),
    ("documentation", "deprecated", lambda it: post(it).update(deprecated=True)),
]  # fmt: skip


@pytest.mark.parametrize(("level", "rule", "edit"), CASES)
def test_a_change_has_a_level_and_a_rule(
    level: str, rule: str, edit: Callable[[Json], Any]
) -> None:
    found = changes(edit)
    [change] = found
    assert (change.level, change.rule) == (level, rule), change
    assert change.pointer.startswith("/paths/")
    assert breaks(found) == (level == "breaking")


def test_a_property_that_becomes_required_breaks_who_sends_it_and_nobody_who_gets_it() -> None:
    found = changes(
        lambda it: it["components"]["schemas"]["Pet"].update(
            required=["id", "name"], properties={"id": {"type": "string"}, "name": {}}
        )
    )
    assert [str(each) for each in found if each.rule == "required"] == [
        "breaking: POST /pets/{id}: the request: the property 'name' became required [required] "
        "/components/schemas/Pet/properties/name",
        "compatible: POST /pets/{id}: the answer 200: the property 'name' became required "
        "[required] /components/schemas/Pet/properties/name",
    ]


def test_a_value_that_is_added_breaks_who_gets_it() -> None:
    def kinds(*values: str) -> Json:
        found = pets()
        found["components"]["schemas"]["Pet"]["properties"]["id"]["enum"] = list(values)
        return found

    found = compare(definition(kinds("cat")), definition(kinds("cat", "dog")), NOW)
    assert [(each.level, each.text) for each in found] == [
        ("breaking", "the answer 200, id: the values \"dog\" were added"),
        ("compatible", "the request, id: the values \"dog\" were added"),
    ]  # fmt: skip


def test_what_was_deprecated_may_go_once_its_sunset_has_come() -> None:
    old = pets()
    for sunset, level in (("2026-11-01", "compatible"), ("2026-12-01", "breaking")):
        post(old)["x-torana-deprecation"] = {"sunset": sunset}
        [change] = compare(definition(old), definition({**pets(), "paths": {}}), NOW)
        assert change.level == level


def test_a_variable_may_bear_another_name() -> None:
    new = pets()
    new["paths"]["/pets/{pet}"] = new["paths"].pop("/pets/{id}")
    new["paths"]["/pets/{pet}"]["parameters"][0]["name"] = "pet"
    assert compare(definition(pets()), definition(new), NOW) == ()


def test_swagger_and_openapi_say_the_same() -> None:
    old: Json = {
        "swagger": "2.0",
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "definitions": {"Pet": {"type": "object", "properties": {"a": {"type": "string"}}}},
        "paths": {
            "/pets": {
                "post": {
                    "parameters": [
                        {"name": "limit", "in": "query", "type": "integer", "maximum": 9},
                        {"name": "it", "in": "body", "schema": {"$ref": "#/definitions/Pet"}},
                    ],
                    "responses": {"200": {"schema": {"$ref": "#/definitions/Pet"}}},
                }
            }
        },
    }
    pet = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}}
    limit = {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 9}}
    new: Json = {
        "openapi": "3.1.0",
        "components": {"schemas": {"Pet": old["definitions"]["Pet"]}},
        "paths": {
            "/pets": {
                "post": {"parameters": [limit], "requestBody": pet, "responses": {"200": pet}}
            }
        },
    }
    assert compare(definition(old), definition(new), NOW) == ()


def test_a_changelog_says_first_what_breaks() -> None:
    def edit(it: Json) -> None:
        post(it)["summary"] = "x"
        post(it)["parameters"].clear()

    assert markdown(changes(edit)) == (
        "## Breaking changes\n\n"
        "- `POST /pets/{id}`: the query parameter 'notify' was removed\n\n"
        "## Documentation\n\n- `POST /pets/{id}`: summary was changed\n"
    )
    assert markdown(()) == "No changes.\n"


@pytest.mark.parametrize("root", [None, [], {"paths": 1}, {"paths": {"/a": {"get": 1}}}, "x"])
def test_what_is_no_document_has_no_operations_that_crash(root: Any) -> None:
    assert breaks(compare(definition(root), definition(root), NOW)) is False
