"""The extensions at the root of a document, and the naming of those that nobody understood.

Source: Developer Guide, "OpenAPI extensions for API Gateway".
"""

import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any

from torana.model.rest import EndpointConfiguration, GatewayResponse, RequestValidator
from torana.openapi.expressions import gateway_mapping
from torana.openapi.place import Place
from torana.openapi.shape import fill, make
from torana.openapi.templates import CheckTemplate, check_media_type, check_templates

AWS = "x-amazon-apigateway-"
TORANA = "x-torana-"
VALIDATORS = AWS + "request-validators"
VALIDATOR = AWS + "request-validator"
GATEWAY_RESPONSES = AWS + "gateway-responses"
BINARY = AWS + "binary-media-types"
COMPRESSION = AWS + "minimum-compression-size"
KEY_SOURCE = AWS + "api-key-source"
POLICY = AWS + "policy"
ENDPOINTS = AWS + "endpoint-configuration"
SECURITY_POLICY = AWS + "security-policy"
ACCESS_MODE = AWS + "endpoint-access-mode"
DOCUMENTATION = AWS + "documentation"
TAG_VALUE = AWS + "tag-value"
ANY = AWS + "any-method"
CORS = AWS + "cors"

_KNOWN = (
    *("integration", "integrations", "request-validators", "request-validator"),
    *("gateway-responses", "binary-media-types", "minimum-compression-size", "api-key-source"),
    *("policy", "endpoint-configuration", "security-policy", "endpoint-access-mode"),
    *("documentation", "tag-value", "any-method", "cors", "authorizer", "authtype", "auth"),
    "importexport-version",
)
_LARGEST_MINIMUM = 10_485_760
_STATUS = re.compile(r"[1-5]\d\d")

RESPONSE_TYPES = frozenset(
    re.findall(
        r"\S+",
        """ACCESS_DENIED API_CONFIGURATION_ERROR AUTHORIZER_CONFIGURATION_ERROR AUTHORIZER_FAILURE
    BAD_REQUEST_BODY BAD_REQUEST_PARAMETERS DEFAULT_4XX DEFAULT_5XX EXPIRED_TOKEN
    INTEGRATION_FAILURE INTEGRATION_TIMEOUT INVALID_API_KEY INVALID_SIGNATURE
    MISSING_AUTHENTICATION_TOKEN QUOTA_EXCEEDED REQUEST_TOO_LARGE RESOURCE_NOT_FOUND THROTTLED
    UNAUTHORIZED UNSUPPORTED_MEDIA_TYPE WAF_FILTERED""",
    )
)


def root_fields(root: Place, check: CheckTemplate | None) -> dict[str, Any]:
    """What the root's extensions say about the API, by the field names of `RestApi`."""
    cors = root.extension(CORS)
    if cors is not None:
        cors.fail("http-api-only", f"{CORS} is only for HTTP APIs", "declare OPTIONS methods")
    root.extension(AWS + "importexport-version")
    fields: dict[str, Any] = {
        "request_validators": _validators(root),
        "gateway_responses": _gateway_responses(root, check),
        "tags": dict(tags(root)),
    }
    for name, (key, read) in _SIMPLE.items():
        place = root.extension(name)
        if place is not None:
            value = read(place)
            if value is not None:
                fields[key] = value
    return {**fields, **_endpoints(root)}


def _validators(root: Place) -> dict[str, RequestValidator]:
    found: dict[str, RequestValidator] = {}
    place = root.extension(VALIDATORS)
    for name, at in () if place is None else place.items():
        found[name] = RequestValidator(name=name, **fill(at, RequestValidator, skip=("name",)))
    return found


def _gateway_responses(root: Place, check: CheckTemplate | None) -> dict[str, GatewayResponse]:
    found: dict[str, GatewayResponse] = {}
    place = root.extension(GATEWAY_RESPONSES)
    for name, at in () if place is None else place.items():
        if name not in RESPONSE_TYPES:
            if at.sheet.is_full(True):
                continue
            near = get_close_matches(name, RESPONSE_TYPES, 1)
            known = "one of " + ", ".join(sorted(RESPONSE_TYPES))
            at.fail(
                "gateway-response",
                f"no gateway response type is called {name[:80]!r}",
                f"did you mean {near[0]}?" if near else known,
            )
            continue
        values = fill(at, GatewayResponse, skip=("responseType",))
        status = values.get("status_code")
        if status is not None and not _STATUS.fullmatch(status):
            at.fail("status", f"the status code {status[:40]!r} must match [1-5]\\d\\d")
        for key, source in at.members("responseParameters"):
            if isinstance(source.value, str) and (wrong := gateway_mapping(key, source.value)):
                source.fail("mapping", wrong)
        check_templates(at, "responseTemplates", check)
        found[name] = GatewayResponse(response_type=name, **values)
    return found


