"""The AI examples as a user runs them: one process, plain HTTP on one side, boto3 on the other."""

import io
import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import soundfile  # pyright: ignore[reportMissingTypeStubs]

from tests.app.test_serve_command import Running, gateway


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    with gateway(tmp_path_factory.mktemp("data"), "examples") as found:
        yield found


def ask(
    running: Running,
    method: str,
    path: str,
    body: bytes | None = None,
    content_type: str = "",
    accept: str = "*/*",
) -> tuple[int, bytes, str | None]:
    url = f"http://127.0.0.1:{running.run['port']}/restapis/{path}"
    fields = {"Content-Type": content_type, "Accept": accept} if content_type else {}
    request = urllib.request.Request(url, body, fields, method=method)
    try:
        with urllib.request.urlopen(request) as reply:
            return reply.status, reply.read(), reply.headers["Content-Type"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), None


FILES = "files/prod/_user_request_/files"


def test_files_go_through_an_api_into_the_object_store_and_back(running: Running) -> None:
    s3 = running.client("s3")
    s3.create_bucket(Bucket="files")
    picture = bytes(range(256)) * 40
    assert ask(running, "PUT", f"{FILES}/a.png", picture, "image/png")[0] == 200
    assert s3.get_object(Bucket="files", Key="a.png")["Body"].read() == picture
    assert ask(running, "GET", f"{FILES}/a.png") == (200, picture, "image/png")
    status, listed, _ = ask(running, "GET", f"{FILES}?prefix=a")
    assert (status, b"<Key>a.png</Key>" in listed) == (200, True)
    assert ask(running, "DELETE", f"{FILES}/a.png")[0] == 204
    assert ask(running, "GET", f"{FILES}/a.png")[0] == 404


ASSISTANT = "assistant/prod/_user_request_"
DATA = Path(__file__).parents[1] / "data"


def told(running: Running, path: str, body: bytes, content_type: str = "application/json") -> Any:
    status, answer, _ = ask(running, "POST", f"{ASSISTANT}{path}", body, content_type)
    assert status == 200, answer
    return json.loads(answer)


def test_speech_comes_out_of_an_api_as_audio(running: Running) -> None:
    status, audio, kind = ask(
        running,
        "POST",
        f"{ASSISTANT}/speech",
        b'{"text": "Good morning."}',
        "application/json",
        "audio/mpeg",
    )
    assert (status, kind) == (200, "audio/mpeg")
    assert soundfile.SoundFile(io.BytesIO(audio)).format == "MP3"


def test_pictures_go_into_an_api_and_labels_come_out(running: Running) -> None:
    cat = (DATA / "cat.jpg").read_bytes()
    labels = told(running, "/labels", cat, "image/jpeg")["labels"]
    assert "Cat" in [each["name"] for each in labels]
    status, body, _ = ask(running, "POST", f"{ASSISTANT}/labels", b"no picture", "image/png")
    assert (status, "image format" in json.loads(body)["error"]) == (400, True)


def test_an_api_says_whom_a_picture_shows(running: Running) -> None:
    rekognition = running.client("rekognition")
    rekognition.create_collection(CollectionId="people")
    for name in ("obama", "biden"):
        rekognition.index_faces(
            CollectionId="people",
            Image={"Bytes": (DATA / f"{name}.jpg").read_bytes()},
            ExternalImageId=name,
        )
    picture = (DATA / "biden.jpg").read_bytes()
    people = told(running, "/faces/people", picture, "image/jpeg")["people"]
    assert [each["name"] for each in people] == ["biden"]


@pytest.mark.skipif(shutil.which("apertium") is None, reason="apt-get install apertium-eng-spa")
def test_an_api_translates_and_says_from_what(running: Running) -> None:
    answer = told(running, "/translate", b'{"text": "The red house.", "to": "es"}')
    assert answer == {"text": "La casa roja.", "from": "en"}
