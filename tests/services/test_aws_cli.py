"""The AWS command line against a listener, with nothing but the credentials file."""

import asyncio
import os
import shutil
from pathlib import Path

import msgspec
import pytest

from tests.services.serving import parts, serving
from torana.net.client import HttpClient
from torana.services.assembly import router
from torana.services.credentials import FixedCredentials, root_credentials
from torana.settings import Settings

AWS = shutil.which("aws")
pytestmark = pytest.mark.skipif(AWS is None, reason="the aws command is not installed")


async def aws(folder: Path, *words: str) -> bytes:
    """What the command prints, with the profile that the first start made."""
    root = root_credentials(folder, "000000000000")
    found = router(Settings(), parts(), FixedCredentials([root]), HttpClient(), {"HOME": "/none"})
    async with serving(found.handle) as listener:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
        }
        process = await asyncio.create_subprocess_exec(
            AWS or "aws",
            *words,
            *("--profile", "torana", "--region", "eu-west-1", "--output", "json"),
            *("--endpoint-url", f"http://127.0.0.1:{listener.port}"),
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
    return out


async def test_who_am_i(tmp_path: Path) -> None:
    said = msgspec.json.decode(await aws(tmp_path, "sts", "get-caller-identity"))
    assert said["Arn"] == "arn:aws:iam::000000000000:root"


async def test_the_sentiment_of_a_text(tmp_path: Path) -> None:
    words = ("comprehend", "detect-sentiment", "--text", "fine!!!!", "--language-code", "en")
    said = msgspec.json.decode(await aws(tmp_path, *words))
    assert said["Sentiment"] == "POSITIVE"


async def test_an_http_api_of_one_line(tmp_path: Path) -> None:
    words = ("create-api", "--name", "pets", "--protocol-type", "HTTP", "--target", "http://a")
    said = msgspec.json.decode(await aws(tmp_path, "apigatewayv2", *words))
    assert (said["Name"], said["ProtocolType"], len(said["ApiId"])) == ("pets", "HTTP", 10)
