"""AWS clients of the gateway that serves from a data folder."""

import json
from pathlib import Path
from typing import Any

import botocore.session
import click
from botocore.config import Config

from torana.services.credentials import PROFILE, BadCredentials, read_profile


def client(service: str, data: str, region: str = "us-east-1") -> Any:
    """Signed with the first-start credentials. Raises `ClickException` when nothing serves."""
    folder = Path(data)
    try:
        run = json.loads((folder / "run.json").read_text("utf-8"))
        keys = read_profile(folder / "credentials", PROFILE)
    except (OSError, ValueError, BadCredentials) as error:
        raise click.ClickException(
            f"no gateway serves from {folder.absolute()}: start it with 'torana serve', or name "
            f"its folder with --data ({error})"
        ) from None
    session: Any = botocore.session.get_session()
    return session.create_client(
        service,
        region_name=region,
        endpoint_url=f"http://127.0.0.1:{run['management_port']}",
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
        config=Config(read_timeout=910, retries={"total_max_attempts": 1}),
    )
