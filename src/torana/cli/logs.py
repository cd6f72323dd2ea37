"""`torana logs`: what the gateway keeps under `DATA/logs`."""

import time
from pathlib import Path
from typing import BinaryIO

import click

from torana.cli.gateway import data_option, fail


@click.command()
@click.argument("name", default="")
@click.option("--follow", "-f", is_flag=True, help="Go on with what is written from now on.")
@click.option("--lines", "-n", default=20, show_default=True, help="Of each file's end.")
@data_option
def logs(name: str, follow: bool, lines: int, data: Path) -> None:
    """Print the logs of the data folder, of those whose file name holds NAME.

    \b
    torana logs
    torana logs sentiment --follow
    """
    folder = data / "logs"
    files = sorted(path for path in folder.rglob("*") if path.is_file() and name in path.name)
    if not files and not follow:
        raise fail(
            f"there is no log in {folder}" + (f" with {name!r} in its name" if name else ""),
            "Name a log group in the stage's accessLogSettings, or start with --access-log.",
        )
    opened: dict[Path, BinaryIO] = {}
    for path in files:
        opened[path] = path.open("rb")
        for line in opened[path].readlines()[-lines:]:
            _say(path, line, several=len(files) > 1)
    while follow:
        _rest(folder, name, opened)
        time.sleep(0.2)


def _rest(folder: Path, name: str, opened: dict[Path, BinaryIO]) -> None:
    """What was written since, in files new and old."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and name in path.name and path not in opened:
            opened[path] = path.open("rb")
    for path, file in opened.items():
        for line in file.readlines():
            _say(path, line, several=len(opened) > 1)


def _say(path: Path, line: bytes, *, several: bool) -> None:
    text = line.decode("utf-8", "replace").rstrip("\n")
    click.echo(f"{path.stem}  {text}" if several else text)
