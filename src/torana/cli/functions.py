"""`torana functions`: deploy folders as functions, run them, list and delete them."""

import base64
import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError
from rich.table import Table

from torana.cli.gateway import OUT, client, data_option

_SKIPPED = frozenset({"__pycache__", ".git", ".venv", ".DS_Store"})
_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
_ROLE = "arn:aws:iam::000000000000:role/torana"


@click.group()
def functions() -> None:
    """Lambda functions of the running gateway."""


@functions.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--name", help="The function's name.  [default: the folder's]")
@click.option("--handler", required=True, help="Such as app.handler")
@click.option("--runtime", default=_PYTHON, show_default=True)
@click.option(
    "--timeout", type=click.IntRange(1, 900), default=3, show_default=True, help="Seconds"
)
@click.option("--memory", type=click.IntRange(128, 10240), default=128, show_default=True)
@click.option("--env", "environment", multiple=True, metavar="NAME=VALUE")
@click.option("--role", default=_ROLE, show_default=True)
@data_option
def deploy(folder: Path, name: str | None, data: Path, **settings: Any) -> None:
    """Make a function of FOLDER, or give the function of that name its code and settings.

    A requirements.txt in it is installed into the package.
    """
    variables = dict(_pair(each) for each in settings["environment"])
    package = _package(folder)
    service, known = client(data, "lambda"), name or folder.resolve().name
    config = {
        "FunctionName": known,
        "Handler": settings["handler"],
        "Runtime": settings["runtime"],
        "Timeout": settings["timeout"],
        "MemorySize": settings["memory"],
        "Role": settings["role"],
        "Environment": {"Variables": variables},
    }
    try:
        if _exists(service, known):
            service.update_function_configuration(**config)
            made = service.update_function_code(FunctionName=known, ZipFile=package)
        else:
            made = service.create_function(Code={"ZipFile": package}, **config)
    except (ClientError, BotoCoreError) as error:
        raise click.ClickException(str(error)) from None
    OUT.print(made["FunctionArn"])


@functions.command()
@click.argument("name")
@click.argument("payload", default="{}")
@data_option
def invoke(name: str, payload: str, data: Path) -> None:
    """Run a function once with a JSON PAYLOAD; its log goes to standard error."""
    try:
        answer = client(data, "lambda").invoke(
            FunctionName=name, Payload=payload.encode(), LogType="Tail"
        )
    except (ClientError, BotoCoreError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(base64.b64decode(answer.get("LogResult", "")).decode("utf-8", "replace"), err=True)
    click.echo(answer["Payload"].read().decode("utf-8", "replace"))
    if answer.get("FunctionError"):
        raise SystemExit(1)


@functions.command("list")
@data_option
def list_(data: Path) -> None:
    """All functions of the gateway."""
    table = Table("name", "runtime", "handler", "timeout", "memory", box=None)
    pages = client(data, "lambda").get_paginator("list_functions").paginate()
    for each in (function for page in pages for function in page["Functions"]):
        limits = f"{each['Timeout']} s", f"{each['MemorySize']} MB"
        table.add_row(each["FunctionName"], each["Runtime"], each["Handler"], *limits)
    OUT.print(table)


@functions.command()
@click.argument("name")
@data_option
def delete(name: str, data: Path) -> None:
    """Delete a function with all its versions."""
    try:
        client(data, "lambda").delete_function(FunctionName=name)
    except (ClientError, BotoCoreError) as error:
        raise click.ClickException(str(error)) from None


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{text!r} must be NAME=VALUE", param_hint="--env")
    return name, value


def _exists(service: Any, name: str) -> bool:
    try:
        service.get_function_configuration(FunctionName=name)
    except service.exceptions.ResourceNotFoundException:
        return False
    return True


def _package(folder: Path) -> bytes:
    """The folder, with what its requirements.txt names, as a zip."""
    data = io.BytesIO()
    with (
        tempfile.TemporaryDirectory() as installed,
        zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        requirements = folder / "requirements.txt"
        if requirements.exists():
            _install(requirements, Path(installed))
        # The function's own files win.
        files = {name: path for root in (Path(installed), folder) for name, path in _files(root)}
        for name, path in sorted(files.items()):
            archive.write(path, name)
    return data.getvalue()


def _files(root: Path) -> Iterator[tuple[str, Path]]:
    for path in root.rglob("*"):
        name = path.relative_to(root)
        if path.is_file() and not _SKIPPED.intersection(name.parts):
            yield name.as_posix(), path


def _install(requirements: Path, target: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command = [*pip, "--target", str(target), "-r", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise click.ClickException(f"{requirements}: {done.stderr.strip()}")
