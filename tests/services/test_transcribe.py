"""Transcribe with its real engine, through boto3. It listens to what Polly said."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Generator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from tests.services.running import Clients, services
from torana.services.background import Background
from torana.services.transcribe.jobs import Audio, Job, Jobs, Place
from torana.state.disk import Disk
from torana.state.memory import MemoryStore

TEXT = "Please send the invoice to the office before Friday. The train leaves in the evening."


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Generator[Clients]:
    with services(tmp_path_factory.mktemp("transcribe")) as found:
        s3 = found("s3")
        s3.create_bucket(Bucket="talks")
        said = found("polly").synthesize_speech(Text=TEXT, VoiceId="Matthew", OutputFormat="mp3")
        s3.put_object(Bucket="talks", Key="talk.mp3", Body=said["AudioStream"].read())
        s3.put_object(Bucket="talks", Key="noise.mp3", Body=b"this is no audio")
        yield found


def start(clients: Clients, name: str, media: str = "talk.mp3", **more: Any) -> None:
    given: dict[str, Any] = {"LanguageCode": "en-US", "OutputBucketName": "talks", **more}
    clients("transcribe").start_transcription_job(
        TranscriptionJobName=name, Media={"MediaFileUri": f"s3://talks/{media}"}, **given
    )


def finished(clients: Clients, name: str) -> dict[str, Any]:
    transcribe, end = clients("transcribe"), time.monotonic() + 40
    while time.monotonic() < end:
        job = transcribe.get_transcription_job(TranscriptionJobName=name)["TranscriptionJob"]
        if job["TranscriptionJobStatus"] in ("COMPLETED", "FAILED"):
            return job
        time.sleep(0.2)
    raise AssertionError("the job was not done in time")


def likeness(one: str, other: str) -> float:
    """By letters: the voice is a little different each time it speaks, and so are words heard."""
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def error_of(failure: pytest.ExceptionInfo[ClientError]) -> str:
    response: Any = failure.value.response
    return response["Error"]["Code"]


def test_what_was_said_is_written_down_with_its_times(clients: Clients) -> None:
    start(clients, "talk", Subtitles={"Formats": ["srt", "vtt"], "OutputStartIndex": 1})
    job = finished(clients, "talk")
    assert job["TranscriptionJobStatus"] == "COMPLETED"
    s3 = clients("s3")
    said = json.loads(s3.get_object(Bucket="talks", Key="talk.json")["Body"].read())
    heard = said["results"]["transcripts"][0]["transcript"]
    assert likeness(heard, TEXT) > 0.9
    words = [each for each in said["results"]["items"] if each["type"] == "pronunciation"]
    # Which marks are heard varies with the voice: each is an item of its own behind its word.
    pieces: list[str] = []
    for each in said["results"]["items"]:
        content = each["alternatives"][0]["content"]
        if each["type"] == "punctuation":
            pieces[-1] += content
        else:
            pieces.append(content)
    assert pieces == heard.split()
    times = [float(each["start_time"]) for each in words]
    assert times == sorted(times)
    assert 3 < float(words[-1]["end_time"]) < 8
    assert job["Transcript"]["TranscriptFileUri"].endswith("/talks/talk.json")
    srt = s3.get_object(Bucket="talks", Key="talk.srt")["Body"].read().decode()
    assert srt.startswith("1\n00:00:0")
    assert "invoice" in srt
    vtt = s3.get_object(Bucket="talks", Key="talk.vtt")["Body"].read().decode()
    assert vtt.startswith("WEBVTT\n\n1\n")
    with pytest.raises(ClientError) as failure:
        start(clients, "talk")
    assert error_of(failure) == "ConflictException"


def test_a_job_that_cannot_be_done_says_why(clients: Clients) -> None:
    start(clients, "noise", "noise.mp3")
    job = finished(clients, "noise")
    assert job["TranscriptionJobStatus"] == "FAILED"
    assert "cannot be decoded" in job["FailureReason"]
    transcribe = clients("transcribe")
    listed = transcribe.list_transcription_jobs(Status="FAILED")["TranscriptionJobSummaries"]
    assert [each["TranscriptionJobName"] for each in listed] == ["noise"]
    transcribe.delete_transcription_job(TranscriptionJobName="noise")
    with pytest.raises(ClientError) as failure:
        transcribe.get_transcription_job(TranscriptionJobName="noise")
    assert error_of(failure) == "NotFoundException"


@pytest.mark.parametrize(
    "more",
    [
        {"LanguageCode": "de-DE"},
        {"OutputBucketName": "no-such-bucket"},
        {"media": "nothing.mp3"},
        {"Settings": {"ShowSpeakerLabels": True, "MaxSpeakerLabels": 2}},
    ],
)
def test_what_is_not_supported_is_refused_at_once(clients: Clients, more: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as failure:
        start(clients, "refused", **more)
    assert error_of(failure) == "BadRequestException"


class Heard(msgspec.Struct):
    segments: list[list[Any]]
    bad: str = ""


async def test_a_job_that_a_crash_interrupted_is_done_at_the_next_start(tmp_path: Path) -> None:
    async def engines(capability: str, items: Any, timeout: float) -> list[Any]:
        assert isinstance(items[0], Audio)
        assert await asyncio.to_thread(Path(items[0].path).read_bytes) == b"sound"
        return [Heard([])]

    async def sound() -> AsyncIterator[bytes]:
        yield b"sound"

    store, objects = MemoryStore(100), Disk(tmp_path)
    await objects.create_bucket("b", "r")
    blob = await objects.write(sound())
    await objects.put("b", "in.wav", [blob], "e", {})
    jobs = Jobs(store, objects, engines)
    media = Place("b", "in.wav")
    left = Job("r", "1", "job", "en-US", "s3://b/in.wav", media, Place("b", "out.json"), 1.0, "h")
    await jobs.keep(msgspec.structs.replace(left, status="IN_PROGRESS"))
    await Jobs(store, objects, engines).resume()
    done = await jobs.get("r", "job")
    assert done is not None
    assert done.status == "COMPLETED"
    assert (await objects.get("b", "out.json")).size > 0
    await objects.close()


async def test_a_job_that_a_stop_cuts_off_is_not_given_up(tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def engines(capability: str, items: Any, timeout: float) -> list[Any]:
        asked.set()
        await asyncio.sleep(60)
        return []

    async def sound() -> AsyncIterator[bytes]:
        yield b"sound"

    store, objects, background = MemoryStore(100), Disk(tmp_path), Background()
    await objects.create_bucket("b", "r")
    await objects.put("b", "in.wav", [await objects.write(sound())], "e", {})
    jobs = Jobs(store, objects, engines)
    media = Place("b", "in.wav")
    job = Job("r", "1", "job", "en-US", "s3://b/in.wav", media, Place("b", "out.json"), 1.0, "h")
    await jobs.keep(job)
    background.start(jobs.do(job), "job")
    await asked.wait()
    await background.aclose()
    left = await jobs.get("r", "job")
    assert left is not None
    assert left.status == "IN_PROGRESS"
    await objects.close()
