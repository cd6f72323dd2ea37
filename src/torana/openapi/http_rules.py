"""What the parts of an HTTP API may be, whichever way they come: None, or what is wrong.

Source: the `apigatewayv2` API reference; Developer Guide, "Create routes for HTTP APIs", "Create
integrations for HTTP APIs", "Integration subtype reference", "Configure CORS for HTTP APIs" and the
pages on authorizers.
"""

import re
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from torana.model.http_api import DEFAULT, Authorizer, Cors, Integration
from torana.model.http_subtypes import SUBTYPES

VERBS = ("ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
_SEGMENT = re.compile(r"[^{}/\s]+|\{[A-Za-z0-9._\-:]+\+?\}")
_FUNCTION = re.compile(
    r"arn:aws[a-z-]*:(lambda:[a-z0-9-]+:\d{12}:function:\S+"
    r"|apigateway:[a-z0-9-]+:lambda:path/\S+/invocations)"
)
_INVOCATION = re.compile(r"arn:aws[a-z-]*:apigateway:[a-z0-9-]+:lambda:path/\S+/invocations")
_PRIVATE = re.compile(r"arn:aws[a-z-]*:(elasticloadbalancing|servicediscovery):\S+")
_STATUS = re.compile(r"[2-5]\d\d")
_OF_A_TOKEN = re.compile(r"\$request\.(header|querystring)\.[^\s.][^\s]*")
_SOURCE = re.compile(r"\$(request\.(header|querystring)|context|stageVariables)\.[^\s]+")

Wrong = str | None


def route_key(key: str) -> Wrong:
    """`$default` or `METHOD /path`."""
    if key == DEFAULT:
        return None
    verb, _, path = key.partition(" ")
    segments = path[1:].split("/") if path.startswith("/") else [""]
    if segments[-1] == "" and len(segments) > 1:
        segments.pop()
    good = path == "/" or all(_SEGMENT.fullmatch(each) for each in segments)
    greedy = any(each.endswith("+}") for each in segments[:-1])
    names = [each for each in segments if each.startswith("{")]
    if verb in VERBS and good and not greedy and len(names) == len({*names}):
        return None
    return (
        f"The provided route key is not formatted properly for HTTP protocol: {key[:200]}. "
        "It must be $default or METHOD /path"
    )


def integration(each: Integration) -> Wrong:
    """Everything that can be said without the API around it."""
    private = each.connection_type == "VPC_LINK"
    if not 50 <= each.timeout_in_millis <= 30_000:
        return "TimeoutInMillis must be between 50 and 30000 for HTTP APIs"
    if private and each.integration_type != "HTTP_PROXY":
        return "Connection type VPC_LINK needs an integration of type HTTP_PROXY"
    if private and not each.connection_id:
        return "ConnectionId is required for connection type VPC_LINK"
    if each.tls_config is not None and not private:
        return "TlsConfig is supported only for private integrations"
    function = each.integration_type == "AWS_PROXY" and not each.integration_subtype
    if each.payload_format_version == "2.0" and not function:
        return "PayloadFormatVersion must be 1.0 for this integration"
    kind = "subtype" if each.integration_subtype else "private" if private else None
    return _KINDS[kind or each.integration_type](each) or _statuses(each.response_parameters)


def _function(each: Integration) -> Wrong:
    uri = each.integration_uri
    if not _FUNCTION.fullmatch(uri) and "${stageVariables." not in uri:
        return "Integration URI must be a Lambda function's ARN for AWS_PROXY integrations"
    if each.integration_method not in ("", "POST"):
        return "IntegrationMethod must be POST for AWS_PROXY integrations"
    return None


def _url(each: Integration) -> Wrong:
    if not each.integration_uri.startswith(("http://", "https://")):
        return "Integration URI must be a fully qualified URL for HTTP_PROXY integrations"
    return _verb(each)


def _behind_a_link(each: Integration) -> Wrong:
    uri = each.integration_uri
    if not _PRIVATE.fullmatch(uri) and "${stageVariables." not in uri:
        return (
            "Integration URI must be the ARN of a load balancer's listener or of a Cloud Map "
            "service for private integrations"
        )
    return _verb(each)


def _verb(each: Integration) -> Wrong:
    known = each.integration_method in VERBS
    return None if known else "IntegrationMethod is a required parameter: an HTTP method or ANY"


def _subtype(each: Integration) -> Wrong:
    name = each.integration_subtype or ""
    found = SUBTYPES.get(name)
    if found is None:
        return f"Invalid integration subtype {name}: one of {', '.join(SUBTYPES)}"
    if each.integration_type != "AWS_PROXY":
        return "IntegrationSubtype needs an integration of type AWS_PROXY"
    if each.integration_uri:
        return "IntegrationUri cannot be set together with IntegrationSubtype"
    if not each.credentials_arn:
        return f"CredentialsArn is required for integration subtype {name}"
    for key in found.required:
        if not each.request_parameters.get(key):
            return f"Parameter {key} is required for integration subtype {name}"
    for key in each.request_parameters:
        if key not in (*found.required, *found.optional):
            return f"Parameter {key} is not one of integration subtype {name}"
    return None


_KINDS: dict[str, Callable[[Integration], Wrong]] = {
    "AWS_PROXY": _function,
    "HTTP_PROXY": _url,
    "private": _behind_a_link,
    "subtype": _subtype,
}


def _statuses(given: Iterable[str]) -> Wrong:
    for status in given:
        if not _STATUS.fullmatch(status):
            return f"Invalid response status code {status}: it must be within 200 to 599"
    return None


def authorizer(each: Authorizer) -> Wrong:
    """Everything that can be said without the API around it."""
    if not each.name:
        return "Name is a required parameter and cannot be empty"
    return _token(each) if each.authorizer_type == "JWT" else _request(each)


def _token(each: Authorizer) -> Wrong:
    if len(each.identity_source) != 1 or not _OF_A_TOKEN.fullmatch(each.identity_source[0]):
        return "Invalid identity source: a JWT authorizer needs one $request.header.… source"
    settings = each.jwt_configuration
    if settings is None or not _is_url(settings.issuer):
        return "Invalid issuer: Issuer must be a valid URL that uses the https protocol"
    if not settings.audience:
        return "Audience list must have at least 1 item for JWT authorizer"
    if each.authorizer_uri or each.authorizer_credentials_arn:
        return "AuthorizerUri and its credentials are supported only for REQUEST authorizers"
    return None


def _is_url(text: str) -> bool:
    try:
        url = urlsplit(text)
    except ValueError:
        return False
    return url.scheme in ("http", "https") and bool(url.hostname)


def _request(each: Authorizer) -> Wrong:
    ttl = each.authorizer_result_ttl_in_seconds
    if not _INVOCATION.fullmatch(each.authorizer_uri):
        return "Invalid Authorizer URI: it must be a well-formed Lambda function URI"
    if each.jwt_configuration is not None:
        return "JwtConfiguration is supported only for JWT authorizers"
    for source in each.identity_source:
        if not _SOURCE.fullmatch(source):
            return f"Invalid identity source specified: {source}"
    if not 0 <= ttl <= 3600:
        return "AuthorizerResultTtlInSeconds must be between 0 and 3600"
    if ttl and not each.identity_source:
        return "Caching needs at least one identity source"
    if each.enable_simple_responses and each.authorizer_payload_format_version != "2.0":
        return "EnableSimpleResponses is supported only with payload format version 2.0"
    return None


def cors(each: Cors) -> Wrong:
    """Origins, and what credentials rule out."""
    lists = (each.allow_headers, each.allow_methods, each.allow_origins, each.expose_headers)
    if each.allow_credentials and any("*" in values for values in lists):
        return "Invalid CORS configuration: * cannot be combined with AllowCredentials"
    for origin in each.allow_origins:
        scheme, mark, rest = origin.partition("://")
        if origin != "*" and not (scheme.isascii() and mark and rest and not rest.endswith("/")):
            return f"Invalid CORS configuration: invalid origin {origin}"
    if each.max_age is not None and not -1 <= each.max_age <= 86400:
        return "Invalid CORS configuration: MaxAge must be between -1 and 86400"
    return None
