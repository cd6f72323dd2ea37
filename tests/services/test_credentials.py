import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from torana.services.credentials import BadCredentials, outgoing_credentials, root_credentials


def test_the_first_start_makes_them_and_the_second_finds_them(tmp_path: Path) -> None:
    first = root_credentials(tmp_path / "data", "000000000000")
    assert root_credentials(tmp_path / "data", "000000000000") == first
    assert first.principal.arn == "arn:aws:iam::000000000000:root"
    assert first.access_key_id.startswith("AKIA")
    assert len(first.secret_access_key) == 40


def test_only_the_owner_can_read_them(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        root_credentials(tmp_path, "0")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "credentials").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["credentials"]


def test_starts_at_the_same_time_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(root_credentials, [tmp_path] * 16, ["0"] * 16))
    assert len({each.secret_access_key for each in made}) == 1


def test_boto3_reads_the_file_as_its_own(tmp_path: Path) -> None:
    made = root_credentials(tmp_path, "0")
    script = (
        "import boto3; found = boto3.Session(profile_name='torana').get_credentials();"
        "print(found.access_key, found.secret_key)"
    )
    environment = {
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "PATH": os.environ["PATH"],
    }
    shown = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert shown.stdout.split() == [made.access_key_id, made.secret_access_key]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", r"no profile \[torana\]"),
        ("[torana]\naws_access_key_id = a\n", "has no aws_secret_access_key"),
        ("not a file of that kind", "not a credentials file"),
    ],
)
def test_a_broken_file_is_named_and_left_alone(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "credentials"
    path.write_text(text)
    with pytest.raises(BadCredentials, match=words):
        root_credentials(tmp_path, "0")
    assert path.read_text() == text


def test_outgoing_keys_come_from_the_environment_or_a_profile(tmp_path: Path) -> None:
    path = tmp_path / "credentials"
    path.write_text("[work]\naws_access_key_id = A\naws_secret_access_key = B\n")
    environment = {"AWS_SHARED_CREDENTIALS_FILE": str(path), "AWS_ACCESS_KEY_ID": "E"}
    environment["AWS_SECRET_ACCESS_KEY"] = "F"
    by_profile = outgoing_credentials("work", environment)
    by_environment = outgoing_credentials(None, environment)
    assert by_profile is not None
    assert by_environment is not None
    assert (by_profile.access_key_id, by_environment.access_key_id) == ("A", "E")


def test_without_keys_there_are_none(tmp_path: Path) -> None:
    assert outgoing_credentials(None, {"HOME": str(tmp_path)}) is None
    with pytest.raises(BadCredentials):
        outgoing_credentials("work", {"HOME": str(tmp_path)})
