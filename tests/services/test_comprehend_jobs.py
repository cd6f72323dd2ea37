"""Comprehend's asynchronous jobs on stored objects, with the real engines, through boto3."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false
# pyright: reportTypedDictNotRequiredAccess=false

import io
import json
import tarfile
import time
from collections.abc import Generator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.services.running import Clients, services

# The engines load models: on a machine that is busy with other things that takes its time.
pytestmark = pytest.mark.timeout(180)

ROLE = "arn:aws:iam::000000000000:role/comprehend"
REVIEWS = "What a lovely, wonderful day!\nThis is the worst meal of my life.\n\n"
MAIL = "Write to ada@example.com or call +1 206 555 0100.\n"


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Generator[Clients]:
    with services(tmp_path_factory.mktemp("jobs")) as found:
        s3 = found("s3")
        s3.create_bucket(Bucket="docs")
        for key, text in {
            "reviews/a.txt": REVIEWS,
            "letters/one.txt": "Ada Lovelace lived in London.",
            "letters/two.txt": "x" * 100_001,
            "mail/m.txt": MAIL,
            "bytes/b.bin": b"\xff\xfe\x00",
        }.items():
            s3.put_object(Bucket="docs", Key=key, Body=text)
        yield found


def done(clients: Clients, kind: str, **given: Any) -> dict[str, Any]:
    """A job of a kind such as `sentiment_detection`, when it is over."""
    comprehend = clients("comprehend")
    given.setdefault("OutputDataConfig", {"S3Uri": "s3://docs/out"})
    started = getattr(comprehend, f"start_{kind}_job")(DataAccessRoleArn=ROLE, **given)
    assert started["JobStatus"] == "SUBMITTED"
    end = time.monotonic() + 120
    while time.monotonic() < end:
        answer = getattr(comprehend, f"describe_{kind}_job")(JobId=started["JobId"])
        (found,) = (each for name, each in answer.items() if name.endswith("JobProperties"))
        if found["JobStatus"] in ("COMPLETED", "FAILED", "STOPPED"):
            return found
        time.sleep(0.1)
    raise AssertionError("the job was not done in time")


def source(prefix: str, by_line: bool = False) -> dict[str, str]:
    form = "ONE_DOC_PER_LINE" if by_line else "ONE_DOC_PER_FILE"
    return {"S3Uri": f"s3://docs/{prefix}", "InputFormat": form}


def stored(clients: Clients, uri: str) -> bytes:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return clients("s3").get_object(Bucket=bucket, Key=key)["Body"].read()


def output(clients: Clients, job: dict[str, Any]) -> list[dict[str, Any]]:
    data = stored(clients, job["OutputDataConfig"]["S3Uri"])
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        file = archive.extractfile("output")
        assert file is not None
        return [json.loads(line) for line in file.read().splitlines()]


def test_every_line_of_a_file_is_a_document_where_that_is_asked(clients: Clients) -> None:
    job = done(
        clients,
        "sentiment_detection",
        InputDataConfig=source("reviews/", by_line=True),
        LanguageCode="en",
        JobName="reviews",
    )
    assert job["JobStatus"] == "COMPLETED"
    assert job["OutputDataConfig"]["S3Uri"].endswith("/output/output.tar.gz")
    first, second, third = output(clients, job)
    assert (first["File"], first["Line"], first["Sentiment"]) == ("a.txt", 0, "POSITIVE")
    assert second["Sentiment"] == "NEGATIVE"
    assert third["ErrorCode"] == "DOCUMENT_EMPTY"
    listed = clients("comprehend").list_sentiment_detection_jobs(Filter={"JobName": "reviews"})
    (shown,) = listed["SentimentDetectionJobPropertiesList"]
    assert (shown["JobId"], shown["LanguageCode"]) == (job["JobId"], "en")


def test_what_is_felt_about_each_thing_is_told_of_stored_texts_in_english(clients: Clients) -> None:
    given = {"InputDataConfig": source("reviews/", by_line=True)}
    job = done(clients, "targeted_sentiment_detection", LanguageCode="en", **given)
    _, second, _ = output(clients, job)
    felt = {
        mention["Text"]: mention["MentionSentiment"]["Sentiment"]
        for entity in second["Entities"]
        for mention in entity["Mentions"]
    }
    assert felt["meal"] == "NEGATIVE"
    comprehend = clients("comprehend")
    listed = comprehend.list_targeted_sentiment_detection_jobs()
    (shown,) = listed["TargetedSentimentDetectionJobPropertiesList"]
    assert shown["JobArn"].endswith(f":targeted-sentiment-detection-job/{job['JobId']}")
    stopped = comprehend.stop_targeted_sentiment_detection_job(JobId=job["JobId"])
    assert stopped["JobStatus"] == "COMPLETED"
    with pytest.raises(ClientError, match="UnsupportedLanguage"):
        done(clients, "targeted_sentiment_detection", LanguageCode="de", **given)


def test_files_are_documents_and_too_long_ones_are_said_so(clients: Clients) -> None:
    job = done(clients, "entities_detection", InputDataConfig=source("letters/"), LanguageCode="en")
    one, two = output(clients, job)
    assert {(each["Type"], each["Text"]) for each in one["Entities"]} == {
        ("PERSON", "Ada Lovelace"),
        ("LOCATION", "London"),
    }
    assert (two["File"], two["ErrorCode"]) == ("two.txt", "DOCUMENT_SIZE_EXCEEDED")
    job = done(clients, "dominant_language_detection", InputDataConfig=source("letters/one"))
    assert output(clients, job)[0]["Languages"][0]["LanguageCode"] == "en"


def test_personal_data_is_told_or_taken_out(clients: Clients) -> None:
    given = {"InputDataConfig": source("mail/"), "LanguageCode": "en"}
    job = done(clients, "pii_entities_detection", Mode="ONLY_OFFSETS", **given)
    told = json.loads(stored(clients, job["OutputDataConfig"]["S3Uri"] + "m.txt.out"))
    assert {each["Type"] for each in told["Entities"]} == {"EMAIL", "PHONE"}
    job = done(
        clients,
        "pii_entities_detection",
        Mode="ONLY_REDACTION",
        RedactionConfig={"PiiEntityTypes": ["EMAIL"], "MaskMode": "REPLACE_WITH_PII_ENTITY_TYPE"},
        **given,
    )
    text = stored(clients, job["OutputDataConfig"]["S3Uri"] + "m.txt.out")
    assert text == b"Write to [EMAIL] or call +1 206 555 0100.\n"
    job = done(
        clients,
        "pii_entities_detection",
        Mode="ONLY_REDACTION",
        RedactionConfig={"PiiEntityTypes": ["ALL"], "MaskMode": "MASK", "MaskCharacter": "#"},
        **given,
    )
    text = stored(clients, job["OutputDataConfig"]["S3Uri"] + "m.txt.out")
    assert text == b"Write to ############### or call ###############.\n"


def test_what_cannot_be_done_says_why(clients: Clients) -> None:
    job = done(clients, "key_phrases_detection", InputDataConfig=source("none/"), LanguageCode="en")
    assert (job["JobStatus"], "must be a file" in job["Message"]) == ("FAILED", True)
    job = done(clients, "dominant_language_detection", InputDataConfig=source("bytes/"))
    assert "not UTF-8" in job["Message"]
    comprehend = clients("comprehend")
    given: Any = {
        "InputDataConfig": source("reviews/"),
        "OutputDataConfig": {"S3Uri": "s3://docs/out"},
        "DataAccessRoleArn": ROLE,
    }
    with pytest.raises(ClientError, match="Supported language codes"):
        comprehend.start_entities_detection_job(LanguageCode="ja", **given)
    with pytest.raises(ClientError, match="VolumeKmsKeyId"):
        comprehend.start_dominant_language_detection_job(
            VolumeKmsKeyId="arn:aws:kms:eu-west-1:000000000000:key/" + "a" * 36, **given
        )
    with pytest.raises(comprehend.exceptions.JobNotFoundException):
        comprehend.stop_sentiment_detection_job(JobId="0" * 32)
    with pytest.raises(ClientError, match="no trained"):
        comprehend.start_document_classification_job(
            DocumentClassifierArn="arn:aws:comprehend:eu-west-1:000000000000:document-classifier/x",
            **given,
        )


def test_a_job_that_is_stopped_ends_between_its_documents(clients: Clients) -> None:
    comprehend = clients("comprehend")
    lines = "The meeting is on Monday at noon.\n" * 2000
    clients("s3").put_object(Bucket="docs", Key="many/lines.txt", Body=lines)
    started = comprehend.start_key_phrases_detection_job(
        InputDataConfig=source("many/", by_line=True),
        OutputDataConfig={"S3Uri": "s3://docs/out"},
        DataAccessRoleArn=ROLE,
        LanguageCode="en",
    )
    stopped = comprehend.stop_key_phrases_detection_job(JobId=started["JobId"])
    assert stopped["JobStatus"] == "STOP_REQUESTED"
    end = time.monotonic() + 120
    status = ""
    while status != "STOPPED" and time.monotonic() < end:
        answer = comprehend.describe_key_phrases_detection_job(JobId=started["JobId"])
        status = answer["KeyPhrasesDetectionJobProperties"]["JobStatus"]
        time.sleep(0.05)
    assert status == "STOPPED"
