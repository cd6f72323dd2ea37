"""What is written reads back equal, whatever the API, the format and the syntax."""

import json
from pathlib import Path
from typing import Any, Literal, cast

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.openapi.apis import apis, stages
from torana.openapi import read, write
from torana.openapi.write import Extension

EXAMPLES = [
    file
    for file in sorted((Path(__file__).parents[2] / "examples").glob("*.[jy]*"))
    if "x-torana-protocol: HTTP" not in file.read_text()
]


@settings(max_examples=50, deadline=None, suppress_health_check=(HealthCheck.too_slow,))
@given(st.data(), st.sampled_from(["oas30", "swagger"]), st.sampled_from(["json", "yaml"]))
def test_any_api_reads_back_equal(
    data: st.DataObject, format: Literal["oas30", "swagger"], syntax: Literal["json", "yaml"]
) -> None:
    api = data.draw(apis(format))
    stage = data.draw(stages(api))
    text = write(api, stage, format=format, syntax=syntax)
    document = read(text, f"api.{syntax}")
    assert document.api == api
    assert document.stage == stage


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
@pytest.mark.parametrize("format", ["oas30", "swagger"])
@pytest.mark.parametrize("syntax", ["json", "yaml"])
def test_an_example_reads_back_equal(file: Path, format: Any, syntax: Any) -> None:
    before = read(file.read_text(), file.name)
    after = read(write(before.api, before.stage, format=format, syntax=syntax), f"x.{syntax}")
    assert (after.api, after.stage, after.warnings) == (before.api, before.stage, ())


@pytest.mark.parametrize(
    ("extensions", "left"),
    [
        ((), set[str]()),
        (("integrations",), {"x-amazon-apigateway-integration"}),
        (
            ("authorizers",),
            {"x-amazon-apigateway-authorizer", "x-amazon-apigateway-authtype"},
        ),
        (("torana",), {"x-torana-id", "x-torana-stage"}),
    ],
)
def test_only_the_extensions_that_are_asked_for_are_written(
    extensions: tuple[Extension, ...], left: set[str]
) -> None:
    text = """
      openapi: 3.0.3
      info: {title: x}
      x-torana-id: abc
      x-amazon-apigateway-request-validators: {all: {}}
      x-amazon-apigateway-binary-media-types: ["*/*"]
      tags: [{name: a, x-amazon-apigateway-tag-value: b}]
      paths:
        /a:
          get:
            security: [{auth: []}]
            x-amazon-apigateway-request-validator: all
            x-amazon-apigateway-integration: {type: mock}
      components:
        securitySchemes:
          auth:
            type: apiKey
            x-amazon-apigateway-authorizer: {type: token, authorizerUri: "arn:x"}
    """
    document = read(text, "x.yaml")
    written = json.loads(write(document.api, document.stage, extensions=extensions))
    assert _extensions(written) == left
    assert written["paths"]["/a"]["get"]["security"] == [{"auth": []}]


def _extensions(value: Any) -> set[str]:
    if isinstance(value, list):
        return set[str]().union(*map(_extensions, cast(list[Any], value)))
    if not isinstance(value, dict):
        return set()
    members = cast(dict[str, Any], value)
    own = {key for key in members if key.startswith("x-")}
    return own.union(*map(_extensions, members.values()))


def test_an_export_has_the_shape_of_the_services_own() -> None:
    document = read(
        """
        openapi: 3.0.3
        info: {title: Pets, version: "1"}
        x-torana-stage: {name: dev}
        paths:
          /a/{id}:
            get:
              operationId: g
              security: [{k: []}]
              parameters: [{name: id, in: path}, {name: q, in: query, required: true}]
              responses:
                "200":
                  description: words
                  headers: {A: {schema: {type: string}}}
                  content: {application/json: {schema: {$ref: "#/components/schemas/M"}}}
              x-amazon-apigateway-integration: {type: AWS_PROXY, httpMethod: POST,
                uri: "arn:aws:apigateway:us-east-1:lambda:path/f"}
        components:
          securitySchemes: {k: {type: apiKey, name: x-api-key, in: header}}
          schemas: {M: {type: [string, "null"]}, N: {items: {$ref: "#/components/schemas/M"}}}
        """,
        "x.yaml",
    )
    written = yaml.safe_load(write(document.api, document.stage, syntax="yaml"))
    assert written == {
        "openapi": "3.0.1",
        "info": {"title": "Pets", "version": "1"},
        "servers": [{"url": "/{basePath}", "variables": {"basePath": {"default": "/dev"}}}],
        "x-torana-id": "pets",
        "x-torana-stage": {"name": "dev"},
        "paths": {
            "/a/{id}": {
                "get": {
                    "operationId": "g",
                    "parameters": [
                        {
                            "name": "id",
                            "in": "path",
                            "required": True,
                            "schema": {"type": "string"},
                        },
                        {
                            "name": "q",
                            "in": "query",
                            "required": True,
                            "schema": {"type": "string"},
                        },
                    ],
                    "responses": {
                        "200": {
                            "description": "200 response",
                            "headers": {"A": {"schema": {"type": "string"}}},
                            "content": {
                                "application/json": {"schema": {"$ref": "#/components/schemas/M"}}
                            },
                        }
                    },
                    "security": [{"api_key": []}],
                    "x-amazon-apigateway-integration": {
                        "type": "aws_proxy",
                        "httpMethod": "POST",
                        "uri": "arn:aws:apigateway:us-east-1:lambda:path/f",
                        "passthroughBehavior": "when_no_match",
                    },
                }
            }
        },
        "components": {
            "schemas": {
                "M": {"type": "string", "nullable": True},
                "N": {"items": {"$ref": "#/components/schemas/M"}},
            },
            "securitySchemes": {"api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"}},
        },
    }
