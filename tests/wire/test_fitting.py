"""Bodies that are read and checked in one go, beside what the long way makes of them."""

from typing import Any

import msgspec
import pytest

from tests.wire.asking import contract, refusal, request
from tests.wire.samples import Samples
from torana.wire.fitting import fit
from torana.wire.model import Service, load
from torana.wire.protocols.json_rpc import JsonRpc
from torana.wire.tree import JSON_OUT, Trees
from torana.wire.validate import Validators

SERVICES = ("cloudwatch", "comprehend", "kms", "logs", "sagemaker", "sqs", "ssm", "translate")
COMPREHEND = load("comprehend")
DETECT = "DetectSentimentRequest"
FITS = fit(COMPREHEND.shapes, DETECT)


def long_way(service: Service, name: str, body: bytes) -> dict[str, Any] | None:
    """The params; None where something is wrong with them."""
    operation = service.operations[name]
    assert operation.input is not None
    params = JsonRpc(service).read(operation, {}, request(body=body))
    check = Validators(service.shapes).of(operation.input.shape)
    violations: list[str] = []
    if check is not None:
        check(params, "", violations)
    return None if violations else params


@pytest.mark.parametrize("name", SERVICES)
def test_what_fits_is_what_the_long_way_reads(name: str) -> None:
    service = load(name)
    trees = Trees(service.shapes, JSON_OUT, reading=False)
    found = 0
    for operation in service.operations.values():
        read = fit(service.shapes, operation.input.shape) if operation.input else None
        if read is None or operation.input is None:
            continue
        for seed in range(4):
            sample = Samples(service, seed).of(operation.input)
            body = msgspec.json.encode(trees.of(operation.input)(sample))
            expected = long_way(service, operation.name, body)
            assert read(body) == expected, operation.name
            found += expected is not None
    assert found


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"Text": "a"}',
        b'{"Text": "", "LanguageCode": "en"}',
        b'{"Text": 1, "LanguageCode": "en"}',
        b'{"Text": "a", "LanguageCode": "xx"}',
        b'{"Text": "a", "LanguageCode": null}',
        b'{"Text": "a", "LanguageCode": "en"',
        b'{"Text": "a", "LanguageCode": "en", "More": "\xff"}',
    ],
)
def test_what_may_be_wrong_is_left_to_the_long_way(body: bytes) -> None:
    assert FITS is not None
    assert FITS(body) is None


def test_members_that_are_not_known_are_let_be() -> None:
    assert FITS is not None
    body = b'{"Text": "a", "More": [1, {}], "LanguageCode": "en"}'
    assert FITS(body) == {"Text": "a", "LanguageCode": "en"}


@pytest.mark.parametrize(
    ("service", "shape", "why"),
    [
        ("comprehend", "ClassifyDocumentRequest", "blobs"),
        ("comprehend", "DescribeEndpointRequest", "patterns"),
        ("dynamodb", "PutItemInput", "values within values"),
        ("polly", "DescribeVoicesInput", "members outside of the body"),
    ],
)
def test_no_type_stands_for_what_it_cannot_say(service: str, shape: str, why: str) -> None:
    assert fit(load(service).shapes, shape) is None, why


def test_refusals_are_in_the_services_words() -> None:
    asked = request(body=b'{"Text": 1, "LanguageCode": "en"}', content_type="application/json")
    error, _ = refusal(contract("comprehend"), asked, "DetectSentiment")
    assert error.code == "SerializationException"
    assert error.message == "NUMBER_VALUE cannot be converted to String"
