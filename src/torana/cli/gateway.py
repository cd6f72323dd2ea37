"""The running gateway that a command talks to: found through its data folder."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import botocore.session
import click
import msgspec
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct
from rich.console import Console

from torana.services.credentials import PROFILE, BadCredentials, read_profile
from torana.wire.model import OWN

OUT = Console(highlight=False)
ERR = Console(stderr=True, highlight=False)

Command = TypeVar("Command", bound=Callable[..., Any])


class Running(Struct, frozen=True):
    """`DATA/run.json`."""

    pid: int
    port: int
    management_port: int


def data_option(command: Command) -> Command:
    """`--data`, as `torana serve` has it."""
    return click.option(
        "--data",
        default=lambda: os.environ.get("TORANA_DATA", "data"),
        show_default="data",
        help="The gateway's data folder.",
        type=click.Path(file_okay=False, path_type=Path),
    )(command)


def fail(why: str, mend: str = "") -> "SystemExit":
    """Say what is wrong and what mends it; raise what this gives."""
    ERR.print("[bold red]Failed:[/] ", end="")
    ERR.print(why, markup=False, soft_wrap=True)
    if mend:
        ERR.print(mend, markup=False, soft_wrap=True, style="dim")
    return SystemExit(1)


def running(data: Path) -> Running:
    """Ends the command when no gateway runs there."""
    path = data / "run.json"
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Running)
        os.kill(found.pid, 0)
    except (OSError, msgspec.DecodeError):
        raise fail(
            f"no gateway is running in {data}",
            f"Start one with `torana serve --data {data}`, or name another folder with --data.",
        ) from None
    return found


def client(data: Path, service: str = "apigateway") -> Any:
    """A client of the management listener, signed with the folder's credentials."""
    there = running(data)
    try:
        found = read_profile(data / "credentials", PROFILE)
    except BadCredentials as error:
        raise fail(str(error), "It is made by the gateway's first start: start it anew.") from None
    session: Any = botocore.session.Session()
    session.get_component("data_loader").search_paths.append(str(OWN))
    return session.create_client(
        service,
        endpoint_url=f"http://127.0.0.1:{there.management_port}",
        region_name=os.environ.get("TORANA_REGION", "us-east-1"),
        aws_access_key_id=found.access_key_id,
        aws_secret_access_key=found.secret_access_key,
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=910),
    )


def ask(operation: Callable[..., Any], **params: Any) -> dict[str, Any]:
    """An operation's answer; its error ends the command."""
    try:
        answer: dict[str, Any] = operation(**params)
    except ClientError as error:
        said: Any = error.response
        raise fail(f"{said['Error']['Code']}: {said['Error']['Message']}") from None
    except BotoCoreError as error:
        raise fail(str(error)) from None
    answer.pop("ResponseMetadata", None)
    return answer


def pairs(given: tuple[str, ...], what: str) -> dict[str, str]:
    """`name=value` options as a mapping. Ends the command for one that is none."""
    found: dict[str, str] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{each!r} must be NAME=VALUE", param_hint=what)
        found[name] = value
    return found


def as_json(value: object) -> None:
    """A value for programs."""
    text = msgspec.json.format(msgspec.json.encode(value, enc_hook=str)).decode()
    click.echo(text)
