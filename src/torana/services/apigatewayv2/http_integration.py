"""What an integration of an HTTP API may be.

Source: Developer Guide, "Create integrations for HTTP APIs", "Transform API requests and responses
for HTTP APIs" and "Integration subtype reference".
"""

import re
from collections.abc import Callable

from torana.model.http_subtypes import SUBTYPES
from torana.services.apigateway.faults import bad
from torana.services.apigatewayv2.book import Json

VERBS = ("ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
_FUNCTION = re.compile(
    r"arn:aws[a-z-]*:(lambda:[a-z0-9-]+:\d{12}:function:\S+"
    r"|apigateway:[a-z0-9-]+:lambda:path/\S+/invocations)"
)
_PRIVATE = re.compile(r"arn:aws[a-z-]*:(elasticloadbalancing|servicediscovery):\S+")
_STATUS = re.compile(r"[2-5]\d\d")


def check_http(integration: Json) -> None:
    """Raises the service's error."""
    kind, subtype = integration["IntegrationType"], integration.get("IntegrationSubtype")
    if kind not in ("HTTP_PROXY", "AWS_PROXY"):
        raise bad(f"Invalid integration type {kind}: HTTP APIs support HTTP_PROXY and AWS_PROXY")
    if not 50 <= integration["TimeoutInMillis"] <= 30_000:
        raise bad("TimeoutInMillis must be between 50 and 30000 for HTTP APIs")
    for name in ("RequestTemplates", "PassthroughBehavior", "ContentHandlingStrategy"):
        if integration.get(name):
            raise bad(f"{name} is supported only for WebSocket APIs")
    private = integration["ConnectionType"] == "VPC_LINK"
    if private and kind != "HTTP_PROXY":
        raise bad("Connection type VPC_LINK needs an integration of type HTTP_PROXY")
    if integration.get("TlsConfig") and not private:
        raise bad("TlsConfig is supported only for private integrations")
    formats = ("1.0", "2.0") if kind == "AWS_PROXY" and not subtype else ("1.0",)
    if integration["PayloadFormatVersion"] not in formats:
        raise bad(f"PayloadFormatVersion must be one of {', '.join(formats)} for this integration")
    _KINDS["subtype" if subtype else "private" if private else kind](integration)
    if not subtype:
        _check_mappings(integration)


def _check_function(integration: Json) -> None:
    uri = integration.get("IntegrationUri", "")
    if not _FUNCTION.fullmatch(uri) and "${stageVariables." not in uri:
        raise bad("Integration URI must be a Lambda function's ARN for AWS_PROXY integrations")
    if integration.get("IntegrationMethod", "POST") != "POST":
        raise bad("IntegrationMethod must be POST for AWS_PROXY integrations")


def _check_url(integration: Json) -> None:
    if not integration.get("IntegrationUri", "").startswith(("http://", "https://")):
        raise bad("Integration URI must be a fully qualified URL for HTTP_PROXY integrations")
    _check_verb(integration)


def _check_private(integration: Json) -> None:
    uri = integration.get("IntegrationUri", "")
    if not _PRIVATE.fullmatch(uri) and "${stageVariables." not in uri:
        raise bad(
            "Integration URI must be the ARN of a load balancer's listener or of a Cloud Map "
            "service for private integrations"
        )
    _check_verb(integration)


def _check_verb(integration: Json) -> None:
    if integration.get("IntegrationMethod") not in VERBS:
        raise bad("IntegrationMethod is a required parameter: an HTTP method or ANY")


def _check_subtype(integration: Json) -> None:
    name = integration["IntegrationSubtype"]
    subtype = SUBTYPES.get(name)
    if subtype is None:
        raise bad(f"Invalid integration subtype {name}: one of {', '.join(SUBTYPES)}")
    if integration["IntegrationType"] != "AWS_PROXY":
        raise bad("IntegrationSubtype needs an integration of type AWS_PROXY")
    if integration.get("IntegrationUri"):
        raise bad("IntegrationUri cannot be set together with IntegrationSubtype")
    if not integration.get("CredentialsArn"):
        raise bad(f"CredentialsArn is required for integration subtype {name}")
    given = integration.get("RequestParameters", {})
    for each in subtype.required:
        if not given.get(each):
            raise bad(f"Parameter {each} is required for integration subtype {name}")
    for each in given:
        if each not in (*subtype.required, *subtype.optional):
            raise bad(f"Parameter {each} is not one of integration subtype {name}")


_KINDS: dict[str, Callable[[Json], None]] = {
    "AWS_PROXY": _check_function,
    "HTTP_PROXY": _check_url,
    "private": _check_private,
    "subtype": _check_subtype,
}


def _check_mappings(integration: Json) -> None:
    """That there are such statuses; expressions are tried where they are compiled."""
    for status in integration.get("ResponseParameters", {}):
        if not _STATUS.fullmatch(status):
            raise bad(f"Invalid response status code {status}: it must be within 200 to 599")
