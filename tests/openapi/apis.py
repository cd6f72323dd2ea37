"""APIs of every shape that a document can say, for property tests."""

import re
from collections.abc import Callable
from typing import Any, Literal, cast

from hypothesis import strategies as st
from msgspec.structs import replace

from torana.model.rest import (
    AccessLogSettings,
    Authorizer,
    CanarySettings,
    EndpointConfiguration,
    GatewayResponse,
    Integration,
    IntegrationResponse,
    Method,
    MethodResponse,
    MethodSettings,
    Model,
    RequestValidator,
    RestApi,
    Stage,
    TlsConfig,
)

Format = Literal["oas30", "swagger"]

ALNUM = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
names = st.text(ALNUM, min_size=1, max_size=6)
# Words that YAML, of one version or the other, takes for something else, and any text at all.
tricky = st.sampled_from(
    re.findall(
        r"\S+",
        "yes no on off null ~ true 1e3 0x1F 0o17 010 1_000 .5 << 2024-01-02 12:30:45 - ? : [ { # &"
        " * ! | > %x @y `z 'q \"d = .inf",
    )
)
texts = st.text(st.characters(codec="utf-8"), max_size=12) | tricky
lines = st.lists(texts, min_size=1, max_size=4).map("\n".join)
labels = texts.filter(bool)
content_types = st.sampled_from(["application/json", "text/plain", "application/xml", "image/png"])
statuses = st.sampled_from(["200", "201", "400", "404", "500", "503"])
constants = texts.map(lambda text: f"'{text}'")

_LEAF_SCHEMAS = st.sampled_from(
    [
        {},
        {"type": "string", "minLength": 1},
        {"type": ["string", "null"]},
        {"type": ["integer", "null"], "enum": [1, None]},
        {"type": ["string", "null"], "enum": ["a"]},
        {"type": "number", "minimum": 0, "exclusiveMinimum": True},
        {"enum": [{"type": ["a", "null"]}, {"$ref": "#/definitions/no"}]},
        {"type": "string", "pattern": "^[a-z]{2}$", "default": "1e3"},
    ]
)


def unique(values: st.SearchStrategy[str], most: int = 3) -> st.SearchStrategy[list[str]]:
    return st.lists(values, max_size=most, unique=True)


