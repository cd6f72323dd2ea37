"""Rekognition with its real engines, through boto3. The portraits are official ones of the United
States' government, which are in the public domain; the cat is scikit-image's Chelsea (CC0)."""

import io
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from PIL import Image, ImageDraw, ImageFont, ImageOps

from tests.services.running import Clients, services

DATA = Path(__file__).parents[1] / "data"
OBAMA, BIDEN = (DATA / "obama.jpg").read_bytes(), (DATA / "biden.jpg").read_bytes()


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Generator[Clients]:
    with services(tmp_path_factory.mktemp("rekognition")) as found:
        yield found


@pytest.fixture(scope="module")
def rekognition(clients: Clients) -> Any:
    return clients("rekognition")


def as_bytes(picture: Image.Image, form: str = "PNG") -> bytes:
    out = io.BytesIO()
    picture.save(out, form)
    return out.getvalue()


def mirrored(data: bytes) -> bytes:
    return as_bytes(ImageOps.mirror(Image.open(io.BytesIO(data))), "JPEG")


def both() -> bytes:
    """The two portraits side by side."""
    one, other = (Image.open(io.BytesIO(data)) for data in (OBAMA, BIDEN))
    wide = Image.new("RGB", (one.width + other.width, max(one.height, other.height)))
    wide.paste(one, (0, 0))
    wide.paste(other, (one.width, 0))
    return as_bytes(wide)


def sign(text: str) -> bytes:
    picture = Image.new("RGB", (640, 200), "white")
    ImageDraw.Draw(picture).text((20, 40), text, fill="black", font=ImageFont.load_default(40))
    return as_bytes(picture)


def error_of(failure: pytest.ExceptionInfo[ClientError]) -> str:
    response: Any = failure.value.response
    return response["Error"]["Code"]


def test_lines_and_words_are_read_where_they_stand(rekognition: Any) -> None:
    found = rekognition.detect_text(Image={"Bytes": sign("Total due: $19.90\nThank you")})
    lines = [each for each in found["TextDetections"] if each["Type"] == "LINE"]
    assert [each["DetectedText"] for each in lines] == ["Total due: $19.90", "Thank you"]
    words = [each for each in found["TextDetections"] if each["Type"] == "WORD"]
    assert [(each["DetectedText"], each["ParentId"]) for each in words] == [
        *(("Total", 0), ("due:", 0), ("$19.90", 0)),
        *(("Thank", 1), ("you", 1)),
    ]
    assert all(each["Confidence"] > 80 for each in found["TextDetections"])
    lefts = [word["Geometry"]["BoundingBox"]["Left"] for word in words[:3]]
    assert lefts == sorted(lefts)
    assert lines[0]["Geometry"]["BoundingBox"]["Top"] < lines[1]["Geometry"]["BoundingBox"]["Top"]


def test_pictures_come_from_buckets_too(clients: Clients, rekognition: Any) -> None:
    s3 = clients("s3")
    s3.create_bucket(Bucket="pictures")
    s3.put_object(Bucket="pictures", Key="sign.png", Body=sign("EXIT"))
    where = {"S3Object": {"Bucket": "pictures", "Name": "sign.png"}}
    found = rekognition.detect_text(Image=where)
    assert found["TextDetections"][0]["DetectedText"] == "EXIT"
    with pytest.raises(ClientError) as failure:
        rekognition.detect_text(Image={"S3Object": {"Bucket": "pictures", "Name": "none"}})
    assert error_of(failure) == "InvalidS3ObjectException"


def test_faces_are_found_with_their_eyes_and_nose(rekognition: Any) -> None:
    (face,) = rekognition.detect_faces(Image={"Bytes": OBAMA})["FaceDetails"]
    box = face["BoundingBox"]
    places = {each["Type"]: (each["X"], each["Y"]) for each in face["Landmarks"]}
    assert box["Left"] < places["eyeLeft"][0] < places["eyeRight"][0] < box["Left"] + box["Width"]
    assert places["eyeLeft"][1] < places["nose"][1] < box["Top"] + box["Height"]
    assert face["Confidence"] > 90
    assert abs(face["Pose"]["Roll"]) < 10
    assert rekognition.detect_faces(Image={"Bytes": sign("nobody")})["FaceDetails"] == []


def test_one_person_matches_and_another_does_not(rekognition: Any) -> None:
    answer = rekognition.compare_faces(
        SourceImage={"Bytes": mirrored(OBAMA)}, TargetImage={"Bytes": both()}
    )
    (match,) = answer["FaceMatches"]
    (other,) = answer["UnmatchedFaces"]
    assert match["Similarity"] > 90
    assert match["Face"]["BoundingBox"]["Left"] < other["BoundingBox"]["Left"]
    everybody = rekognition.compare_faces(
        SourceImage={"Bytes": OBAMA}, TargetImage={"Bytes": both()}, SimilarityThreshold=0
    )
    alike = [each["Similarity"] for each in everybody["FaceMatches"]]
    assert alike[0] > 90 > 20 > alike[1]


