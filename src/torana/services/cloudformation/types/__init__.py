"""The types of resources that a template may have: one service a file, one row a type."""

from collections.abc import Mapping

from torana.services.cloudformation.types import (
    apigateway,
    apigatewayv2,
    cognito,
    iam,
    lambda_,
    messaging,
    stacks,
    storage,
    watching,
)
from torana.services.cloudformation.types.kind import Kind, Made, Task

_BY_PREFIX: Mapping[str, Mapping[str, Kind]] = {
    "AWS::ApiGateway": apigateway.TYPES,
    "AWS::ApiGatewayV2": apigatewayv2.TYPES,
    "AWS::CDK": stacks.CDK,
    "AWS::CloudFormation": stacks.CLOUDFORMATION,
    "AWS::CloudWatch": watching.CLOUDWATCH,
    "AWS::Cognito": cognito.TYPES,
    "AWS::IAM": iam.TYPES,
    "AWS::KMS": storage.KMS,
    "AWS::Lambda": lambda_.TYPES,
    "AWS::Logs": storage.LOGS,
    "AWS::S3": storage.S3,
    "AWS::SageMaker": watching.SAGEMAKER,
    "AWS::SNS": messaging.SNS,
    "AWS::SQS": messaging.SQS,
    "AWS::SSM": storage.SSM,
    "AWS::WAFv2": watching.WAFV2,
}

TYPES: Mapping[str, Kind] = {
    f"{prefix}::{name}": kind
    for prefix, kinds in _BY_PREFIX.items()
    for name, kind in kinds.items()
}
"""By the names that templates have for them."""

__all__ = ["TYPES", "Kind", "Made", "Task"]
