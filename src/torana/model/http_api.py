"""HTTP APIs (API Gateway v2): the names and the meaning of the fields are the service's.

Source: the `apigatewayv2` service model; members are spelled as its documents spell them.
"""

from typing import Literal

from msgspec import Struct

from torana.data_settings import ApiPrivacy
from torana.model.lifecycle import Lifecycle

DEFAULT = "$default"
"""The route that takes what no other does, and the stage that has no segment of the path."""

IntegrationType = Literal["HTTP_PROXY", "AWS_PROXY"]
AuthorizationType = Literal["NONE", "AWS_IAM", "CUSTOM", "JWT"]
PayloadFormat = Literal["1.0", "2.0"]


class Cors(Struct, frozen=True, rename="pascal"):
    """What browsers are told of who may call from where."""

    allow_credentials: bool = False
    allow_headers: tuple[str, ...] = ()
    allow_methods: tuple[str, ...] = ()
    allow_origins: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age: int | None = None
    """Seconds."""


class TlsConfig(Struct, frozen=True, rename="pascal"):
    """That a private integration speaks HTTPS, and the name its certificate must bear."""

    server_name_to_verify: str = ""


class Integration(Struct, frozen=True, rename="pascal"):
    """Where a route's requests go."""

    integration_type: IntegrationType
    integration_id: str = ""
    integration_uri: str = ""
    integration_method: str = ""
    integration_subtype: str | None = None
    """An AWS service's action, such as `SQS-SendMessage`."""
    payload_format_version: PayloadFormat = "1.0"
    credentials_arn: str | None = None
    connection_type: Literal["INTERNET", "VPC_LINK"] = "INTERNET"
    connection_id: str | None = None
    request_parameters: dict[str, str] = {}
    """`append|overwrite|remove:header|querystring.NAME`, `overwrite:path`; of a sub-type: the
    action's parameters."""
    response_parameters: dict[str, dict[str, str]] = {}
    """The same for the reply, by status code."""
    timeout_in_millis: int = 30_000
    tls_config: TlsConfig | None = None
    description: str = ""


class JwtConfiguration(Struct, frozen=True, rename="pascal"):
    """Whose tokens are taken, and for whom they must be."""

    issuer: str = ""
    audience: tuple[str, ...] = ()


class Authorizer(Struct, frozen=True, rename="pascal"):
    """Who decides whether a caller may pass."""

    name: str
    authorizer_type: Literal["REQUEST", "JWT"]
    authorizer_id: str = ""
    authorizer_uri: str = ""
    authorizer_credentials_arn: str | None = None
    authorizer_payload_format_version: PayloadFormat = "1.0"
    authorizer_result_ttl_in_seconds: int = 0
    enable_simple_responses: bool = False
    identity_source: tuple[str, ...] = ()
    jwt_configuration: JwtConfiguration | None = None


class Route(Struct, frozen=True, rename="pascal"):
    """`GET /pets/{id}`, `ANY /{proxy+}` or `$default`."""

    route_key: str
    route_id: str = ""
    target: str = ""
    """`integrations/ID`."""
    authorization_type: AuthorizationType = "NONE"
    authorizer_id: str | None = None
    authorization_scopes: tuple[str, ...] = ()
    operation_name: str | None = None


class HttpApi(Struct, frozen=True, rename="pascal"):
    """An HTTP API, whole."""

    api_id: str
    name: str
    routes: tuple[Route, ...] = ()
    integrations: tuple[Integration, ...] = ()
    authorizers: tuple[Authorizer, ...] = ()
    cors_configuration: Cors | None = None
    description: str = ""
    version: str = ""
    disable_execute_api_endpoint: bool = False
    tags: dict[str, str] = {}
    lifecycle: Lifecycle | None = None
    """As the definition declares it."""
    privacy: ApiPrivacy | None = None


class AccessLogSettings(Struct, frozen=True, rename="pascal"):
    """Where access log lines go, and their `$context` format."""

    destination_arn: str = ""
    format: str = ""


class RouteSettings(Struct, frozen=True, rename="pascal"):
    """Settings of one route of a stage, or of all."""

    detailed_metrics_enabled: bool = False
    throttling_burst_limit: int | None = None
    throttling_rate_limit: float | None = None
    """Requests a second."""


class Stage(Struct, frozen=True, rename="pascal"):
    """A deployment under a name, with its settings."""

    stage_name: str = DEFAULT
    deployment_id: str = ""
    description: str = ""
    auto_deploy: bool = False
    stage_variables: dict[str, str] = {}
    default_route_settings: RouteSettings = RouteSettings()
    route_settings: dict[str, RouteSettings] = {}
    """By route key."""
    access_log_settings: AccessLogSettings | None = None
    tags: dict[str, str] = {}