def some(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


@st.composite
def schemas(draw: Callable[..., Any], models: list[str], depth: int = 2) -> dict[str, Any]:
    if models and draw(st.integers(0, 3)) == 0:
        return {"$ref": f"#/definitions/{draw(st.sampled_from(models))}"}
    kind = draw(st.sampled_from(["leaf", "object", "array", "any"])) if depth else "leaf"
    inner = schemas(models, depth - 1)
    if kind == "object":
        keys = st.sampled_from(["enum", "default", "$id", "example", "nullable", "a", "b"])
        return {
            "type": "object",
            "properties": draw(st.dictionaries(keys, inner, max_size=3)),
            "additionalProperties": draw(st.booleans() | inner),
        }
    if kind == "array":
        return {"type": "array", "items": draw(inner)}
    if kind == "any":
        return {"anyOf": draw(st.lists(inner, min_size=1, max_size=2))}
    return dict(draw(_LEAF_SCHEMAS))


@st.composite
def model_tables(draw: Callable[..., Any]) -> dict[str, Model]:
    found = draw(unique(names))
    return {name: Model(name, draw(schemas(found))) for name in found}


@st.composite
def bodies(draw: Callable[..., Any], models: list[str], format: Format) -> dict[str, str]:
    """Swagger has one schema for all the content types of a body."""
    if not models:
        return {}
    if format == "swagger":
        name = draw(st.sampled_from(models))
        return {kind: name for kind in draw(unique(content_types))}  # noqa: C420
    return draw(st.dictionaries(content_types, st.sampled_from(models), max_size=2))


@st.composite
def method_responses(
    draw: Callable[..., Any], models: list[str], format: Format
) -> tuple[MethodResponse, ...]:
    found: list[MethodResponse] = []
    kinds: list[str] = draw(unique(content_types)) if format == "swagger" and models else []
    for status in draw(unique(statuses)):
        required = st.just(False) if format == "swagger" else st.booleans()
        headers = {f"method.response.header.X-{draw(names)}": draw(required)}
        if format == "swagger":
            shown = {kind: models[0] for kind in kinds}  # noqa: C420
        else:
            shown = draw(bodies(models, format))
        found.append(MethodResponse(status, headers if draw(st.booleans()) else {}, shown))
    return tuple(found)


@st.composite
def integration_responses(
    draw: Callable[..., Any], declared: tuple[MethodResponse, ...]
) -> tuple[IntegrationResponse, ...]:
    if not declared:
        return ()
    patterns = st.sampled_from(["", r"4\d{2}", "5..", r".*\[x\].*", "on", "200"])
    found: list[IntegrationResponse] = []
    for pattern in draw(unique(patterns)):
        response = draw(st.sampled_from(declared))
        sources = constants | st.sampled_from(
            ["integration.response.header.A", "integration.response.body.a", "context.requestId"]
        )
        found.append(
            IntegrationResponse(
                response.status_code,
                pattern,
                {name: draw(sources) for name in response.response_parameters},
                draw(st.dictionaries(content_types, lines, max_size=2)),
                draw(some(st.sampled_from(["CONVERT_TO_BINARY", "CONVERT_TO_TEXT"]))),
            )
        )
    return tuple(found)


@st.composite
def integrations(
    draw: Callable[..., Any], parameters: dict[str, bool], declared: tuple[MethodResponse, ...]
) -> Integration:
    kind, uri = draw(
        st.sampled_from(
            [
                ("MOCK", ""),
                ("HTTP", "http://${stageVariables.host}/a"),
                ("HTTP_PROXY", "https://example.com/{proxy}"),
                ("AWS", "arn:aws:apigateway:us-east-1:comprehend:action/DetectSentiment"),
                ("AWS_PROXY", "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/f"),
            ]
        )
    )
    proxy, http = kind.endswith("_PROXY"), kind.startswith("HTTP")
    link = http and draw(st.booleans())
    sources = constants | st.sampled_from(
        [*parameters, "method.request.body", "method.request.body.a[0].b", "stageVariables.a"]
    )
    return Integration(
        type=kind,
        uri=uri,
        http_method="" if kind == "MOCK" else draw(st.sampled_from(["GET", "POST", "ANY"])),
        credentials=draw(some(st.just("arn:aws:iam::1:role/r"))),
        connection_type="VPC_LINK" if link else "INTERNET",
        connection_id=draw(labels) if link else None,
        request_parameters={
            f"integration.request.header.{name}": draw(sources) for name in draw(unique(names))
        },
        request_templates=draw(st.dictionaries(content_types, lines, max_size=2)),
        passthrough_behavior=draw(st.sampled_from(["WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"])),
        content_handling=draw(some(st.sampled_from(["CONVERT_TO_BINARY", "CONVERT_TO_TEXT"]))),
        timeout_in_millis=draw(st.integers(50, 29_000)),
        cache_namespace=draw(some(labels)),
        cache_key_parameters=tuple(parameters) if draw(st.booleans()) else (),
        tls_config=TlsConfig(draw(st.booleans())),
        response_transfer_mode="STREAM" if proxy and draw(st.booleans()) else "BUFFERED",
        integration_target=draw(some(labels)),
        responses=draw(integration_responses(declared)),
    )


@st.composite
def authorizer_tables(draw: Callable[..., Any]) -> dict[str, Authorizer]:
    found: dict[str, Authorizer] = {}
    for name in draw(unique(st.sampled_from(["api_key", "sigv4", "api_key_", "auth", "null"]))):
        kind = draw(st.sampled_from(["TOKEN", "REQUEST", "COGNITO_USER_POOLS"]))
        pool, header = kind == "COGNITO_USER_POOLS", f"method.request.header.{draw(names)}"
        odd = st.sampled_from([header, "method.request.querystring.q", "context.stage"])
        found[name] = Authorizer(
            name,
            kind,
            authorizer_uri="" if pool else "arn:aws:apigateway:us-east-1:lambda:path/f",
            authorizer_credentials=draw(some(st.just("arn:aws:iam::1:role/r"))),
            identity_source=draw(odd),
            identity_validation_expression=draw(texts),
            authorizer_result_ttl_in_seconds=draw(st.integers(0, 3600)),
            provider_arns=("arn:aws:cognito-idp:us-east-1:1:userpool/a",) if pool else (),
            auth_type="cognito_user_pools" if pool else draw(st.sampled_from(["custom", "oauth2"])),
        )
    return found


@st.composite
def methods(draw: Callable[..., Any], path: str, verb: str, api: RestApi, format: Format) -> Method:
    models = list(api.models)
    wheres = st.sampled_from(["querystring", "header"])
    parameters: dict[str, bool] = {
        f"method.request.path.{part.strip('{+}')}": True
        for part in path.split("/")
        if part.startswith("{")
    }
    for name in draw(unique(names)):
        parameters[f"method.request.{draw(wheres)}.q{name}"] = draw(st.booleans())
    authorizer = (
        draw(some(st.sampled_from(list(api.authorizers.values())))) if api.authorizers else None
    )
    kind: Any = draw(st.sampled_from(["NONE", "AWS_IAM"]))
    if authorizer is not None:
        pool = authorizer.type == "COGNITO_USER_POOLS"
        kind = "COGNITO_USER_POOLS" if pool else "CUSTOM"
    responses = draw(method_responses(models, format))
    return Method(
        http_method=verb,
        path=path,
        integration=draw(integrations(parameters, responses)),
        authorization_type=kind,
        authorizer=authorizer and authorizer.name,
        authorization_scopes=tuple(draw(unique(labels))) if authorizer else (),
        api_key_required=draw(st.booleans()),
        request_validator=draw(some(st.sampled_from(list(api.request_validators))))
        if api.request_validators
        else None,
        request_parameters=parameters,
        request_models=draw(bodies(models, format)),
        responses=responses,
        operation_name=draw(some(labels)),
    )


@st.composite
def gateway_responses(draw: Callable[..., Any]) -> dict[str, GatewayResponse]:
    types = st.sampled_from(["THROTTLED", "DEFAULT_4XX", "DEFAULT_5XX", "ACCESS_DENIED"])
    return {
        name: GatewayResponse(
            name,
            draw(some(statuses)),
            {f"gatewayresponse.header.{draw(names)}": draw(constants)},
            draw(st.dictionaries(content_types, lines, max_size=2)),
        )
        for name in draw(unique(types))
    }


@st.composite
def apis(draw: Callable[..., Any], format: Format) -> RestApi:
    validators = {
        name: RequestValidator(name, draw(st.booleans()), draw(st.booleans()))
        for name in draw(unique(labels))
    }
    empty = RestApi(
        id=draw(st.sampled_from(["a", "abc123", "my-api"])),
        name=draw(labels),
        description=draw(texts),
        version=draw(texts),
        models=draw(model_tables()),
        request_validators=validators,
        authorizers=draw(authorizer_tables()),
        gateway_responses=draw(gateway_responses()),
        binary_media_types=tuple(draw(unique(st.sampled_from(["image/png", "*/*"])))),
        minimum_compression_size=draw(some(st.integers(0, 10_485_760))),
        api_key_source=draw(st.sampled_from(["HEADER", "AUTHORIZER"])),
        policy=draw(some(st.just({"Version": "2012-10-17", "Statement": []}))),
        endpoint_configuration=EndpointConfiguration(
            (draw(st.sampled_from(["EDGE", "REGIONAL", "PRIVATE"])),),
            tuple(draw(unique(labels))),
            draw(st.sampled_from(["ipv4", "dualstack"])),
        ),
        disable_execute_api_endpoint=draw(st.booleans()),
        tags=draw(st.dictionaries(labels, texts, max_size=2)),
        documentation=draw(some(st.just({"version": "1", "documentationParts": []}))),
        security_policy=draw(some(st.just("TLS_1_2"))),
    )
    paths = st.sampled_from(["/", "/a", "/a/{id}", "/a/{id}/b", "/b/{rest+}", "/on/200", "/x.y_z"])
    made: list[Method] = []
    for path in draw(unique(paths)):
        for verb in draw(unique(st.sampled_from(["GET", "POST", "ANY", "OPTIONS"]))):
            made.append(draw(methods(path, verb, empty, format)))
    return replace(empty, methods=tuple(made))


@st.composite
def stages(draw: Callable[..., Any], api: RestApi) -> Stage:
    keys = ["*/*", *(f"{m.path.replace('/', '~1')}/{m.http_method}" for m in api.methods)]
    settings = st.builds(
        MethodSettings,
        metrics_enabled=st.booleans(),
        logging_level=st.sampled_from(["OFF", "ERROR", "INFO"]),
        throttling_rate_limit=some(st.floats(0, 1e6)),
        throttling_burst_limit=some(st.integers(0, 10_000)),
        cache_ttl_in_seconds=st.integers(0, 3600),
    )
    values = st.text(ALNUM + "-._~:/?#&=,", max_size=8)
    variables = st.dictionaries(names, values, max_size=3)
    return Stage(
        stage_name=draw(st.sampled_from(["prod", "on", "010", "1e3", "v_1-x"])),
        description=draw(texts),
        variables=draw(variables),
        method_settings=cast(
            dict[str, MethodSettings],
            draw(st.dictionaries(st.sampled_from(keys), settings, max_size=2)),
        ),
        access_log_settings=draw(some(st.builds(AccessLogSettings, texts, texts))),
        cache_cluster_enabled=draw(st.booleans()),
        canary_settings=draw(
            some(st.builds(CanarySettings, texts, st.floats(0, 100), variables, st.booleans()))
        ),
        client_certificate_id=draw(some(labels)),
        tracing_enabled=draw(st.booleans()),
        tags=draw(st.dictionaries(labels, texts, max_size=2)),
    )
