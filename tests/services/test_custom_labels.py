"""Rekognition's custom labels: trained on drawn pictures, run, asked and refused through boto3."""

import io
import json
import random
import time
from collections.abc import Generator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from PIL import Image, ImageDraw

from tests.services.running import Clients, services

# The engines load models: on a machine that is busy with other things that takes its time.
pytestmark = pytest.mark.timeout(180)

OUTPUT = {"S3Bucket": "pictures", "S3KeyPrefix": "out"}


def drawn(kind: str, seed: int) -> bytes:
    """Circles, squares or stripes, somewhere, on some colour."""
    rng = random.Random(f"{kind}{seed}")
    picture = Image.new("RGB", (96, 96), tuple(rng.randrange(256) for _ in range(3)))
    pen = ImageDraw.Draw(picture)
    ink = tuple(rng.randrange(256) for _ in range(3))
    if kind == "stripes":
        for at in range(0, 96, 8):
            pen.rectangle((at, 0, at + 3, 95), fill=ink)
    else:
        x, y, size = rng.randrange(5, 25), rng.randrange(5, 25), rng.randrange(45, 65)
        shape = pen.ellipse if kind == "circles" else pen.rectangle
        shape((x, y, x + size, y + size), fill=ink, outline=(0, 0, 0))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def line(key: str, label: str) -> str:
    told = {"class-name": label, "confidence": 1, "type": "groundtruth/image-classification"}
    return json.dumps({"source-ref": f"s3://pictures/{key}", "shape": 1, "shape-metadata": told})


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Generator[Clients]:
    with services(tmp_path_factory.mktemp("labels")) as found:
        s3 = found("s3")
        s3.create_bucket(Bucket="pictures")
        lines: list[str] = []
        for kind in ("circles", "stripes"):
            for number in range(12):
                key = f"{kind}/{number}.png"
                s3.put_object(Bucket="pictures", Key=key, Body=drawn(kind, number))
                lines.append(line(key, kind))
        s3.put_object(Bucket="pictures", Key="noise.png", Body=b"this is no picture")
        for name, text in {
            "good": "\n".join(lines),
            "one": line("circles/0.png", "circles"),
            "noise": "\n".join([*lines, line("noise.png", "noise")]),
            "words": "no json",
            "boxes": json.dumps({"source-ref": "s3://pictures/circles/0.png", "boxes": {}}),
            "gone": line("gone.png", "circles"),
        }.items():
            s3.put_object(Bucket="pictures", Key=f"{name}.manifest", Body=text)
        yield found


def data(name: str) -> dict[str, Any]:
    place = {"Bucket": "pictures", "Name": f"{name}.manifest"}
    return {"Assets": [{"GroundTruthManifest": {"S3Object": place}}]}


def trained(clients: Clients, project: str, name: str) -> dict[str, Any]:
    rekognition = clients("rekognition")
    arn = rekognition.create_project_version(
        ProjectArn=project,
        VersionName=name,
        OutputConfig=OUTPUT,
        TrainingData=data(name),
        TestingData={"AutoCreate": True},
    )["ProjectVersionArn"]
    end = time.monotonic() + 120
    while time.monotonic() < end:
        (found,) = rekognition.describe_project_versions(ProjectArn=project, VersionNames=[name])[
            "ProjectVersionDescriptions"
        ]
        if found["Status"] != "TRAINING_IN_PROGRESS":
            assert found["ProjectVersionArn"] == arn
            return found
        time.sleep(0.1)
    raise AssertionError("it was not trained in time")


def code(failure: pytest.ExceptionInfo[ClientError]) -> str:
    response: Any = failure.value.response
    return response["Error"]["Code"]


def test_a_model_learns_labels_from_pictures_and_tells_them(clients: Clients) -> None:
    rekognition = clients("rekognition")
    project = rekognition.create_project(ProjectName="shapes")["ProjectArn"]
    found = trained(clients, project, "good")
    assert (found["Status"], found["Feature"]) == ("TRAINING_COMPLETED", "CUSTOM_LABELS")
    assert found["EvaluationResult"]["F1Score"] > 0.7
    arn = found["ProjectVersionArn"]
    picture = {"Bytes": drawn("stripes", 99)}
    with pytest.raises(ClientError) as failure:
        rekognition.detect_custom_labels(ProjectVersionArn=arn, Image=picture)
    assert code(failure) == "ResourceNotReadyException"
    rekognition.start_project_version(ProjectVersionArn=arn, MinInferenceUnits=1)
    waiter = rekognition.get_waiter("project_version_running")
    waiter.wait(ProjectArn=project, VersionNames=["good"], WaiterConfig={"Delay": 1})
    for kind in ("circles", "stripes"):
        right = 0
        for number in range(50, 54):
            labels = rekognition.detect_custom_labels(
                ProjectVersionArn=arn, Image={"Bytes": drawn(kind, number)}, MinConfidence=1
            )["CustomLabels"]
            right += labels[0]["Name"] == kind
        assert right >= 3
    stored = {"S3Object": {"Bucket": "pictures", "Name": "circles/0.png"}}
    labels = rekognition.detect_custom_labels(ProjectVersionArn=arn, Image=stored, MaxResults=1)
    assert [each["Name"] for each in labels["CustomLabels"]] == ["circles"]
    with pytest.raises(ClientError) as failure:
        rekognition.delete_project_version(ProjectVersionArn=arn)
    assert code(failure) == "ResourceInUseException"
    rekognition.stop_project_version(ProjectVersionArn=arn)
    with pytest.raises(ClientError) as failure:
        rekognition.delete_project(ProjectArn=project)
    assert code(failure) == "ResourceInUseException"
    rekognition.delete_project_version(ProjectVersionArn=arn)
    rekognition.delete_project(ProjectArn=project)
    assert rekognition.describe_projects()["ProjectDescriptions"] == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("one", "two labels"),
        ("noise", "noise.png"),
        ("words", "line 1: it must be a JSON object"),
        ("boxes", "no label of the type"),
        ("gone", "gone.png"),
        ("absent", "absent.manifest"),
    ],
)
def test_pictures_that_teach_nothing_are_said_so(clients: Clients, name: str, words: str) -> None:
    rekognition = clients("rekognition")
    project = rekognition.create_project(ProjectName=f"bad-{name}")["ProjectArn"]
    found = trained(clients, project, name)
    assert found["Status"] == "TRAINING_FAILED"
    assert words in found["StatusMessage"]


def test_what_trainings_do_not_heed_is_refused(clients: Clients) -> None:
    rekognition = clients("rekognition")
    with pytest.raises(ClientError, match="CUSTOM_LABELS"):
        rekognition.create_project(ProjectName="m", Feature="CONTENT_MODERATION")
    project = rekognition.create_project(ProjectName="refusing")["ProjectArn"]
    with pytest.raises(ClientError, match="TrainingData"):
        rekognition.create_project_version(ProjectArn=project, VersionName="v", OutputConfig=OUTPUT)
    with pytest.raises(ClientError) as failure:
        rekognition.create_project(ProjectName="refusing")
    assert code(failure) == "ResourceInUseException"