def test_a_collection_knows_whom_it_was_shown(rekognition: Any) -> None:
    rekognition.create_collection(CollectionId="people")
    for name, picture in (("obama", OBAMA), ("biden", BIDEN)):
        done = rekognition.index_faces(
            CollectionId="people", Image={"Bytes": picture}, ExternalImageId=name
        )
        assert len(done["FaceRecords"]) == 1
    found = rekognition.search_faces_by_image(
        CollectionId="people", Image={"Bytes": mirrored(BIDEN)}
    )
    assert [each["Face"]["ExternalImageId"] for each in found["FaceMatches"]] == ["biden"]
    assert rekognition.describe_collection(CollectionId="people")["FaceCount"] == 2
    faces = rekognition.list_faces(CollectionId="people")["Faces"]
    biden = next(each["FaceId"] for each in faces if each["ExternalImageId"] == "biden")
    like = rekognition.search_faces(CollectionId="people", FaceId=biden, FaceMatchThreshold=0)
    assert [each["Face"]["ExternalImageId"] for each in like["FaceMatches"]] == ["obama"]
    rekognition.delete_faces(CollectionId="people", FaceIds=[biden])
    gone = rekognition.search_faces_by_image(CollectionId="people", Image={"Bytes": BIDEN})
    assert gone["FaceMatches"] == []
    assert rekognition.list_collections()["CollectionIds"] == ["people"]
    rekognition.delete_collection(CollectionId="people")
    with pytest.raises(ClientError) as failure:
        rekognition.list_faces(CollectionId="people")
    assert error_of(failure) == "ResourceNotFoundException"


def test_no_more_faces_are_indexed_than_are_wanted(rekognition: Any) -> None:
    rekognition.create_collection(CollectionId="one")
    done = rekognition.index_faces(CollectionId="one", Image={"Bytes": both()}, MaxFaces=1)
    assert len(done["FaceRecords"]) == 1
    assert done["UnindexedFaces"][0]["Reasons"] == ["EXCEEDS_MAX_FACES"]
    with pytest.raises(ClientError) as failure:
        rekognition.create_collection(CollectionId="one")
    assert error_of(failure) == "ResourceAlreadyExistsException"


def test_what_a_picture_shows_is_labelled_with_its_kind(rekognition: Any) -> None:
    cat = (DATA / "cat.jpg").read_bytes()
    labels = rekognition.detect_labels(Image={"Bytes": cat})["Labels"]
    found = {each["Name"]: each for each in labels}
    assert found["Cat"]["Confidence"] > 80
    assert found["Cat"]["Parents"] == [{"Name": "Animal"}]
    assert "Dog" not in found
    assert all(each["Confidence"] >= 55 for each in labels)
    every = rekognition.detect_labels(Image={"Bytes": cat}, MinConfidence=1)["Labels"]
    assert len(every) > len(labels)
    first = rekognition.detect_labels(Image={"Bytes": cat}, MaxLabels=1)["Labels"]
    assert [each["Name"] for each in first] == [labels[0]["Name"]]
    with pytest.raises(ClientError) as failure:
        rekognition.detect_labels(Image={"Bytes": cat}, Features=["IMAGE_PROPERTIES"])
    assert error_of(failure) == "InvalidParameterException"


def test_pictures_are_said_to_be_unfit_as_far_as_the_network_takes_them_for_so(
    rekognition: Any,
) -> None:
    fit = rekognition.detect_moderation_labels(Image={"Bytes": OBAMA})
    assert (fit["ModerationLabels"], fit["ContentTypes"]) == ([], [])
    found = rekognition.detect_moderation_labels(Image={"Bytes": OBAMA}, MinConfidence=0)
    assert found["ModerationModelVersion"] == "torana-nsfwjs-mobilenet-v2"
    assert [each["Name"] for each in found["ModerationLabels"]] == [
        "Explicit",
        "Non-Explicit Nudity of Intimate parts and Kissing",
    ]
    assert all(
        (each["ParentName"], each["TaxonomyLevel"]) == ("", 1) and 0 < each["Confidence"] < 5
        for each in found["ModerationLabels"]
    )
    loop = {
        "HumanLoopName": "mine",
        "FlowDefinitionArn": "arn:aws:sagemaker:us-east-1:000000000000:flow-definition/f",
    }
    adapter = "arn:aws:rekognition:us-east-1:000000000000:project/a/version/b/1"
    for name, value in (("HumanLoopConfig", loop), ("ProjectVersion", adapter)):
        with pytest.raises(ClientError, match=name) as failure:
            rekognition.detect_moderation_labels(Image={"Bytes": OBAMA}, **{name: value})
        assert error_of(failure) == "InvalidParameterException"


def test_what_is_no_picture_or_not_known_is_refused(rekognition: Any) -> None:
    cases: tuple[tuple[Any, dict[str, Any], str], ...] = (
        (rekognition.detect_text, {"Image": {"Bytes": b"GIF89a"}}, "InvalidImageFormatException"),
        (
            rekognition.detect_faces,
            {"Image": {"Bytes": b"\x89PNG\r\n\x1a\nbroken"}},
            "InvalidImageFormatException",
        ),
        (rekognition.detect_text, {"Image": {}}, "InvalidParameterException"),
        (
            rekognition.detect_faces,
            {"Image": {"Bytes": OBAMA}, "Attributes": ["ALL"]},
            "InvalidParameterException",
        ),
    )
    for operation, more, code in cases:
        with pytest.raises(ClientError) as failure:
            operation(**more)
        assert error_of(failure) == code
        assert not str(failure.value).endswith(": ")
