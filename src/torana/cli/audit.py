"""`torana audit`: whether the audit trail is whole."""

import asyncio
import os
from hashlib import sha256
from pathlib import Path

import click

from torana.app.audit_trail import heads
from torana.app.encryption import opened
from torana.app.functions import node_name
from torana.cli.gateway import OUT
from torana.sealing import Cover
from torana.services.audit import KIND
from torana.services.seal import KeyFile
from torana.settings import BadSettings, Settings, load
from torana.state.store import StoreError
from torana.telemetry.trail.chain import Broken, followed
from torana.telemetry.trail.files import Report, bases, chains, check, lines


@click.group()
def audit() -> None:
    """The trail of every call of a service and every denied request."""


@audit.command()
@click.option("--config", type=click.Path(exists=True, dir_okay=False), help="torana.toml")
@click.option("--data", help="Folder for everything that is kept.")
@click.option("--store", help="sqlite:///FILE or postgresql://…")
def verify(config: str | None, data: str | None, store: str | None) -> None:
    """Find lines that were changed, taken out, put in or reordered. Exits with 1 if there are any.

    \b
    torana audit verify --data data
    """
    given = {name: value for name, value in (("data", data), ("store", store)) if value}
    found = Path(config) if config else Path("torana.toml")
    try:
        settings = load(given, os.environ, found if config or found.exists() else None)
        folder = settings.folder() / "audit"
        if not folder.is_dir() or not (settings.folder() / "audit.key").exists():
            raise BadSettings(f"there is no audit trail in {settings.folder()}")
        report = asyncio.run(_verified(settings, folder))
    except (BadSettings, StoreError) as error:
        raise click.ClickException(str(error)) from None
    for each in report.broken:
        OUT.print(f"{each.place}: {each.what}", markup=False, soft_wrap=True)
    if report.broken:
        raise SystemExit(1)
    OUT.print(f"{report.lines} lines in {report.chains} chains hold", markup=False)


async def _verified(settings: Settings, folder: Path) -> Report:
    async with opened(settings, os.environ) as (store, encryption):
        cover = encryption.vault.cover("audit")
        node, key = node_name(settings.folder()), KeyFile(settings.folder() / "audit.key").secret()
        known = {chain: head async for chain, head in heads(store, node)}
        report = await asyncio.to_thread(check, folder, key, known, cover)
        digests = await asyncio.to_thread(_digests, folder, key, cover)
        async for document in store.scan(KIND):
            told = digests.get(document.id)
            if told is not None and told != sha256(document.body).hexdigest():
                report.broken.append(Broken(f"record {document.id}", "it was changed in the store"))
    return report


def _digests(folder: Path, key: bytes, cover: Cover) -> dict[str, str]:
    """Of the store's records of changes, as the lines tell them."""
    found: dict[str, str] = {}
    begins = bases(folder, key, cover)
    for chain, paths in chains(folder).items():
        for line in followed(key, chain, lines(paths, cover), begins.get(chain)):
            if isinstance(line, dict):
                found.update(each.split(" ", 1) for each in line.get("edits", ()))
    return found
