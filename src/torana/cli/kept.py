"""What a gateway keeps, for commands that read or change it beside the gateway."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from torana.app.encryption import Encryption, opened
from torana.cli.gateway import fail
from torana.sealing import NotOpened, Vault
from torana.settings import BadSettings, Settings, load
from torana.state.store import Store, StoreError

T = TypeVar("T")


def settings_of(data: Path | str | None, config: str | None = None) -> Settings:
    """The settings of a data folder's gateway. Ends the command when they are bad."""
    given = {"data": str(data)} if data is not None else {}
    found = Path(config) if config else Path("torana.toml")
    try:
        return load(given, os.environ, found if config or found.exists() else None)
    except BadSettings as error:
        raise fail(str(error)) from None


def with_store(settings: Settings, work: Callable[[Store, Encryption], Awaitable[T]]) -> T:
    """Do something with the store. A failure of it ends the command."""

    async def run() -> T:
        async with opened(settings, os.environ) as (store, encryption):
            return await work(store, encryption)

    try:
        return asyncio.run(run())
    except (BadSettings, NotOpened, StoreError, OSError) as error:
        raise fail(str(error)) from None


def vault_of(data: Path, config: str | None = None) -> Vault:
    """The data keys of a folder's gateway; none where nothing of it is encrypted."""
    settings = settings_of(data, config)
    if settings.encryption is None:
        return Vault()

    async def work(store: Store, encryption: Encryption) -> Vault:
        return encryption.vault

    return with_store(settings, work)
