"""WebSocket APIs (API Gateway v2): the names and the meaning of the fields are the service's.

Source: the `apigatewayv2` service model; members are spelled as its documents spell them.
"""

from typing import Literal

from msgspec import Struct

CONNECT, DISCONNECT, DEFAULT = "$connect", "$disconnect", "$default"
"""The routes of the handshake, of the end, and of what no other route takes."""

IntegrationType = Literal["AWS", "AWS_PROXY", "HTTP", "HTTP_PROXY", "MOCK"]
PassthroughBehavior = Literal["WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"]
ContentHandling = Literal["CONVERT_TO_BINARY", "CONVERT_TO_TEXT"]


class Parameter(Struct, frozen=True, rename="pascal"):
    """Whether a parameter must be there."""

    required: bool = False


class TlsConfig(Struct, frozen=True, rename="pascal"):
    """That a private integration speaks HTTPS, and the name its certificate must bear."""

    server_name_to_verify: str = ""


class IntegrationResponse(Struct, frozen=True, rename="pascal"):
    """What a backend's answer becomes. Its key is `$default`, or `/a regular expression/`."""

    integration_response_key: str
    content_handling_strategy: ContentHandling | None = None
    response_parameters: dict[str, str] = {}
    response_templates: dict[str, str] = {}
    """By what `template_selection_expression` gives."""
    template_selection_expression: str = ""


class Integration(Struct, frozen=True, rename="pascal"):
    """Where a route's messages go, and how they are mapped there and back."""

    integration_type: IntegrationType
    integration_id: str = ""
    integration_uri: str = ""
    integration_method: str = ""
    connection_type: Literal["INTERNET", "VPC_LINK"] = "INTERNET"
    connection_id: str | None = None
    content_handling_strategy: ContentHandling | None = None
    credentials_arn: str | None = None
    integration_responses: tuple[IntegrationResponse, ...] = ()
    integration_response_selection_expression: str = ""
    passthrough_behavior: PassthroughBehavior = "WHEN_NO_MATCH"
    request_parameters: dict[str, str] = {}
    request_templates: dict[str, str] = {}
    """By what `template_selection_expression` gives."""
    template_selection_expression: str = ""
    timeout_in_millis: int = 29_000
    tls_config: TlsConfig | None = None


class RouteResponse(Struct, frozen=True, rename="pascal"):
    """That what a route's integration answers is sent to the client."""

    route_response_key: str = DEFAULT
    model_selection_expression: str = ""
    response_models: dict[str, str] = {}
    response_parameters: dict[str, Parameter] = {}


class Route(Struct, frozen=True, rename="pascal"):
    """`$connect`, `$disconnect`, `$default`, or what the API's selection expression may give."""

    route_key: str
    route_id: str = ""
    target: str = ""
    """`integrations/ID`."""
    api_key_required: bool = False
    authorization_type: Literal["NONE", "AWS_IAM", "CUSTOM"] = "NONE"
    authorizer_id: str | None = None
    model_selection_expression: str = ""
    operation_name: str | None = None
    request_models: dict[str, str] = {}
    """By what `model_selection_expression` gives, the model's name."""
    request_parameters: dict[str, Parameter] = {}
    """`route.request.{header|querystring}.NAME`."""
    route_responses: tuple[RouteResponse, ...] = ()
    route_response_selection_expression: str = ""


class Authorizer(Struct, frozen=True, rename="pascal"):
    """A function that decides whether a client may connect."""

    name: str
    authorizer_id: str = ""
    authorizer_type: Literal["REQUEST"] = "REQUEST"
    authorizer_uri: str = ""
    authorizer_credentials_arn: str | None = None
    authorizer_result_ttl_in_seconds: int = 0
    identity_source: tuple[str, ...] = ()


class Model(Struct, frozen=True, rename="pascal"):
    """A JSON Schema (draft 4), as its text, under a name."""

    name: str
    schema: str
    content_type: str = "application/json"


class WebSocketApi(Struct, frozen=True, rename="pascal"):
    """A WebSocket API, whole."""

    api_id: str
    name: str
    route_selection_expression: str = "$request.body.action"
    api_key_selection_expression: str = "$request.header.x-api-key"
    routes: tuple[Route, ...] = ()
    integrations: tuple[Integration, ...] = ()
    authorizers: tuple[Authorizer, ...] = ()
    models: tuple[Model, ...] = ()
    disable_execute_api_endpoint: bool = False
    disable_schema_validation: bool = False


class AccessLogSettings(Struct, frozen=True, rename="pascal"):
    """Where access log lines go, and their `$context` format."""

    destination_arn: str = ""
    format: str = ""


class RouteSettings(Struct, frozen=True, rename="pascal"):
    """Settings of one route of a stage, or of all."""

    data_trace_enabled: bool = False
    detailed_metrics_enabled: bool = False
    logging_level: Literal["OFF", "ERROR", "INFO"] = "OFF"
    throttling_burst_limit: int | None = None
    throttling_rate_limit: float | None = None
    """Messages a second; of `$connect`, handshakes."""


class Stage(Struct, frozen=True, rename="pascal"):
    """A deployment under a name, with its settings."""

    stage_name: str = "prod"
    deployment_id: str = ""
    stage_variables: dict[str, str] = {}
    default_route_settings: RouteSettings = RouteSettings()
    route_settings: dict[str, RouteSettings] = {}
    """By route key."""
    access_log_settings: AccessLogSettings | None = None
    client_certificate_id: str | None = None
