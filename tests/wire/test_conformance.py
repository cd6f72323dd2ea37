"""Every operation of some services, against botocore's own serializers and parsers."""

from typing import Any

import pytest

from tests.wire.samples import (
    Samples,
    botocore_model,
    plain_value,
    read_by_botocore,
    sent_by_botocore,
)
from torana.wire.contract import PROTOCOLS, Asked
from torana.wire.model import Operation, Service, load

SPOKEN = [
    ("apigateway", "rest-json"),
    ("apigatewayv2", "rest-json"),
    ("cloudwatch", "json"),
    ("cloudwatch", "query"),
    ("cloudwatch", "smithy-rpc-v2-cbor"),
    ("cloudfront", "rest-xml"),
    ("comprehend", "json"),
    ("comprehend", "smithy-rpc-v2-cbor"),
    ("dynamodb", "json"),
    ("iam", "query"),
    ("lambda", "rest-json"),
    ("lex-runtime", "rest-json"),
    ("polly", "rest-json"),
    ("route53", "rest-xml"),
    ("s3", "rest-xml"),
    ("sns", "query"),
    ("sqs", "json"),
    ("sts", "query"),
    ("translate", "json"),
    ("translate", "smithy-rpc-v2-cbor"),
    ("workspaces-web", "rest-json"),
]
SEEDS = (1, 2)
# Told from another operation by the host alone.
BY_HOST = {"ListDirectoryBuckets", "WriteGetObjectResponse"}


def operations(service: Service) -> list[Operation]:
    """Those that travel as one message each way."""
    return [
        operation
        for operation in service.operations.values()
        if not operation.deprecated
        and operation.name not in BY_HOST
        and not streams_events(service, operation)
    ]


def streams_events(service: Service, operation: Operation) -> bool:
    return any(
        service.shapes[ref.shape].eventstream
        for use in (operation.input, operation.output)
        if use is not None
        for ref in service.shapes[use.shape].members.values()
    )


@pytest.mark.parametrize(("name", "protocol"), SPOKEN)
def test_what_botocore_sends_is_read_back(name: str, protocol: str) -> None:
    service = load(name)
    wire = PROTOCOLS[protocol](service)
    different: list[Any] = []
    for operation in operations(service):
        for seed in SEEDS:
            params = Samples(service, seed).of(operation.input)
            model = botocore_model(name).operation_model(operation.name)
            request = sent_by_botocore(model, protocol, params)
            found, labels = wire.find(request)
            read = wire.read(operation, labels, request)
            if found != operation.name or plain_value(read) != params:
                different.append((operation.name, found, params, read))
    assert different == []


@pytest.mark.parametrize(("name", "protocol"), SPOKEN)
def test_what_is_answered_is_read_back_by_botocore(name: str, protocol: str) -> None:
    service = load(name)
    wire = PROTOCOLS[protocol](service)
    different: list[Any] = []
    for operation in operations(service):
        if operation.name == "GetBucketLocation":
            continue  # botocore's own parser cannot read it either: a hook of its client does
        for seed in SEEDS:
            output = Samples(service, seed).of(operation.output)
            model = botocore_model(name).operation_model(operation.name)
            asked = Asked(operation, {}, protocol)
            reply = wire.write(asked.operation, output, "request-1")
            read = read_by_botocore(model, protocol, reply)
            if {key: value for key, value in read.items() if value not in (None, [], {})} != output:
                different.append((operation.name, output, read, reply))
    assert different == []