def tags(root: Place) -> Iterator[tuple[str, str]]:
    """Names and values."""
    for tag in root.listed("tags"):
        value = tag.extension(TAG_VALUE)
        if value is not None:
            yield tag.text("name"), value.as_text() or ""


def _endpoints(root: Place) -> dict[str, Any]:
    """Said at the root, or in the first server (OpenAPI 3)."""
    place = root.extension(ENDPOINTS)
    for server in root.listed("servers"):
        place = server.extension(ENDPOINTS) or place
    if place is None:
        return {}
    disabled = place.flag("disableExecuteApiEndpoint")
    made = make(place, EndpointConfiguration, skip=("disableExecuteApiEndpoint",))
    fields: dict[str, Any] = {"disable_execute_api_endpoint": disabled}
    if made is not None:
        fields["endpoint_configuration"] = made
    return fields


def _binary(place: Place) -> tuple[str, ...]:
    found: list[str] = []
    for part in place.elements():
        name = part.as_text()
        if name is not None:
            check_media_type(name, part)
            found.append(name)
    return tuple(found)


def _compression(place: Place) -> int | None:
    value = place.value
    if isinstance(value, str) and value.isdecimal() and len(value) < 12:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        place.fail("type", f"{place.name()} must be a whole number")
        return None
    if not 0 <= value <= _LARGEST_MINIMUM:
        place.fail(
            "compression",
            f"invalid minimum compression size, must be between 0 and {_LARGEST_MINIMUM}",
        )
    return value


def _one_of(*allowed: str) -> Callable[[Place], str | None]:
    def read(place: Place) -> str | None:
        value = place.as_text()
        if value is not None and value not in allowed:
            place.fail(
                "value", f"{place.name()} cannot be {value[:80]!r}", f"one of {', '.join(allowed)}"
            )
        return value

    return read


def _policy(place: Place) -> Any:
    if place.find("Statement") is None:
        place.fail("policy", "a resource policy is a mapping with a Statement")
        return None
    return place.value


def _mapping(place: Place) -> Any:
    if place.is_mapping:
        return place.value
    place.fail("type", f"{place.name()} must be a mapping")
    return None


_SIMPLE: dict[str, tuple[str, Callable[[Place], Any]]] = {
    BINARY: ("binary_media_types", _binary),
    COMPRESSION: ("minimum_compression_size", _compression),
    KEY_SOURCE: ("api_key_source", _one_of("HEADER", "AUTHORIZER")),
    POLICY: ("policy", _policy),
    DOCUMENTATION: ("documentation", _mapping),
    SECURITY_POLICY: ("security_policy", lambda place: place.as_text()),
    ACCESS_MODE: ("endpoint_access_mode", _one_of("BASIC", "STRICT")),
}


def name_the_rest(root: Place) -> None:
    """Say every extension of the service's or of ours that nothing has read."""
    waiting = [root]
    while waiting:
        place = waiting.pop()
        if place.is_list:
            waiting.extend(place.elements())
        if not place.is_mapping:
            continue
        for key, part in place.items():
            if not key.startswith((AWS, TORANA)):
                waiting.append(part)
            elif part.path not in root.sheet.understood:
                _unread(key, part)
            else:
                waiting.append(part)


def _unread(key: str, part: Place) -> None:
    if key.startswith(TORANA):
        part.fail(
            "extension",
            f"{key} means nothing here",
            "known: x-torana-id, x-torana-protocol, x-torana-stage, x-torana-lifecycle, "
            "x-torana-deprecation, x-torana-privacy",
        )
        return
    if key.removeprefix(AWS) in _KNOWN:
        part.warn("extension", f"{key} has no effect in this place")
        return
    if part.sheet.is_full(False):
        return
    near = get_close_matches(key, [AWS + name for name in _KNOWN], 1)
    mend = f"did you mean {near[0]}?" if near else ""
    part.warn("extension", f"{key} is not known; it is ignored", mend)
