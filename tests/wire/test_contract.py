from typing import Any

import msgspec
import pytest
from botocore.parsers import create_parser

from tests.wire.asking import contract, json_request, refusal, request
from torana.message import Reply
from torana.wire import cbor
from torana.wire.faults import ServiceError

COMPREHEND = contract("comprehend")
CLOUDWATCH = contract("cloudwatch")
STS = contract("sts")
FORM = "application/x-www-form-urlencoded; charset=utf-8"
DETECT = "Comprehend_20171127.DetectSentiment"
PARAMS = {"Text": "hello", "LanguageCode": "en"}


def parsed(reply: Reply, protocol: str) -> Any:
    """An error as botocore's parsers see it."""
    answer = {
        "headers": {name.lower(): value for name, value in reply.headers},
        "status_code": reply.status,
        "body": reply.body,
        "context": {},
    }
    parser: Any = create_parser(protocol)
    return parser.parse(answer, None)


def test_json_requests_are_understood() -> None:
    asked = COMPREHEND.read("json", json_request(DETECT, PARAMS))
    assert (asked.operation.name, asked.params) == ("DetectSentiment", PARAMS)


def test_cbor_requests_are_told_by_their_header() -> None:
    path = "/service/Comprehend_20171127/operation/DetectSentiment"
    asked = request(
        target=path,
        body=cbor.encode(PARAMS),
        smithy_protocol="rpc-v2-cbor",
        content_type="application/cbor",
    )
    assert COMPREHEND.protocol_of(asked) == "smithy-rpc-v2-cbor"
    assert COMPREHEND.read("smithy-rpc-v2-cbor", asked).params == PARAMS


@pytest.mark.parametrize(
    ("asked", "protocol"),
    [
        (request(body=b"Action=ListMetrics", content_type=FORM), "query"),
        (request("GET", "/?Action=ListMetrics&Version=2010-08-01"), "query"),
        (json_request("GraniteServiceVersion20100801.ListMetrics", {}), "json"),
        (request(smithy_protocol="rpc-v2-cbor"), "smithy-rpc-v2-cbor"),
        (request(), "json"),
    ],
)
def test_a_service_that_speaks_three_protocols_hears_which(asked: Any, protocol: str) -> None:
    assert CLOUDWATCH.protocol_of(asked) == protocol


def test_an_empty_body_is_an_empty_request() -> None:
    error, _ = refusal(COMPREHEND, request(x_amz_target=DETECT))
    assert error.code == "ValidationException"


def test_members_that_the_model_lacks_are_ignored() -> None:
    asked = COMPREHEND.read("json", json_request(DETECT, {**PARAMS, "Shape": "round"}))
    assert asked.params == PARAMS


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "The request body is not valid JSON"),
        (b"[" * 100_000, "The request body is not valid JSON"),
        (b'{"Text": 5}', "NUMBER_VALUE cannot be converted to String"),
        (b'{"Text": ["a"]}', "Start of list found where not expected"),
        (b'{"Text": {}}', "Start of structure or map found where not expected."),
        (b"[]", "Start of list found where not expected"),
        (b'"a"', "STRING_VALUE cannot be converted to Structure"),
        (b'{"Text": "\xff"}', "The request body is not valid JSON"),
    ],
)
def test_what_is_not_the_shape_is_a_serialization_error(body: bytes, message: str) -> None:
    error, reply = refusal(COMPREHEND, request(body=body, x_amz_target=DETECT))
    assert (error.code, error.message) == ("SerializationException", message)
    assert reply.status == 400


def test_an_integer_must_fit_its_shape() -> None:
    asked = json_request("Comprehend_20171127.ListEndpoints", {"MaxResults": 2**31})
    assert refusal(COMPREHEND, asked)[0].code == "SerializationException"


def test_json_errors_carry_type_and_message_as_the_model_names_it() -> None:
    error = ServiceError("TextSizeLimitExceededException", "too long")
    reply = COMPREHEND.fail("json", error, "request-1")
    assert msgspec.json.decode(reply.body) == {  # pyright: ignore[reportArgumentType]
        "__type": "TextSizeLimitExceededException",
        "Message": "too long",
    }
    assert reply.status == 400
    assert reply.headers.get("x-amzn-requestid") == "request-1"
    assert reply.headers.get("content-type") == "application/x-amz-json-1.1"


def test_a_modelled_fault_has_its_status() -> None:
    reply = COMPREHEND.fail("json", ServiceError("InternalServerException", "x"), "r")
    assert reply.status == 500


@pytest.mark.parametrize("protocol", ["json", "smithy-rpc-v2-cbor"])
def test_botocore_reads_the_errors(protocol: str) -> None:
    error = ServiceError("InvalidRequestException", "no", fields={"Reason": "INVALID_DOCUMENT"})
    reply = COMPREHEND.fail(protocol, error, "request-1")
    found = parsed(reply, protocol)
    assert found["Error"] == {"Code": "InvalidRequestException", "Message": "no"}
    assert found["ResponseMetadata"]["RequestId"] == "request-1"


