"""What happens to objects is told to queues, topics and functions; tags of objects and buckets."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false
# pyright: reportTypedDictNotRequiredAccess=false

import io
import json
from collections.abc import Generator
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from tests.services.lex.bots import function
from tests.services.running import Clients, services

QUEUE = "arn:aws:sqs:eu-west-1:000000000000:events"


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Generator[Clients]:
    with services(tmp_path_factory.mktemp("notices")) as found:
        found("sqs").create_queue(QueueName="events")
        yield found


@pytest.fixture
def bucket(clients: Clients, request: pytest.FixtureRequest) -> str:
    name = request.node.name.replace("_", "-")[-40:].strip("-")
    clients("s3").create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    return name


class Told:
    """What is in the queue."""

    def __init__(self, clients: Clients) -> None:
        self._sqs = clients("sqs")
        self._url = self._sqs.get_queue_url(QueueName="events")["QueueUrl"]

    def __call__(self) -> Any:
        got = self._sqs.receive_message(QueueUrl=self._url, WaitTimeSeconds=8)
        message = got["Messages"][0]
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return json.loads(message["Body"])

    def event(self) -> tuple[str, dict[str, Any]]:
        record = self()["Records"][0]
        return record["eventName"], record["s3"]


def wanted(*events: str, **rules: str) -> dict[str, Any]:
    given: dict[str, Any] = {"Id": "mine", "QueueArn": QUEUE, "Events": list(events)}
    if rules:
        named = [{"Name": name, "Value": value} for name, value in rules.items()]
        given["Filter"] = {"Key": {"FilterRules": named}}
    return {"QueueConfigurations": [given]}


def test_a_queue_is_told_what_is_made_and_removed(clients: Clients, bucket: str) -> None:
    s3, told = clients("s3"), Told(clients)
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration=wanted("s3:ObjectCreated:*", "s3:ObjectRemoved:Delete"),
    )
    test = told()
    assert (test["Event"], test["Bucket"]) == ("s3:TestEvent", bucket)
    s3.put_object(Bucket=bucket, Key="a b/ü.txt", Body=b"hello")
    name, found = told.event()
    assert (name, found["bucket"]["name"]) == ("ObjectCreated:Put", bucket)
    assert found["object"]["key"] == "a+b/%C3%BC.txt"
    assert (found["object"]["size"], found["configurationId"]) == (5, "mine")
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/a b/ü.txt")
    assert told.event()[0] == "ObjectCreated:Copy"
    config = TransferConfig(multipart_threshold=1, multipart_chunksize=5 * 1024 * 1024)
    s3.upload_fileobj(io.BytesIO(b"x" * 6_000_000), bucket, "parts", Config=config)
    name, found = told.event()
    assert (name, found["object"]["size"]) == ("ObjectCreated:CompleteMultipartUpload", 6_000_000)
    s3.delete_object(Bucket=bucket, Key="nothing")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "parts"}]})
    name, found = told.event()
    assert (name, found["object"]["key"]) == ("ObjectRemoved:Delete", "parts")


def test_a_filter_lets_through_what_it_names(clients: Clients, bucket: str) -> None:
    s3, told = clients("s3"), Told(clients)
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration=wanted("s3:ObjectCreated:Put", prefix="in/", suffix=".csv"),
    )
    told()
    for key in ("in/a.txt", "out/a.csv", "in/a.csv"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"1")
    s3.copy_object(Bucket=bucket, Key="in/b.csv", CopySource=f"{bucket}/in/a.csv")
    s3.put_object(Bucket=bucket, Key="in/c.csv", Body=b"1")
    keys = {told.event()[1]["object"]["key"] for _ in range(2)}
    assert keys == {"in/a.csv", "in/c.csv"}
    found = s3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"]
    assert (
        found == wanted("s3:ObjectCreated:Put", prefix="in/", suffix=".csv")["QueueConfigurations"]
    )
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    answer = s3.get_bucket_notification_configuration(Bucket=bucket)
    assert "QueueConfigurations" not in answer


def test_topics_and_functions_are_told_too(clients: Clients, bucket: str) -> None:
    s3, told, sns = clients("s3"), Told(clients), clients("sns")
    topic = sns.create_topic(Name="objects")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUE)
    arn = function(clients, "told", "def handler(event, context):\n    return 1\n")
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}],
            "LambdaFunctionConfigurations": [
                {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}
            ],
        },
    )
    assert json.loads(told()["Message"])["Event"] == "s3:TestEvent"
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    record = json.loads(told()["Message"])["Records"][0]
    assert record["s3"]["object"]["key"] == "k"


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ({"QueueArn": f"{QUEUE}-none", "Events": ["s3:ObjectCreated:*"]}, "Unable to validate"),
        ({"QueueArn": QUEUE, "Events": ["s3:Replication:*"]}, "not implemented"),
    ],
)
def test_targets_and_events_that_are_not_here_are_refused(
    clients: Clients, target: dict[str, Any], words: str
) -> None:
    s3 = clients("s3")
    if "refusing" not in [each["Name"] for each in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket="refusing")
    with pytest.raises(ClientError, match=words):
        s3.put_bucket_notification_configuration(
            Bucket="refusing", NotificationConfiguration={"QueueConfigurations": [target]}
        )


def tags(answer: dict[str, Any]) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in answer["TagSet"]}


def test_objects_have_tags(clients: Clients, bucket: str) -> None:
    s3 = clients("s3")
    s3.put_object(
        Bucket=bucket, Key="a", Body=b"1", Tagging="team=a%20b&stage=", Metadata={"m": "1"}
    )
    assert tags(s3.get_object_tagging(Bucket=bucket, Key="a")) == {"team": "a b", "stage": ""}
    assert s3.get_object(Bucket=bucket, Key="a")["TagCount"] == 2
    s3.put_object_tagging(
        Bucket=bucket, Key="a", Tagging={"TagSet": [{"Key": "new", "Value": "x"}]}
    )
    found = s3.get_object(Bucket=bucket, Key="a")
    assert (found["Body"].read(), found["Metadata"], found["TagCount"]) == (b"1", {"m": "1"}, 1)
    s3.copy_object(Bucket=bucket, Key="b", CopySource=f"{bucket}/a")
    assert tags(s3.get_object_tagging(Bucket=bucket, Key="b")) == {"new": "x"}
    s3.copy_object(
        Bucket=bucket,
        Key="c",
        CopySource=f"{bucket}/a",
        TaggingDirective="REPLACE",
        Tagging="own=1",
    )
    assert tags(s3.get_object_tagging(Bucket=bucket, Key="c")) == {"own": "1"}
    s3.delete_object_tagging(Bucket=bucket, Key="a")
    assert "TagCount" not in s3.head_object(Bucket=bucket, Key="a")
    with pytest.raises(ClientError, match="greater than 10"):
        many = [{"Key": str(number), "Value": ""} for number in range(11)]
        s3.put_object_tagging(Bucket=bucket, Key="a", Tagging={"TagSet": many})


def test_buckets_have_tags(clients: Clients, bucket: str) -> None:
    s3 = clients("s3")
    with pytest.raises(ClientError, match="NoSuchTagSet"):
        s3.get_bucket_tagging(Bucket=bucket)
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    assert tags(s3.get_bucket_tagging(Bucket=bucket)) == {"k": "v"}
    s3.delete_bucket_tagging(Bucket=bucket)
    with pytest.raises(ClientError, match="NoSuchTagSet"):
        s3.get_bucket_tagging(Bucket=bucket)
