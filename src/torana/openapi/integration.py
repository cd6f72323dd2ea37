"""`x-amazon-apigateway-integration`: where a method's requests go.

Source: Developer Guide, "x-amazon-apigateway-integration object"; the rules are those of
`PutIntegration` and `PutIntegrationResponse`.
"""

import re
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from torana.model.rest import Integration, IntegrationResponse, MethodResponse
from torana.openapi import expressions
from torana.openapi.place import Place
from torana.openapi.shape import fill, make
from torana.openapi.templates import CheckTemplate, check_templates

EXTENSION = "x-amazon-apigateway-integration"
SHARED = "x-amazon-apigateway-integrations"

_HTTP_API_ONLY = {
    "payloadFormatVersion": "it chooses the event of HTTP APIs; REST APIs always send theirs",
    "integrationSubtype": "only HTTP APIs integrate AWS services that way",
}
_ARN = re.compile(
    r"arn:aws[a-z-]*:apigateway:[a-z0-9-]+:(?P<service>[A-Za-z0-9._${}-]+):(?:path|action)/.*",
    re.DOTALL,
)
_VARIABLE = re.compile(r"\$\{stageVariables\.([A-Za-z0-9_]+)\}")
_URL = re.compile(r"https?://\S+")
_STATUS = re.compile(r"[1-5]\d\d")
_VERBS = frozenset({"GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD", "ANY"})

_SHORTEST = 50
_LONGEST = 29_000
_LONGEST_RAISED = 300_000
_LONGEST_STREAM = 900_000
"""Milliseconds. The service streams up to 15 minutes; past 29 s otherwise takes a raised quota."""


class Declared(Struct, frozen=True):
    """What the method around an integration promises."""

    parameters: Mapping[str, bool]
    responses: tuple[MethodResponse, ...]
    edge: bool = False
    """Edge-optimised APIs cannot wait longer than 29 s."""


def read_integration(
    at: Place, declared: Declared, check: CheckTemplate | None
) -> Integration | None:
    """The integration, or None when its mistakes leave none."""
    place = at.follow()
    if place is None:
        return None
    for name, why in _HTTP_API_ONLY.items():
        if (found := place.find(name)) is not None:
            found.fail("http-api-only", f"{name} is refused for REST APIs: {why}")
    responses = _responses(place, declared, check)
    made = make(place, Integration, skip=("responses", *_HTTP_API_ONLY))
    if made is None:
        return None
    verb = made.http_method.upper()
    integration: Integration = replace(made, http_method=verb, responses=responses)
    for rule in (_uri, _verb, _link, _timeout, _transfer, _credentials):
        rule(place, integration, declared)
    _parameters(place, integration, declared)
    if not integration.type.endswith("_PROXY"):
        check_templates(place, "requestTemplates", check)
    return integration


_PROXIED = frozenset({"lambda", "firehose", "torana"})


def _uri(place: Place, integration: Integration, declared: Declared) -> None:
    uri, at = integration.uri, place.find("uri") or place
    place.sheet.variables.extend((at, name) for name in _VARIABLE.findall(uri))
    if integration.type == "MOCK":
        return
    if not uri:
        at.fail("integration-uri", f"an integration of type {integration.type} needs a uri")
    elif integration.type.startswith("HTTP"):
        if not _URL.fullmatch(uri):
            at.fail(
                "integration-uri",
                f"invalid HTTP endpoint specified for URI: {uri[:200]!r}",
                "it begins with http:// or https://; ${stageVariables.NAME} may follow",
            )
    else:
        _arn(at, integration)


def _arn(at: Place, integration: Integration) -> None:
    match = _ARN.fullmatch(integration.uri)
    if match is None:
        at.fail(
            "integration-uri",
            f"AWS ARN for integration must contain path or action: {integration.uri[:200]!r}",
            "write arn:aws:apigateway:{region}:{service}:{path|action}/{service_api}",
        )
    elif integration.type == "AWS_PROXY" and match["service"] not in _PROXIED:
        at.fail(
            "integration-uri",
            "integrations of type AWS_PROXY currently only support Lambda function and Firehose "
            "stream invocations",
            "use type aws",
        )


def _verb(place: Place, integration: Integration, declared: Declared) -> None:
    verb, at = integration.http_method, place.find("httpMethod") or place
    if not verb and integration.type != "MOCK":
        at.fail("integration-method", f"an integration of type {integration.type} needs httpMethod")
    elif verb and verb not in _VERBS:
        at.fail("integration-method", f"httpMethod cannot be {verb[:40]!r}", _verbs())


def _verbs() -> str:
    return f"one of {', '.join(sorted(_VERBS))}"


