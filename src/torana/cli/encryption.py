"""`torana encryption`: the keys that what is kept is encrypted with."""

from pathlib import Path

import click
from rich.table import Table

from torana.app.encryption import Encryption, wrapped_keys
from torana.cli.gateway import OUT, data_option, fail
from torana.cli.kept import settings_of, vault_of, with_store
from torana.data_settings import PURPOSES
from torana.sealing import NotOpened
from torana.sealing.vault import opened_lines
from torana.settings import Settings
from torana.state.store import Store

_config = click.option("--config", type=click.Path(exists=True, dir_okay=False), help="torana.toml")


@click.group()
def encryption() -> None:
    """Data keys of the encryption at rest."""


@encryption.command()
@_config
@data_option
def status(config: str | None, data: Path) -> None:
    """Which data keys there are, and what they are wrapped with. Keys that the settings' previous
    master key wrapped are wrapped anew."""

    async def work(store: Store, encryption: Encryption) -> Table:
        table = Table("key", "purpose", "in use", "wrapped with", box=None)
        for id, each in sorted((await wrapped_keys(store)).items(), key=lambda it: it[1].purpose):
            current = encryption.vault.current(each.purpose)
            used = current is not None and current.id.hex() == id
            table.add_row(id, each.purpose, "yes" if used else "no", each.master)
        return table

    OUT.print(with_store(_encrypted(config, data), work))


@encryption.command()
@_config
@data_option
def rotate(config: str | None, data: Path) -> None:
    """Encrypt with fresh data keys from now on. What is encrypted stays as it is and readable; a
    running gateway takes the new keys up within seconds.

    \b
    torana encryption rotate --data data
    """

    async def work(store: Store, encryption: Encryption) -> list[str]:
        return await encryption.rotate()

    for id in with_store(_encrypted(config, data), work):
        OUT.print(id, markup=False)


@encryption.command()
@_config
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@data_option
def read(file: Path, config: str | None, data: Path) -> None:
    """Print an encrypted file of lines (logs, usage, audit) as it was written.

    \b
    torana encryption read data/logs/access.log
    """
    vault = vault_of(data, config)
    for purpose in PURPOSES:
        cover = vault.cover(purpose)
        try:
            with file.open("rb") as lines:
                for line in opened_lines(iter(lines), cover):
                    click.echo(line.rstrip(b"\n"))
        except NotOpened:
            continue
        return
    raise fail(f"no data key of this gateway opens {file}")


def _encrypted(config: str | None, data: Path) -> Settings:
    settings = settings_of(data, config)
    if settings.encryption is None:
        raise fail("nothing is encrypted: there is no [encryption] in the settings")
    return settings
