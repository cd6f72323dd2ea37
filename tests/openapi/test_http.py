"""Documents of HTTP APIs: what they say, what is wrong with them, and that they come back equal."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from torana.model.http_api import Route
from torana.openapi import InvalidDocument, read, read_http, write_http

EXAMPLE = Path(__file__).parents[2] / "examples/quotes.yaml"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
INVOCATION = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"
WHOLE = f"""
openapi: 3.0.1
x-torana-protocol: HTTP
info: {{ title: Pets, version: "1", description: All of it }}
servers:
  - url: https://a.example
    x-amazon-apigateway-endpoint-configuration: {{ disableExecuteApiEndpoint: true }}
tags: [{{ name: owner, x-amazon-apigateway-tag-value: me }}]
x-amazon-apigateway-cors: {{ allowOrigins: ["https://a.b"], allowMethods: [GET], maxAge: 3 }}
x-torana-stage:
  name: dev
  variables: {{ a: b }}
  accessLogSettings: {{ destinationArn: stdout, format: $context.requestId }}
  defaultRouteSettings: {{ throttlingRateLimit: 5, throttlingBurstLimit: 3 }}
  routeSettings: {{ "GET /pets/{{id}}": {{ throttlingRateLimit: 1.5 }} }}
paths:
  /pets/{{id}}:
    get:
      operationId: one
      security: [{{ tokens: [a, b] }}]
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: ANY
        uri: http://x/{{id}}
        payloadFormatVersion: 1.0
        requestParameters: {{ "append:header.x": "1" }}
        responseParameters: {{ "200": {{ "overwrite:statuscode": "201" }} }}
    post:
      x-amazon-apigateway-auth: {{ type: AWS_IAM }}
      x-amazon-apigateway-integration: {{ $ref: "#/components/x-amazon-apigateway-integrations/f" }}
  /private:
    x-amazon-apigateway-any-method:
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: ANY
        uri: arn:aws:elasticloadbalancing:us-east-1:000000000000:listener/app/lb/1/2
        connectionType: VPC_LINK
        connectionId: abc
        tlsConfig: {{ serverNameToVerify: a.b }}
        payloadFormatVersion: "1.0"
  /$default:
    x-amazon-apigateway-any-method:
      isDefaultRoute: true
      security: [{{ function: [] }}]
      x-amazon-apigateway-integration: {{ $ref: "#/components/x-amazon-apigateway-integrations/f" }}
components:
  securitySchemes:
    tokens:
      type: openIdConnect
      openIdConnectUrl: https://i.example/.well-known/openid-configuration
      x-amazon-apigateway-authorizer:
        type: jwt
        identitySource: $request.header.Authorization
        jwtConfiguration: {{ audience: [a] }}
    function:
      type: apiKey
      in: header
      name: a
      x-amazon-apigateway-authorizer:
        type: request
        identitySource: $request.header.a,$request.querystring.b
        authorizerUri: {INVOCATION}
        authorizerPayloadFormatVersion: "2.0"
        authorizerResultTtlInSeconds: 5
        enableSimpleResponses: true
  x-amazon-apigateway-integrations:
    f: {{ type: aws_proxy, httpMethod: POST, uri: "{FUNCTION}", payloadFormatVersion: "2.0" }}
"""


def test_a_document_says_everything_of_an_api() -> None:
    api = read_http(WHOLE, "x.yaml").api
    routes = {each.route_key: each for each in api.routes}
    one = routes["GET /pets/{id}"]
    assert (one.authorization_type, one.authorization_scopes) == ("JWT", ("a", "b"))
    assert routes["POST /pets/{id}"].authorization_type == "AWS_IAM"
    assert routes["$default"].authorization_type == "CUSTOM"
    assert routes["$default"].target == routes["POST /pets/{id}"].target == "integrations/f"
    tokens = next(each for each in api.authorizers if each.name == "tokens")
    assert tokens.jwt_configuration is not None
    assert tokens.jwt_configuration.issuer == "https://i.example"
    assert (api.disable_execute_api_endpoint, api.tags) == (True, {"owner": "me"})
    assert api.cors_configuration is not None
    assert api.cors_configuration.max_age == 3


@pytest.mark.parametrize("syntax", ["json", "yaml"])
@pytest.mark.parametrize("text", [WHOLE, EXAMPLE.read_text()])
def test_what_is_written_reads_back_equal(text: str, syntax: Any) -> None:
    before = read_http(text, "x.yaml")
    written = write_http(before.api, before.stage, syntax=syntax)
    after = read_http(written, f"x.{syntax}")
    assert write_http(after.api, after.stage, syntax=syntax) == written
    assert (after.stage, after.warnings) == (before.stage, ())
    assert {_alone(each) for each in after.api.routes} == {
        _alone(each) for each in before.api.routes
    }


def _alone(route: Route) -> tuple[object, ...]:
    return (
        route.route_key,
        route.authorization_type,
        route.authorization_scopes,
        route.operation_name,
    )


def test_without_extensions_it_is_plain_openapi() -> None:
    api = read_http(WHOLE, "x.yaml").api
    written = write_http(api, extensions=False)
    assert "x-amazon" not in written.replace("x-amazon-apigateway-any-method", "")


def test_what_openapi_means_and_http_apis_do_not_is_told() -> None:
    document = yaml.safe_load(WHOLE)
    document["paths"]["/pets/{id}"]["get"]["requestBody"] = {"content": {}}
    found = read_http(json.dumps(document), "x.json")
    assert found.info == (
        "requestBody of GET /pets/{id} is ignored: request bodies are not validated by HTTP APIs",
    )


@pytest.mark.parametrize(
    ("find", "replace", "why"),
    [
        ("openapi: 3.0.1", "swagger: '2.0'", "version: HTTP APIs are defined by OpenAPI 3.0"),
        ("uri: http://x/{id}", "uri: ftp://x", "integration: Integration URI must be a fully"),
        ('allowOrigins: ["https://a.b"]', "allowOrigins: [nonsense]", "cors: Invalid CORS"),
        ("tokens: [a, b]", "tokes: []", "security: no security scheme is called 'tokes'"),
        ("jwtConfiguration: { audience: [a] }", "x: 1", "authorizer: Audience list must have"),
        ('"GET /pets/{id}": {', '"GET /cats": {', "stage-route: no route 'GET /cats'"),
        ("/private:", "/{a+}/b:", "path: The provided route key is not formatted properly"),
        ("type: http_proxy", "type: mock", "value: type cannot be 'mock'"),
        ("httpMethod: ANY", "httpMethod: FETCH", "integration: IntegrationMethod is a required"),
    ],
)
def test_mistakes_name_their_line_and_rule(find: str, replace: str, why: str) -> None:
    assert find in WHOLE
    with pytest.raises(InvalidDocument) as error:
        read_http(WHOLE.replace(find, replace), "x.yaml")
    said = [str(each) for each in error.value.mistakes]
    assert any(each.startswith("x.yaml:") and why in each for each in said), said


def test_a_document_of_an_http_api_is_not_taken_for_one_of_a_rest_api() -> None:
    with pytest.raises(InvalidDocument, match="protocol: this is read as a REST API"):
        read(WHOLE, "x.yaml")


def test_security_at_the_root_protects_nothing_and_is_told() -> None:
    document = yaml.safe_load(WHOLE)
    document["security"] = [{"tokens": []}]
    warnings = read_http(json.dumps(document), "x.json").warnings
    assert [each.rule for each in warnings] == ["security-ignored"]
