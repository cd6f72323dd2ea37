"""`torana config export`, `torana config apply`: the APIs of a store as files."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click

from torana.app import configuration
from torana.app.configuration import BadConfiguration
from torana.app.encryption import opened
from torana.cli.gateway import OUT, fail
from torana.settings import BadSettings, Settings, load
from torana.state.store import Conflict, Store, StoreError

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., Any])


def _options(command: Command) -> Command:
    for option in (
        click.option("--config", type=click.Path(exists=True, dir_okay=False), help="torana.toml"),
        click.option("--data", help="Folder for everything that is kept."),
        click.option("--store", help="sqlite:///FILE or postgresql://…"),
        click.argument("folder", type=click.Path(file_okay=False, path_type=Path)),
    ):
        command = option(command)
    return command


def settings_of(config: str | None, data: str | None, store: str | None) -> Settings:
    """What the options say, and the file. Ends the command for settings that cannot be."""
    given = {name: value for name, value in (("data", data), ("store", store)) if value}
    found = Path(config) if config else Path("torana.toml")
    try:
        return load(given, os.environ, found if config or found.exists() else None)
    except BadSettings as error:
        raise fail(str(error)) from None


def with_store(settings: Settings, work: Callable[[Store], Coroutine[Any, Any, T]]) -> T:
    """Every failure ends the command."""

    async def run() -> T:
        async with opened(settings, os.environ) as (store, _):
            return await work(store)

    try:
        return asyncio.run(run())
    except (BadConfiguration, BadSettings) as error:
        raise fail(str(error)) from None
    except Conflict as error:
        raise fail(str(error), "Somebody else changed it meanwhile: run it again.") from None
    except (StoreError, OSError) as error:
        raise fail(str(error)) from None


async def written(store: Store) -> dict[str, str]:
    """What a store holds, as files."""
    return configuration.written(await configuration.kept(store))


@click.group()
def config() -> None:
    """Every API, domain name, key and usage plan of the control planes as a folder of files."""


@config.command()
@_options
def export(folder: Path, config: str | None, data: str | None, store: str | None) -> None:
    """Write them to FOLDER, one file each; files of what is gone are deleted.

    \b
    torana config export apis --data data && git -C apis diff
    """
    files = with_store(settings_of(config, data, store), written)
    for path in configuration.files_of(folder):
        if path not in files:
            (folder / path).unlink()
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    OUT.print(f"{len(files)} files in {folder}")


@config.command()
@_options
def apply(folder: Path, config: str | None, data: str | None, store: str | None) -> None:
    """Make the gateway what FOLDER says, in one step: live on every worker within a second.

    What no file names is deleted. A folder with a stage that cannot be served is refused.
    """
    settings = settings_of(config, data, store)

    async def work(opened: Store) -> int:
        found = configuration.documents(configuration.files_of(folder))
        configuration.check(found)
        return await configuration.apply(opened, found, settings.account)

    if not folder.is_dir():
        raise fail(f"{folder} is no folder")
    OUT.print(f"{with_store(settings, work)} documents changed")
