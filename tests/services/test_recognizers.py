"""Comprehend's custom entity recognisers: trained, served and refused through boto3."""

import io
import json
import random
import tarfile
import time
from collections.abc import Generator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.services.running import Clients, services

ROLE = "arn:aws:iam::000000000000:role/comprehend"
TYPES = [{"Type": "PRODUCT"}, {"Type": "MANAGER"}]
NAMES = ("Ada Lovelace", "Grace Hopper", "Alan Turing", "Edsger Dijkstra", "Barbara Liskov")


def marked(count: int) -> tuple[str, str, str]:
    """Sentences of product codes and managers: the texts, annotations, an entity list."""
    rng = random.Random(1)
    texts: list[str] = []
    rows, listed = ["File,Line,Begin Offset,End Offset,Type"], ["Text,Type"]
    for line in range(count):
        code, name = f"{rng.choice(['TX', 'QL'])}-{rng.randint(100, 999)}", rng.choice(NAMES)
        form = rng.choice(
            (
                "We shipped the {code} to the shop before {name} had signed.",
                "Our manager {name} asked for a new {code} on Monday.",
                "{name} leads the team, the {code} is broken again.",
            )
        )
        text = form.format(code=code, name=name)
        texts.append(text)
        for each, kind in ((code, "PRODUCT"), (name, "MANAGER")):
            begin = text.index(each)
            rows.append(f"texts.txt,{line},{begin},{begin + len(each)},{kind}")
            listed.append(f"{each},{kind}")
    return "\n".join(texts), "\n".join(rows), "\n".join(dict.fromkeys(listed))


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Generator[Clients]:
    texts, annotations, listed = marked(60)
    with services(tmp_path_factory.mktemp("recognizers")) as found:
        s3 = found("s3")
        s3.create_bucket(Bucket="train")
        for key, body in {
            "docs/texts.txt": texts,
            "marks/annotations.csv": annotations,
            "list/entities.csv": listed,
            "astray/annotations.csv": "texts.txt,99,0,4,PRODUCT",
            "new/a.txt": "Please return the QL-555 to Niklaus Wirth.\nNothing here.\n",
        }.items():
            s3.put_object(Bucket="train", Key=key, Body=body)
        yield found


def train(clients: Clients, name: str, **given: Any) -> dict[str, Any]:
    comprehend = clients("comprehend")
    data = {"EntityTypes": TYPES, "Documents": {"S3Uri": "s3://train/docs/"}, **given}
    arn = comprehend.create_entity_recognizer(
        RecognizerName=name, DataAccessRoleArn=ROLE, LanguageCode="en", InputDataConfig=data
    )["EntityRecognizerArn"]
    for _ in range(600):
        told = comprehend.describe_entity_recognizer(EntityRecognizerArn=arn)
        found = told["EntityRecognizerProperties"]
        if found["Status"] in ("TRAINED", "IN_ERROR"):
            return found
        time.sleep(0.1)
    raise AssertionError("not trained in time")


def code_of(failure: pytest.ExceptionInfo[ClientError]) -> str:
    response: Any = failure.value.response
    return response["Error"]["Code"]