def _link(place: Place, integration: Integration, declared: Declared) -> None:
    at = place.find("connectionType") or place
    if integration.connection_type == "VPC_LINK" and not integration.connection_id:
        at.fail("integration-connection", "connectionType VPC_LINK needs a connectionId")
    if integration.connection_type != "VPC_LINK" and integration.connection_id:
        at.fail("integration-connection", "connectionId is only for connectionType VPC_LINK")
    if integration.connection_type == "VPC_LINK" and not integration.type.startswith("HTTP"):
        at.fail("integration-connection", "connectionType VPC_LINK is only for http and http_proxy")


def _timeout(place: Place, integration: Integration, declared: Declared) -> None:
    at, timeout = place.find("timeoutInMillis"), integration.timeout_in_millis
    if at is None:
        return
    longest = _LONGEST if declared.edge else _LONGEST_RAISED
    if integration.response_transfer_mode == "STREAM":
        longest = _LONGEST_STREAM
    if not _SHORTEST <= timeout <= longest:
        at.fail(
            "integration-timeout",
            f"timeout should be between {_SHORTEST} ms and {longest} ms, not {timeout}",
        )
    elif timeout > _LONGEST and integration.response_transfer_mode != "STREAM":
        at.warn(
            "integration-timeout",
            f"more than {_LONGEST} ms needs a raised quota on the service",
        )


def _transfer(place: Place, integration: Integration, declared: Declared) -> None:
    at = place.find("responseTransferMode")
    streams = integration.response_transfer_mode == "STREAM"
    if at is not None and streams and not integration.type.endswith("_PROXY"):
        at.fail(
            "integration-transfer",
            "responseTransferMode STREAM needs a proxy integration",
            "type aws_proxy or http_proxy",
        )


def _credentials(place: Place, integration: Integration, declared: Declared) -> None:
    at, credentials = place.find("credentials"), integration.credentials
    if at is None or not credentials:
        return
    if not credentials.startswith("arn:") and "${stageVariables." not in credentials:
        at.fail("integration-credentials", f"invalid ARN specified: {credentials[:100]!r}")


def _parameters(place: Place, integration: Integration, declared: Declared) -> None:
    for key, at in place.members("requestParameters"):
        if isinstance(at.value, str):
            wrong = expressions.request_mapping(key, at.value, declared.parameters)
            if wrong is not None:
                at.fail("mapping", wrong, _declare(at.value, declared))
    for at in place.listed("cacheKeyParameters"):
        if isinstance(at.value, str) and (wrong := expressions.cache_key(at.value)):
            at.fail("cache-key", wrong)


def _declare(source: str, declared: Declared) -> str:
    if expressions.undeclared(source, declared.parameters):
        return "declare it among the operation's parameters"
    return (
        "a source is method.request.{path|querystring|header}.NAME, method.request.body[.PATH], "
        "context.NAME, stageVariables.NAME or 'a constant'"
    )


def _responses(
    place: Place, declared: Declared, check: CheckTemplate | None
) -> tuple[IntegrationResponse, ...]:
    by_status = {response.status_code: response for response in declared.responses}
    made: list[IntegrationResponse] = []
    for pattern, at in place.members("responses"):
        _pattern(pattern, at)
        values = fill(at, IntegrationResponse, skip=("selectionPattern",))
        status = values.get("status_code")
        if status is None:
            if at.find("statusCode") is None and isinstance(at.value, dict):
                at.fail("missing", f"the response {pattern!r} has no statusCode")
            continue
        _status(at.find("statusCode") or at, status, by_status)
        _response_parameters(at, by_status.get(status))
        check_templates(at, "responseTemplates", check)
        values["selection_pattern"] = "" if pattern == "default" else pattern
        made.append(IntegrationResponse(**values))
    return tuple(made)


def _pattern(pattern: str, at: Place) -> None:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        at.fail("selection-pattern", f"{pattern[:100]!r} is no regular expression: {error}")


def _status(at: Place, status: str, by_status: Mapping[str, MethodResponse]) -> None:
    if not _STATUS.fullmatch(status):
        at.fail("status", f"the status code {status[:40]!r} must match [1-5]\\d\\d")
    elif status not in by_status:
        at.fail(
            "status",
            f"invalid response status code specified: the operation declares no response {status}",
            f"add {status} to its responses",
        )


def _response_parameters(at: Place, response: MethodResponse | None) -> None:
    if response is None:
        return
    for key, source in at.members("responseParameters"):
        if isinstance(source.value, str):
            wrong = expressions.response_mapping(key, source.value, response.response_parameters)
            if wrong is not None:
                source.fail(
                    "mapping", wrong, f"declare the header on response {at.text('statusCode')}"
                )
