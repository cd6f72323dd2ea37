"""`torana logs`: the events of the node's log groups."""

import sqlite3
import time
from pathlib import Path

import click

from torana.cli.gateway import data_option, fail
from torana.cli.kept import vault_of
from torana.sealing import Cover
from torana.telemetry.log_runs import tail

_PAUSE = 0.2
"""Seconds between two looks for further events."""


@click.command()
@click.argument("name", default="")
@click.option("--follow", "-f", is_flag=True, help="Go on with what is written from now on.")
@click.option("--lines", "-n", default=20, show_default=True, help="Of the end.")
@data_option
def logs(name: str, follow: bool, lines: int, data: Path) -> None:
    """Print the events of the log groups whose name holds NAME.

    \b
    torana logs
    torana logs /aws/lambda/ --follow
    """
    path = data / "logs.db"
    cover = vault_of(data).cover("logs")
    found, last = list[tuple[str, str]](), 0
    while not path.exists() and follow:
        time.sleep(_PAUSE)
    if path.exists():
        last, found = _read(path, -max(1, lines), name, cover)
    if not found and not follow:
        raise fail(
            f"there is no event in {path}"
            + (f" of a group with {name!r} in its name" if name else ""),
            "Name a log group in the stage's accessLogSettings, or run a function.",
        )
    while True:
        for group, text in found:
            click.echo(f"{group}  {text.rstrip()}")
        if not follow:
            return
        if not found:
            time.sleep(_PAUSE)
        last, found = _read(path, last, name, cover)


def _read(path: Path, after: int, name: str, cover: Cover) -> tuple[int, list[tuple[str, str]]]:
    try:
        return tail(path, after, name, cover)
    except sqlite3.Error as error:
        raise fail(f"cannot read {path}: {error}", "Is it the data folder of a gateway?") from None