def test_a_recogniser_learns_from_annotations_and_finds_what_it_never_saw(
    clients: Clients,
) -> None:
    comprehend = clients("comprehend")
    found = train(clients, "marks", Annotations={"S3Uri": "s3://train/marks/annotations.csv"})
    told = found["RecognizerMetadata"]
    assert (told["NumberOfTrainedDocuments"], told["NumberOfTestDocuments"]) == (54, 6)
    assert told["EvaluationMetrics"]["F1Score"] > 80
    assert {each["Type"]: each["NumberOfTrainMentions"] for each in told["EntityTypes"]} == {
        "PRODUCT": 54,
        "MANAGER": 54,
    }
    arn = found["EntityRecognizerArn"]
    endpoint = comprehend.create_endpoint(
        EndpointName="shop", ModelArn=arn, DesiredInferenceUnits=1
    )["EndpointArn"]
    assert ":entity-recognizer-endpoint/shop" in endpoint
    text = "\U0001f600 Our manager Kurt Gödel asked for a new TX-402 on Monday."
    entities = comprehend.detect_entities(Text=text, EndpointArn=endpoint)["Entities"]
    places = [(e["Type"], text[e["BeginOffset"] : e["EndOffset"]]) for e in entities]
    assert places == [("MANAGER", "Kurt Gödel"), ("PRODUCT", "TX-402")]
    assert all(0.5 < each["Score"] <= 1 for each in entities)
    job = comprehend.start_entities_detection_job(
        InputDataConfig={"S3Uri": "s3://train/new/", "InputFormat": "ONE_DOC_PER_LINE"},
        OutputDataConfig={"S3Uri": "s3://train/out"},
        DataAccessRoleArn=ROLE,
        LanguageCode="en",
        EntityRecognizerArn=arn,
    )
    assert job["EntityRecognizerArn"] == arn
    lines = output(clients, job["JobId"])
    assert (lines[0]["Line"], lines[0]["Entities"][0]["Text"]) == (0, "QL-555")
    with pytest.raises(ClientError) as failure:
        comprehend.delete_entity_recognizer(EntityRecognizerArn=arn)
    assert code_of(failure) == "ResourceInUseException"
    comprehend.delete_endpoint(EndpointArn=endpoint)
    comprehend.delete_entity_recognizer(EntityRecognizerArn=arn)
    with pytest.raises(ClientError) as failure:
        comprehend.detect_entities(Text=text, EndpointArn=endpoint)
    assert code_of(failure) == "ResourceUnavailableException"


def output(clients: Clients, id: str) -> list[dict[str, Any]]:
    job: dict[str, Any] = {}
    for _ in range(600):
        found: Any = clients("comprehend").describe_entities_detection_job(JobId=id)
        job = found["EntitiesDetectionJobProperties"]
        if job["JobStatus"] in ("COMPLETED", "FAILED"):
            break
        time.sleep(0.1)
    assert job["JobStatus"] == "COMPLETED", job
    key = job["OutputDataConfig"]["S3Uri"].removeprefix("s3://train/")
    data = clients("s3").get_object(Bucket="train", Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        member = archive.extractfile(archive.getnames()[0])
        assert member is not None
        return [json.loads(line) for line in member.read().splitlines()]


def test_an_entity_list_marks_the_documents_by_itself(clients: Clients) -> None:
    found = train(clients, "list", EntityList={"S3Uri": "s3://train/list/entities.csv"})
    assert found["RecognizerMetadata"]["EvaluationMetrics"]["F1Score"] > 80
    assert "entity-recognizer/list" in found["EntityRecognizerArn"]


def test_what_cannot_be_trained_on_says_why(clients: Clients) -> None:
    found = train(clients, "astray", Annotations={"S3Uri": "s3://train/astray/annotations.csv"})
    assert found["Status"] == "IN_ERROR"
    assert "texts.txt, line 99" in found["Message"]
    few = train(
        clients,
        "few",
        Annotations={"S3Uri": "s3://train/marks/annotations.csv"},
        EntityTypes=[{"Type": "PLANET"}],
    )
    assert "PLANET has 0 mentions" in few["Message"]


def test_what_is_not_supported_is_refused(clients: Clients) -> None:
    comprehend = clients("comprehend")
    given = {"RecognizerName": "x", "DataAccessRoleArn": ROLE, "LanguageCode": "en"}
    documents = {"S3Uri": "s3://train/docs/"}
    for data, why in (
        ({"EntityTypes": TYPES, "Documents": documents}, "either Annotations or an EntityList"),
        ({"EntityTypes": TYPES, "DataFormat": "AUGMENTED_MANIFEST"}, "DataFormat"),
    ):
        with pytest.raises(ClientError, match=why) as failure:
            comprehend.create_entity_recognizer(InputDataConfig=data, **given)
        assert code_of(failure) == "InvalidRequestException"
