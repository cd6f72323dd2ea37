"""The types of resources that a template may have: one service a file, one row a type."""

from collections.abc import Mapping

from torana.services.cloudformation.types import apigateway, apigatewayv2
from torana.services.cloudformation.types.kind import Kind, Made, Task

_BY_PREFIX: Mapping[str, Mapping[str, Kind]] = {
    "AWS::ApiGateway": apigateway.TYPES,
    "AWS::ApiGatewayV2": apigatewayv2.TYPES,
}

TYPES: Mapping[str, Kind] = {
    f"{prefix}::{name}": kind
    for prefix, kinds in _BY_PREFIX.items()
    for name, kind in kinds.items()
}
"""By the names that templates have for them."""

__all__ = ["TYPES", "Kind", "Made", "Task"]
