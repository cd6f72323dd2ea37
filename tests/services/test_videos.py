"""Labels of a stored video, through boto3: a film of a cat that is followed by a grey wall."""

# PyAV and boto3 come without types.
# pyright: basic

import io
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import av
import numpy
import pytest
from botocore.exceptions import ClientError
from PIL import Image

from tests.services.running import Clients, services

CAT = Path(__file__).parents[1] / "data/cat.jpg"
pytestmark = pytest.mark.timeout(180)


def film() -> bytes:
    """Two seconds of a cat, two of grey."""
    with Image.open(CAT) as picture:
        cat = numpy.asarray(picture.convert("RGB").resize((320, 240)))
    grey = numpy.full((240, 320, 3), 128, "uint8")
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream: Any = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.bit_rate = 4_000_000
        for number in range(20):
            frame = av.VideoFrame.from_ndarray(cat if number < 10 else grey, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Generator[Clients]:
    with services(tmp_path_factory.mktemp("videos")) as found:
        s3 = found("s3")
        s3.create_bucket(Bucket="films")
        s3.put_object(Bucket="films", Key="cat.mp4", Body=film())
        s3.put_object(Bucket="films", Key="noise.mp4", Body=b"this is no film")
        yield found


def watched(clients: Clients, name: str, **more: Any) -> dict[str, Any]:
    rekognition = clients("rekognition")
    video = {"S3Object": {"Bucket": "films", "Name": name}}
    id = rekognition.start_label_detection(Video=video, **more)["JobId"]
    end = time.monotonic() + 120
    while time.monotonic() < end:
        found = rekognition.get_label_detection(JobId=id)
        if found["JobStatus"] != "IN_PROGRESS":
            return found
        time.sleep(0.1)
    raise AssertionError("the job was not done in time")


def test_a_video_is_labelled_second_by_second(clients: Clients) -> None:
    found = watched(clients, "cat.mp4", MinConfidence=40, JobTag="mine")
    assert (found["JobStatus"], found["JobTag"]) == ("SUCCEEDED", "mine")
    told = found["VideoMetadata"]
    assert (told["DurationMillis"], told["FrameWidth"], told["FrameRate"]) == (4000, 320, 5.0)
    cats = {each["Timestamp"] for each in found["Labels"] if each["Label"]["Name"] == "Cat"}
    assert cats == {0, 1000}
    rekognition = clients("rekognition")
    first = rekognition.get_label_detection(JobId=found["JobId"], MaxResults=1, SortBy="NAME")
    rest = rekognition.get_label_detection(
        JobId=found["JobId"], NextToken=first["NextToken"], SortBy="NAME"
    )
    names = [each["Label"]["Name"] for each in (*first["Labels"], *rest["Labels"])]
    assert names == sorted(names)


def test_a_video_is_moderated_second_by_second(clients: Clients) -> None:
    rekognition = clients("rekognition")
    video = {"S3Object": {"Bucket": "films", "Name": "cat.mp4"}}
    ids = [
        rekognition.start_content_moderation(Video=video, **least)["JobId"]
        for least in ({}, {"MinConfidence": 0})
    ]
    end = time.monotonic() + 120
    found: list[dict[str, Any]] = [{"JobStatus": "IN_PROGRESS"}]
    while any(each["JobStatus"] == "IN_PROGRESS" for each in found):
        assert time.monotonic() < end
        time.sleep(0.1)
        found = [rekognition.get_content_moderation(JobId=id, SortBy="NAME") for id in ids]
    fit, everything = found
    assert (fit["JobStatus"], fit["ModerationLabels"]) == ("SUCCEEDED", [])
    told = [
        (each["ModerationLabel"]["Name"], each["Timestamp"], each["ContentTypes"][0]["Name"])
        for each in everything["ModerationLabels"]
    ]
    assert told == [
        (name, at, "Illustrated")
        for name in ("Explicit", "Non-Explicit Nudity of Intimate parts and Kissing")
        for at in (0, 1000, 2000, 3000)
    ]
    assert everything["VideoMetadata"]["DurationMillis"] == 4000
    with pytest.raises(rekognition.exceptions.ResourceNotFoundException):
        rekognition.get_label_detection(JobId=ids[0])


def test_what_is_no_video_says_so(clients: Clients) -> None:
    found = watched(clients, "noise.mp4")
    assert found["JobStatus"] == "FAILED"
    assert "cannot be decoded" in found["StatusMessage"]
    rekognition = clients("rekognition")
    with pytest.raises(rekognition.exceptions.InvalidS3ObjectException):
        watched(clients, "absent.mp4")
    with pytest.raises(ClientError, match="NotificationChannel"):
        channel = {
            "SNSTopicArn": "arn:aws:sns:us-east-1:000000000000:AmazonRekognitionX",
            "RoleArn": "arn:aws:iam::000000000000:role/r",
        }
        watched(clients, "cat.mp4", NotificationChannel=channel)
    with pytest.raises(rekognition.exceptions.ResourceNotFoundException):
        rekognition.get_label_detection(JobId="0" * 32)
