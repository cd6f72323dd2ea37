"""Uploads from forms whose policy boto3 signed, sent as a browser sends them."""

import base64
import json
from collections.abc import Generator
from typing import Any

import httpx
import pytest

from tests.services.running import services


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Generator[Any]:
    with services(tmp_path_factory.mktemp("post")) as clients:
        client = clients("s3")
        client.create_bucket(Bucket="forms")
        yield client


def send(
    s3: Any,
    key: str,
    content: bytes = b"hello",
    conditions: list[Any] | None = None,
    seconds: int = 60,
    *,
    changed: dict[str, str] | None = None,
    fields: dict[str, str] | None = None,
) -> httpx.Response:
    """`changed`: fields that are sent otherwise than they were signed."""
    made = s3.generate_presigned_post(
        "forms",
        key,
        Fields=fields,
        Conditions=(conditions or []) + [{name: value} for name, value in (fields or {}).items()],
        ExpiresIn=seconds,
    )
    data = {**made["fields"], **(changed or {})}
    return httpx.post(made["url"], data=data, files={"file": ("a name.txt", content)})


def test_a_form_uploads_what_its_policy_allows(s3: Any) -> None:
    content = bytes(range(256)) * 50 + b"\r\n--x\r\n\r\n"
    reply = send(
        s3,
        "in/${filename}",
        content,
        fields={"Content-Type": "image/png", "x-amz-meta-from": "a browser", "tagging": "a=1"},
    )
    assert (reply.status_code, reply.content) == (204, b"")
    found = s3.get_object(Bucket="forms", Key="in/a name.txt")
    assert found["Body"].read() == content
    assert (found["ContentType"], found["Metadata"]) == ("image/png", {"from": "a browser"})
    assert (found["TagCount"], reply.headers["etag"]) == (1, found["ETag"])


def test_the_answer_is_as_the_form_asks(s3: Any) -> None:
    reply = send(s3, "made", fields={"success_action_status": "201"})
    assert (reply.status_code, "<Key>made</Key>" in reply.text) == (201, True)
    reply = send(s3, "sent", fields={"success_action_redirect": "https://example.com/done?x=1"})
    assert reply.status_code == 303
    place = "https://example.com/done?x=1&bucket=forms&key=sent"
    assert reply.headers["location"].startswith(place)


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        ({"changed": {"key": "other"}}, 403, "Policy Condition failed"),
        ({"changed": {"acl": "private"}}, 403, "Extra input fields: acl"),
        ({"changed": {"x-amz-signature": "0" * 64}}, 403, "SignatureDoesNotMatch"),
        ({"changed": {"x-amz-credential": "AKIANOBODY/20200101/us-east-1/s3/aws4_request"}}, 403,
         "InvalidAccessKeyId"),
        ({"changed": {"policy": "e30="}}, 403, "SignatureDoesNotMatch"),
        ({"seconds": -1}, 403, "Policy expired"),
        ({"conditions": [["content-length-range", 1, 4]]}, 400, "EntityTooLarge"),
        ({"conditions": [["content-length-range", 9, 20]]}, 400, "EntityTooSmall"),
        ({"conditions": [["maybe", "$key", "x"]]}, 400, "Invalid Condition"),
    ],
)  # fmt: skip
def test_a_form_that_its_policy_does_not_allow_is_refused(
    s3: Any, given: dict[str, Any], status: int, words: str
) -> None:
    reply = send(s3, "refused", **given)
    assert (reply.status_code, words in reply.text) == (status, True), reply.text
    assert "refused" not in [
        each["Key"] for each in s3.list_objects_v2(Bucket="forms").get("Contents", [])
    ]


def test_a_form_without_a_file_or_a_policy_is_refused(s3: Any) -> None:
    url = f"{s3.meta.endpoint_url}/forms"
    reply = httpx.post(url, data={"key": "k"}, files={"other": b"x"})
    assert (reply.status_code, "exactly one file" in reply.text) == (400, True)
    reply = httpx.post(url, data={"key": "k"}, files={"file": b"x"})
    assert (reply.status_code, "must be signed" in reply.text) == (403, True)


def test_a_starting_text_is_enough_where_the_policy_says_so(s3: Any) -> None:
    made = s3.generate_presigned_post(
        "forms", "u/${filename}", Conditions=[["starts-with", "$Content-Type", "image/"]]
    )
    policy = json.loads(base64.b64decode(made["fields"]["policy"]))
    assert ["starts-with", "$key", "u/"] in policy["conditions"]
    for kind, status in (("image/gif", 204), ("text/html", 403)):
        data = {**made["fields"], "Content-Type": kind}
        reply = httpx.post(made["url"], data=data, files={"file": ("x", b"1")})
        assert reply.status_code == status
