"""Comprehend's custom classifiers: trained, served and refused through boto3."""

import csv
import io
import random
import time
from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.services.running import Clients, services
from torana.services.comprehend.models import Classifier, Models
from torana.state.disk import Disk
from torana.state.memory import MemoryStore

ROLE = "arn:aws:iam::000000000000:role/comprehend"
WORDS = {
    "sport": "match team goal player coach league striker referee stadium cup win season",
    "cooking": "oven butter flour recipe sauce onion bake simmer garlic spoon dish pepper",
    "weather": "rain cloud storm wind sunny forecast snow degrees humid thunder frost mild",
}
COMMON = ("the", "a", "we", "it", "was", "today", "and", "then", "with", "very", "some", "this")


def documents(count: int, labels: int = 1) -> bytes:
    """Sentences of each label's words among common ones."""
    rng, out = random.Random(1), io.StringIO()
    for number in range(count):
        chosen = rng.sample(sorted(WORDS), labels if number % 2 else 1)
        words = [word for label in chosen for word in rng.sample(WORDS[label].split(), 3)]
        common = rng.sample(
            ["the", "a", "we", "it", "was", "today", "and", "then", "with", "very", "some", "this"],
            6,
        )
        text = " ".join(rng.sample([*words, *common], len(words) + 6))
        csv.writer(out).writerow(["|".join(chosen), text])
    return out.getvalue().encode()


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Generator[Clients]:
    with services(tmp_path_factory.mktemp("classifiers")) as found:
        s3 = found("s3")
        s3.create_bucket(Bucket="train")
        s3.put_object(Bucket="train", Key="one/a.csv", Body=documents(90))
        s3.put_object(Bucket="train", Key="one/b.csv", Body=documents(60))
        s3.put_object(Bucket="train", Key="many/a.csv", Body=documents(200, labels=2))
        s3.put_object(Bucket="train", Key="few/a.csv", Body=documents(12))
        s3.put_object(Bucket="train", Key="broken/a.csv", Body=b"only-a-label\n")
        yield found


def train(clients: Clients, name: str, **more: Any) -> dict[str, Any]:
    comprehend = clients("comprehend")
    arn = comprehend.create_document_classifier(
        DocumentClassifierName=name,
        DataAccessRoleArn=ROLE,
        LanguageCode="en",
        InputDataConfig={"S3Uri": f"s3://train/{name}/"},
        **more,
    )["DocumentClassifierArn"]
    end = time.monotonic() + 40
    while time.monotonic() < end:
        answer = comprehend.describe_document_classifier(DocumentClassifierArn=arn)
        found = answer["DocumentClassifierProperties"]
        if found["Status"] in ("TRAINED", "IN_ERROR"):
            return found
        time.sleep(0.1)
    raise AssertionError("not trained in time")


def error_of(failure: pytest.ExceptionInfo[ClientError]) -> str:
    response: Any = failure.value.response
    return response["Error"]["Code"]


def test_a_classifier_learns_from_the_documents_and_serves(clients: Clients) -> None:
    comprehend = clients("comprehend")
    found = train(clients, "one")
    assert found["Status"] == "TRAINED"
    told = found["ClassifierMetadata"]
    assert (told["NumberOfLabels"], told["NumberOfTrainedDocuments"]) == (3, 135)
    assert told["NumberOfTestDocuments"] == 15
    assert told["EvaluationMetrics"]["Accuracy"] > 0.8
    arn = found["DocumentClassifierArn"]
    endpoint = comprehend.create_endpoint(
        EndpointName="topics", ModelArn=arn, DesiredInferenceUnits=1
    )["EndpointArn"]
    for text, label in (
        ("The striker scored a late goal in the stadium", "sport"),
        ("Simmer the onion and garlic in butter", "cooking"),
    ):
        classes = comprehend.classify_document(Text=text, EndpointArn=endpoint)["Classes"]
        assert classes[0]["Name"] == label
        assert sum(each["Score"] for each in classes) == pytest.approx(1, abs=0.001)
    with pytest.raises(ClientError) as failure:
        comprehend.delete_document_classifier(DocumentClassifierArn=arn)
    assert error_of(failure) == "ResourceInUseException"
    assert comprehend.list_endpoints()["EndpointPropertiesList"][0]["ModelArn"] == arn
    comprehend.delete_endpoint(EndpointArn=endpoint)
    comprehend.delete_document_classifier(DocumentClassifierArn=arn)
    with pytest.raises(ClientError) as failure:
        comprehend.classify_document(Text="x", EndpointArn=endpoint)
    assert error_of(failure) == "ResourceUnavailableException"


def test_a_document_may_have_several_labels(clients: Clients) -> None:
    comprehend = clients("comprehend")
    found = train(clients, "many", Mode="MULTI_LABEL")
    endpoint = comprehend.create_endpoint(
        EndpointName="many", ModelArn=found["DocumentClassifierArn"], DesiredInferenceUnits=1
    )["EndpointArn"]
    text = "The coach and his team had rain, storm and wind at the match"
    labels = comprehend.classify_document(Text=text, EndpointArn=endpoint)["Labels"]
    assert {each["Name"] for each in labels[:2]} == {"sport", "weather"}
    assert labels[2]["Score"] < 0.5


@pytest.mark.parametrize(
    ("name", "words"), [("few", "10 are needed"), ("broken", "line 1"), ("nothing", "one file")]
)
def test_documents_that_teach_nothing_are_said_so(clients: Clients, name: str, words: str) -> None:
    found = train(clients, name)
    assert found["Status"] == "IN_ERROR"
    assert words in found["Message"]


def test_what_training_does_not_heed_is_refused(clients: Clients) -> None:
    with pytest.raises(ClientError, match="VpcConfig") as failure:
        train(clients, "vpc", VpcConfig={"SecurityGroupIds": ["sg-1"], "Subnets": ["s-1"]})
    assert error_of(failure) == "InvalidRequestException"


async def test_a_training_that_a_crash_interrupted_is_done_at_the_next_start(
    tmp_path: Path,
) -> None:
    async def engines(capability: str, items: Any, timeout: float) -> list[Any]:
        assert len(items[0].documents) == 30
        return [_Made()]

    async def rows() -> AsyncIterator[bytes]:
        yield documents(30)

    store, objects = MemoryStore(100), Disk(tmp_path)
    await objects.create_bucket("b", "r")
    await objects.put("b", "d/a.csv", [await objects.write(rows())], "e", {})
    models = Models(store, objects, engines, tmp_path)
    left = Classifier("arn", "en", ROLE, "s3://b/d/", "", "|", True, 1.0, "m", status="TRAINING")
    await models.keep(left)
    await Models(store, objects, engines, tmp_path).resume()
    done = await models.classifier("arn")
    assert done is not None
    assert (done.status, done.labels) == ("TRAINED", 3)
    await objects.close()


class _Made:
    bad = ""
    labels = 3
    documents = 27
    tested = 3
    metrics = {"Accuracy": 1.0}  # noqa: RUF012
