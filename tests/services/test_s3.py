"""S3 over the object store on disk, through boto3 and plain HTTP."""

import hashlib
import http.client
import io
import urllib.error
import urllib.request
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.services.running import services

MB = 1024 * 1024


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Generator[Any]:
    with services(tmp_path_factory.mktemp("s3")) as clients:
        client = clients("s3")
        client.create_bucket(
            Bucket="things", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        yield client


def error_of(failure: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    response: Any = failure.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def content_of(s3: Any, key: str, **more: Any) -> bytes:
    return s3.get_object(Bucket="things", Key=key, **more)["Body"].read()


def test_an_object_comes_back_with_all_that_was_said_of_it(s3: Any) -> None:
    put = s3.put_object(
        Bucket="things",
        Key="a/b c+ü.txt",
        Body=b"hello",
        ContentType="text/plain",
        CacheControl="max-age=60",
        Metadata={"Colour": "blue"},
    )
    assert put["ETag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'
    got = s3.get_object(Bucket="things", Key="a/b c+ü.txt")
    assert got["Body"].read() == b"hello"
    assert (got["ContentType"], got["CacheControl"]) == ("text/plain", "max-age=60")
    assert got["Metadata"] == {"colour": "blue"}
    assert got["ETag"] == put["ETag"]
    head = s3.head_object(Bucket="things", Key="a/b c+ü.txt")
    assert head["ContentLength"] == 5
    assert abs(head["LastModified"] - datetime.now(UTC)) < timedelta(minutes=1)


def test_empty_objects_are_objects(s3: Any) -> None:
    s3.put_object(Bucket="things", Key="empty")
    assert content_of(s3, "empty") == b""


@pytest.mark.parametrize(
    ("asked", "expected", "told"),
    [
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=8-100", b"89", "bytes 8-9/10"),
    ],
)
def test_ranges_are_parts_of_the_object(s3: Any, asked: str, expected: bytes, told: str) -> None:
    s3.put_object(Bucket="things", Key="digits", Body=b"0123456789")
    got = s3.get_object(Bucket="things", Key="digits", Range=asked)
    assert got["Body"].read() == expected
    assert got["ContentRange"] == told
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206


def test_a_range_beyond_the_end_cannot_be_satisfied(s3: Any) -> None:
    s3.put_object(Bucket="things", Key="digits", Body=b"0123456789")
    with pytest.raises(ClientError) as failure:
        s3.get_object(Bucket="things", Key="digits", Range="bytes=10-")
    assert error_of(failure) == ("InvalidRange", 416)


def test_conditions_are_heeded(s3: Any) -> None:
    etag = s3.put_object(Bucket="things", Key="cond", Body=b"1")["ETag"]
    assert content_of(s3, "cond", IfMatch=etag) == b"1"
    for condition, expected in (
        ({"IfNoneMatch": etag}, ("304", 304)),
        ({"IfMatch": '"other"'}, ("PreconditionFailed", 412)),
        ({"IfModifiedSince": datetime.now(UTC) + timedelta(hours=1)}, ("304", 304)),
    ):
        with pytest.raises(ClientError) as failure:
            s3.get_object(Bucket="things", Key="cond", **condition)
        assert error_of(failure) == expected
    with pytest.raises(ClientError) as failure:
        s3.put_object(Bucket="things", Key="cond", Body=b"2", IfNoneMatch="*")
    assert error_of(failure) == ("PreconditionFailed", 412)
    assert content_of(s3, "cond") == b"1"


def test_a_large_body_goes_through_in_parts_and_comes_back_whole(s3: Any) -> None:
    data = hashlib.shake_256(b"seed").digest(17 * MB)
    config = TransferConfig(multipart_threshold=5 * MB, multipart_chunksize=6 * MB)
    s3.upload_fileobj(io.BytesIO(data), "things", "large", Config=config)
    head = s3.head_object(Bucket="things", Key="large")
    assert head["ContentLength"] == len(data)
    parts = [data[at : at + 6 * MB] for at in range(0, len(data), 6 * MB)]
    digests = b"".join(hashlib.md5(part).digest() for part in parts)
    assert head["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-3"'
    back = io.BytesIO()
    s3.download_fileobj("things", "large", back, Config=config)
    assert back.getvalue() == data
    assert (
        content_of(s3, "large", Range=f"bytes={6 * MB - 2}-{6 * MB + 1}")
        == data[6 * MB - 2 : 6 * MB + 2]
    )


def test_a_body_over_the_limit_of_other_services_is_streamed(s3: Any) -> None:
    data = bytes(20 * MB)
    s3.put_object(Bucket="things", Key="one-put", Body=io.BytesIO(data))
    assert s3.head_object(Bucket="things", Key="one-put")["ContentLength"] == len(data)


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_checksums_are_verified_kept_and_given_back(s3: Any, algorithm: str) -> None:
    put = s3.put_object(Bucket="things", Key="sum", Body=b"data", ChecksumAlgorithm=algorithm)
    head = s3.head_object(Bucket="things", Key="sum", ChecksumMode="ENABLED")
    assert head[f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"]
    assert content_of(s3, "sum", ChecksumMode="ENABLED") == b"data"


def test_a_body_that_is_not_what_it_says_leaves_nothing_behind(s3: Any) -> None:
    with pytest.raises(ClientError) as failure:
        s3.put_object(Bucket="things", Key="bad", Body=b"data", ChecksumCRC32="AAAAAA==")
    assert error_of(failure) == ("BadDigest", 400)
    with pytest.raises(ClientError) as failure:
        s3.head_object(Bucket="things", Key="bad")
    assert error_of(failure) == ("404", 404)


def test_the_checksum_of_joined_parts_is_that_of_the_whole(s3: Any) -> None:
    whole = s3.put_object(
        Bucket="things", Key="whole", Body=bytes(6 * MB), ChecksumAlgorithm="CRC64NVME"
    )
    made = s3.create_multipart_upload(Bucket="things", Key="j", ChecksumAlgorithm="CRC64NVME")
    names = {"Bucket": "things", "Key": "j", "UploadId": made["UploadId"]}
    with pytest.raises(ClientError) as failure:
        s3.upload_part(**names, PartNumber=1, Body=b"x", ChecksumAlgorithm="SHA1")
    assert error_of(failure) == ("InvalidRequest", 400)
    parts: list[dict[str, Any]] = []
    for number, body in ((1, bytes(5 * MB)), (2, bytes(MB))):
        sent = s3.upload_part(**names, PartNumber=number, Body=body, ChecksumAlgorithm="CRC64NVME")
        parts.append({"PartNumber": number, "ETag": sent["ETag"]})
    done = s3.complete_multipart_upload(**names, MultipartUpload={"Parts": parts})
    assert done["ChecksumCRC64NVME"] == whole["ChecksumCRC64NVME"]


def test_uploads_keep_their_order_and_their_rules(s3: Any) -> None:
    made = s3.create_multipart_upload(Bucket="things", Key="parts")
    names = {"Bucket": "things", "Key": "parts", "UploadId": made["UploadId"]}
    first = s3.upload_part(**names, PartNumber=1, Body=b"small")["ETag"]
    second = s3.upload_part(**names, PartNumber=2, Body=b"last")["ETag"]
    listed = s3.list_parts(**names)
    assert [(p["PartNumber"], p["Size"]) for p in listed["Parts"]] == [(1, 5), (2, 4)]
    under_way = s3.list_multipart_uploads(Bucket="things", Prefix="par")["Uploads"]
    assert [upload["Key"] for upload in under_way] == ["parts"]
    one, two = {"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": second}
    for parts, code in (
        ([one, two], "EntityTooSmall"),
        ([two, one], "InvalidPartOrder"),
        ([{"PartNumber": 3, "ETag": first}], "InvalidPart"),
    ):
        with pytest.raises(ClientError) as failure:
            s3.complete_multipart_upload(**names, MultipartUpload={"Parts": parts})
        assert error_of(failure) == (code, 400)
    s3.abort_multipart_upload(**names)
    with pytest.raises(ClientError) as failure:
        s3.list_parts(**names)
    assert error_of(failure) == ("NoSuchUpload", 404)


def test_a_copy_outlives_its_source(s3: Any) -> None:
    s3.put_object(Bucket="things", Key="from", Body=b"original", Metadata={"a": "1"})
    s3.copy_object(Bucket="things", Key="to", CopySource="things/from")
    s3.put_object(Bucket="things", Key="from", Body=b"changed")
    s3.delete_object(Bucket="things", Key="from")
    got = s3.get_object(Bucket="things", Key="to")
    assert (got["Body"].read(), got["Metadata"]) == (b"original", {"a": "1"})
    s3.copy_object(
        Bucket="things",
        Key="to",
        CopySource="things/to",
        MetadataDirective="REPLACE",
        Metadata={"b": "2"},
    )
    assert s3.head_object(Bucket="things", Key="to")["Metadata"] == {"b": "2"}


def test_listings_roll_up_and_go_on_where_they_stopped(s3: Any) -> None:
    s3.create_bucket(Bucket="listed")
    keys = ["a", "b/1", "b/2", "b/c/3", "d", "z/1", "é"]
    for key in keys:
        s3.put_object(Bucket="listed", Key=key, Body=b"x")
    pages = s3.get_paginator("list_objects_v2")
    everything = pages.paginate(Bucket="listed", PaginationConfig={"PageSize": 2})
    assert [c["Key"] for page in everything for c in page["Contents"]] == keys
    for operation in ("list_objects_v2", "list_objects"):
        found: list[str] = []
        for page in s3.get_paginator(operation).paginate(
            Bucket="listed", Delimiter="/", PaginationConfig={"PageSize": 1}
        ):
            found += [c["Key"] for c in page.get("Contents", [])]
            found += [p["Prefix"] for p in page.get("CommonPrefixes", [])]
        assert found == ["a", "b/", "d", "z/", "é"]
    under = s3.list_objects_v2(Bucket="listed", Prefix="b/", Delimiter="/")
    assert [c["Key"] for c in under["Contents"]] == ["b/1", "b/2"]
    assert [p["Prefix"] for p in under["CommonPrefixes"]] == ["b/c/"]
    after = s3.list_objects_v2(Bucket="listed", StartAfter="b/2")
    assert [c["Key"] for c in after["Contents"]] == ["b/c/3", "d", "z/1", "é"]


def test_a_bucket_goes_only_when_it_is_empty(s3: Any) -> None:
    s3.create_bucket(Bucket="gone")
    s3.put_object(Bucket="gone", Key="x", Body=b"x")
    with pytest.raises(ClientError) as failure:
        s3.delete_bucket(Bucket="gone")
    assert error_of(failure) == ("BucketNotEmpty", 409)
    done = s3.delete_objects(Bucket="gone", Delete={"Objects": [{"Key": "x"}, {"Key": "no"}]})
    assert [each["Key"] for each in done["Deleted"]] == ["x", "no"]
    s3.delete_bucket(Bucket="gone")
    with pytest.raises(ClientError) as failure:
        s3.list_objects_v2(Bucket="gone")
    assert error_of(failure) == ("NoSuchBucket", 404)


def test_buckets_say_where_they_are(s3: Any) -> None:
    assert s3.get_bucket_location(Bucket="things")["LocationConstraint"] == "eu-west-1"
    assert "things" in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    assert s3.head_bucket(Bucket="things")["BucketRegion"] == "eu-west-1"
    with pytest.raises(ClientError) as failure:
        s3.create_bucket(Bucket="things")
    assert error_of(failure) == ("BucketAlreadyOwnedByYou", 409)


def test_what_is_not_there_is_refused_by_name(s3: Any) -> None:
    with pytest.raises(ClientError) as failure:
        s3.put_object(Bucket="things", Key="x", Body=b"x", ServerSideEncryption="aws:kms")
    assert error_of(failure) == ("NotImplemented", 501)
    assert "ServerSideEncryption" in str(failure.value)
    with pytest.raises(ClientError) as failure:
        s3.put_object(Bucket="things", Key="k" * 1025, Body=b"x")
    assert error_of(failure) == ("KeyTooLongError", 400)


def test_presigned_addresses_put_and_get(s3: Any) -> None:
    where = {"Bucket": "things", "Key": "signed.txt"}
    put = s3.generate_presigned_url("put_object", where)
    request = urllib.request.Request(put, b"by anybody", {"Content-Type": "text/x"}, method="PUT")
    with urllib.request.urlopen(request) as reply:
        assert reply.status == 200
    get = s3.generate_presigned_url(
        "get_object", {**where, "ResponseContentDisposition": "attachment"}
    )
    with urllib.request.urlopen(get) as reply:
        assert reply.read() == b"by anybody"
        assert reply.headers["Content-Disposition"] == "attachment"
    with pytest.raises(urllib.error.HTTPError) as failure:
        urllib.request.urlopen(get.replace("signed.txt", "large"))
    assert failure.value.code == 403
    failure.value.close()


def sign(s3: Any, request: AWSRequest) -> None:
    own = s3._request_signer._credentials
    S3SigV4Auth(Credentials(own.access_key, own.secret_key), "s3", "eu-west-1").add_auth(request)


def signed(s3: Any, method: str, host: str, path: str, body: bytes, **headers: str) -> int:
    """Send a request signed for `host` to the listener; its status."""
    request = AWSRequest(method, f"http://{host}{path}", data=body, headers=headers)
    sign(s3, request)
    port = urlsplit(str(s3.meta.endpoint_url)).port
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request(method, path, body, {**dict(request.headers), "Host": host})
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize("host", ["things.localhost:9", "things.s3.eu-west-1.amazonaws.com"])
def test_a_bucket_may_be_named_in_the_host(s3: Any, host: str) -> None:
    assert signed(s3, "PUT", host, "/by/host.txt", b"virtual") == 200
    assert content_of(s3, "by/host.txt") == b"virtual"


def test_a_body_other_than_the_signed_one_is_refused(s3: Any) -> None:
    request = AWSRequest("PUT", f"{s3.meta.endpoint_url}/things/forged", data=b"signed")
    sign(s3, request)
    headers = dict(request.headers)
    sent = urllib.request.Request(str(request.url), b"forged", headers, method="PUT")
    with pytest.raises(urllib.error.HTTPError) as failure:
        urllib.request.urlopen(sent)
    assert b"XAmzContentSHA256Mismatch" in failure.value.read()
    failure.value.close()
    with pytest.raises(ClientError):
        s3.head_object(Bucket="things", Key="forged")
