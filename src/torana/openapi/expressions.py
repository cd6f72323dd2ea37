"""The grammar of parameter mapping expressions.

Source: Developer Guide, "Parameter mapping source reference for REST APIs in API Gateway".
"""

import re
from collections.abc import Collection

_NAME = r"[A-Za-z0-9!#$%&'*+.^_`|~:\[\]-]+"
_WHERE = "path|querystring|header|multivaluequerystring|multivalueheader"
_ANYWHERE = r"'.*'|context\.[A-Za-z0-9_.$-]+|stageVariables\.[A-Za-z0-9_]+"

_INTEGRATION_TARGET = re.compile(rf"integration\.request\.(?:header|querystring|path)\.{_NAME}")
_METHOD_PARAMETER = re.compile(rf"method\.request\.(?P<where>{_WHERE})\.(?P<name>{_NAME})")
_METHOD_SOURCE = re.compile(
    rf"method\.request\.body(?:\..+)?|{_METHOD_PARAMETER.pattern}|{_ANYWHERE}", re.DOTALL
)
_RESPONSE_TARGET = re.compile(rf"method\.response\.header\.{_NAME}")
_RESPONSE_SOURCE = re.compile(
    rf"integration\.response\.(?:(?:header|multivalueheader)\.{_NAME}|body(?:\..+)?)|{_ANYWHERE}",
    re.DOTALL,
)
_GATEWAY_TARGET = re.compile(rf"gatewayresponse\.header\.{_NAME}")
_GATEWAY_SOURCE = re.compile(rf"{_METHOD_PARAMETER.pattern}|{_ANYWHERE}", re.DOTALL)
_CACHE_KEY = re.compile(
    rf"(?:method|integration)\.request\.(?:{_WHERE})\.{_NAME}|integration\.request\.body"
)


def request_mapping(target: str, source: str, declared: Collection[str]) -> str | None:
    """What is wrong with `integration.request.…: source`, or None.

    `declared` holds the method's own parameters, as `method.request.header.X`.
    """
    if not _INTEGRATION_TARGET.fullmatch(target):
        return f"the target {target!r} must be integration.request.{{header|querystring|path}}.NAME"
    if not _METHOD_SOURCE.fullmatch(source):
        return f"invalid mapping expression specified: {source}"
    if undeclared(source, declared):
        return f"invalid mapping expression parameter specified: {source}"
    return None


def undeclared(source: str, declared: Collection[str]) -> bool:
    """Whether a source reads a parameter that the method does not declare."""
    parameter = _METHOD_PARAMETER.fullmatch(source)
    if parameter is None:
        return False
    single = f"method.request.{parameter['where'].removeprefix('multivalue')}.{parameter['name']}"
    return single not in declared and source not in declared


def response_mapping(target: str, source: str, declared: Collection[str]) -> str | None:
    """What is wrong with `method.response.header.X: source`, or None."""
    if not _RESPONSE_TARGET.fullmatch(target):
        return f"the target {target!r} must be method.response.header.NAME"
    if target not in declared:
        return f"invalid mapping expression parameter specified: {target}"
    if not _RESPONSE_SOURCE.fullmatch(source):
        return f"invalid mapping expression specified: {source}"
    return None


def gateway_mapping(target: str, source: str) -> str | None:
    """What is wrong with `gatewayresponse.header.X: source`, or None."""
    if not _GATEWAY_TARGET.fullmatch(target):
        return f"the target {target!r} must be gatewayresponse.header.NAME"
    if not _GATEWAY_SOURCE.fullmatch(source):
        return f"invalid mapping expression specified: {source}"
    return None


def cache_key(source: str) -> str | None:
    """What is wrong with a cache key parameter, or None."""
    if _CACHE_KEY.fullmatch(source):
        return None
    return f"invalid cache key parameter specified: {source}"


def parameter(name: str) -> bool:
    """Whether a parameter may bear the name."""
    return re.fullmatch(_NAME, name) is not None
