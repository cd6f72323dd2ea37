"""The AI examples as a user runs them: one process, plain HTTP on one side, boto3 on the other."""

import urllib.error
import urllib.request
from collections.abc import Generator

import pytest

from tests.app.test_serve_command import Running, gateway


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    with gateway(tmp_path_factory.mktemp("data"), "examples") as found:
        yield found


def ask(
    running: Running, method: str, path: str, body: bytes | None = None, content_type: str = ""
) -> tuple[int, bytes, str | None]:
    url = f"http://127.0.0.1:{running.run['port']}/restapis/{path}"
    fields = {"Content-Type": content_type} if content_type else {}
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
