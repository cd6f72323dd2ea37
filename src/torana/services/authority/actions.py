"""What an operation is called in policies. Mostly its own name, behind the service's prefix.

Source: Service Authorization Reference, "Actions" of each service.
"""

from collections.abc import Mapping

from torana.wire.contract import Asked

PREFIXES: Mapping[str, str] = {
    "apigatewayv2": "apigateway",
    "apigatewaymanagementapi": "execute-api",
    "bedrock-runtime": "bedrock",
    "cloudwatch": "cloudwatch",
    "lexv2-models": "lex",
    "lexv2-runtime": "lex",
    "lex-runtime": "lex",
    "lex-models": "lex",
    "personalize-events": "personalize",
    "personalize-runtime": "personalize",
    "resourcegroupstaggingapi": "tag",
    "sagemaker-runtime": "sagemaker",
    "stepfunctions": "states",
}
"""By botocore's name, where the prefix is not what the service signs as."""

_ACTIONS: Mapping[str, Mapping[str, str]] = {
    "bedrock": {
        "Converse": "InvokeModel",
        "ConverseStream": "InvokeModelWithResponseStream",
    },
    "kms": {"ReEncrypt": "ReEncryptFrom"},
    "lambda": {
        "Invoke": "InvokeFunction",
        "InvokeAsync": "InvokeFunction",
        "InvokeWithResponseStream": "InvokeFunction",
    },
    "s3": {
        "ListBuckets": "ListAllMyBuckets",
        "HeadBucket": "ListBucket",
        "ListObjects": "ListBucket",
        "ListObjectsV2": "ListBucket",
        "ListObjectVersions": "ListBucketVersions",
        "ListMultipartUploads": "ListBucketMultipartUploads",
        "ListParts": "ListMultipartUploadParts",
        "HeadObject": "GetObject",
        "SelectObjectContent": "GetObject",
        "CopyObject": "PutObject",
        "CreateMultipartUpload": "PutObject",
        "UploadPart": "PutObject",
        "UploadPartCopy": "PutObject",
        "CompleteMultipartUpload": "PutObject",
        "DeleteObjects": "DeleteObject",
        "GetBucketCors": "GetBucketCORS",
        "PutBucketCors": "PutBucketCORS",
        "DeleteBucketCors": "PutBucketCORS",
        "GetBucketEncryption": "GetEncryptionConfiguration",
        "PutBucketEncryption": "PutEncryptionConfiguration",
        "DeleteBucketEncryption": "PutEncryptionConfiguration",
        "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
        "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
        "DeleteBucketLifecycle": "PutLifecycleConfiguration",
        "GetBucketNotificationConfiguration": "GetBucketNotification",
        "PutBucketNotificationConfiguration": "PutBucketNotification",
        "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
        "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
        "DeleteBucketTagging": "PutBucketTagging",
    },
    "sqs": {
        "SendMessageBatch": "SendMessage",
        "DeleteMessageBatch": "DeleteMessage",
        "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    },
    "execute-api": {
        "PostToConnection": "ManageConnections",
        "GetConnection": "ManageConnections",
        "DeleteConnection": "ManageConnections",
    },
}
_VERSIONED = frozenset({"GetObject", "DeleteObject", "GetObjectTagging", "PutObjectTagging"})

FREE = frozenset(
    {
        "sts:GetCallerIdentity",
        "sts:GetSessionToken",
        "sts:AssumeRole",
        "sts:AssumeRoleWithWebIdentity",
    }
)
"""Needs no permission, or is judged by the service itself."""


def prefix_of(service: str, signs_as: str) -> str:
    """What stands before the colon."""
    return PREFIXES.get(service, signs_as)


def action_of(prefix: str, asked: Asked) -> str:
    """`service:Action`."""
    operation = asked.operation
    if prefix == "apigateway":
        return f"apigateway:{operation.http.method}"
    name = _ACTIONS.get(prefix, {}).get(operation.name, operation.name)
    if prefix == "s3" and name in _VERSIONED and asked.params.get("VersionId"):
        name = name.replace("Object", "ObjectVersion", 1)
    return f"{prefix}:{name}"