def test_query_errors_have_an_envelope() -> None:
    reply = STS.fail("query", ServiceError("ExpiredTokenException", "old & <gone>"), "request-1")
    found = parsed(reply, "query")
    assert found["Error"] == {
        "Type": "Sender",
        "Code": "ExpiredTokenException",
        "Message": "old & <gone>",
    }
    assert found["ResponseMetadata"]["RequestId"] == "request-1"
    assert reply.status == 400


def test_query_compatible_services_tell_the_old_code_too() -> None:
    reply = CLOUDWATCH.fail("json", ServiceError("DashboardNotFoundError", "gone"), "r")
    assert reply.headers.get("x-amzn-query-error") == "ResourceNotFound;Sender"
    assert parsed(reply, "json")["Error"]["QueryErrorCode"] == "DashboardNotFoundError"
    assert parsed(reply, "json")["Error"]["Code"] == "ResourceNotFound"


def test_rest_json_errors_name_their_type_in_a_header() -> None:
    error = ServiceError("TooManyRequestsException", "slow down", fields={"retryAfterSeconds": "3"})
    reply = contract("apigateway").fail("rest-json", error, "request-1")
    assert reply.status == 429
    assert reply.headers.get("x-amzn-errortype") == "TooManyRequestsException"
    assert reply.headers.get("retry-after") == "3"
    assert reply.body == b'{"message":"slow down"}'


def test_s3_errors_are_bare() -> None:
    error = ServiceError("NoSuchKey", "The specified key does not exist.", fields={"Key": "a<b"})
    reply = contract("s3").fail("rest-xml", error, "request-1")
    found = parsed(reply, "rest-xml")
    assert found["Error"] == {
        "Code": "NoSuchKey",
        "Message": "The specified key does not exist.",
        "Key": "a<b",
    }
    assert reply.headers.get("x-amz-request-id") == "request-1"


@pytest.mark.parametrize(
    ("name", "asked", "code", "status"),
    [
        (
            "comprehend",
            json_request("Comprehend_20171127.Nothing", {}),
            "UnknownOperationException",
            400,
        ),
        ("comprehend", json_request("Other.DetectSentiment", {}), "UnknownOperationException", 400),
        (
            "comprehend",
            request(target="/service/X/operation/Nothing", smithy_protocol="rpc-v2-cbor"),
            "UnknownOperationException",
            404,
        ),
        ("sts", request(body=b"Action=Nothing", content_type=FORM), "InvalidAction", 400),
        ("apigateway", request("GET", "/nothing"), "UnknownOperationException", 404),
        ("s3", request("PATCH", "/bucket/key"), "MethodNotAllowed", 405),
    ],
)
def test_unknown_operations_are_answered_as_each_service_does(
    name: str, asked: Any, code: str, status: int
) -> None:
    error, reply = refusal(contract(name), asked)
    assert (error.code, reply.status) == (code, status)


def test_query_names_the_operation_it_does_not_find() -> None:
    error, _ = refusal(STS, request(body=b"Action=Nothing", content_type=FORM))
    assert error.message == "Could not find operation Nothing for version 2011-06-15"


def test_an_action_names_what_the_request_does_not() -> None:
    plain = request(body=msgspec.json.encode(PARAMS), content_type="application/json")
    protocol = COMPREHEND.protocol_of(plain, "DetectSentiment")
    assert COMPREHEND.read(protocol, plain, "DetectSentiment").operation.name == "DetectSentiment"


def test_a_target_header_wins_over_the_action() -> None:
    asked = json_request("Comprehend_20171127.DetectDominantLanguage", {"Text": "a"})
    read = COMPREHEND.read("json", asked, "DetectSentiment")
    assert read.operation.name == "DetectDominantLanguage"


def test_a_query_services_action_takes_the_query_string() -> None:
    asked = request("GET", "/?RoleArn=arn:aws:iam::123456789012:role/x&RoleSessionName=name")
    read = STS.read(STS.protocol_of(asked, "AssumeRole"), asked, "AssumeRole")
    assert read.params["RoleSessionName"] == "name"


@pytest.mark.parametrize(
    "body",
    [
        b"<CreateBucketConfiguration>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        b"<a>" * 500,
        b"not xml",
    ],
)
def test_bad_xml_is_malformed_xml(body: bytes) -> None:
    error, reply = refusal(contract("s3"), request("PUT", "/bucket", body))
    assert (error.code, reply.status) == ("MalformedXML", 400)


def test_a_service_of_the_ec2_protocol_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="ec2 speaks only ec2"):
        contract("ec2")
