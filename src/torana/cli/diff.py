"""`torana diff`: what applying a folder would change; with `--breaking`, what of two definitions of
an API breaks clients."""

from pathlib import Path

import click
import msgspec

from torana.app import configuration
from torana.cli.config import settings_of, with_store, written
from torana.cli.gateway import ask, client, data_option, fail
from torana.openapi.compare import Change, breaks, compare, definition, markdown
from torana.openapi.compare.document import Definition
from torana.openapi.spot import SyntaxMistake
from torana.openapi.syntax import parse
from torana.state.store import Store


@click.command()
@click.argument("places", nargs=-1, required=True)
@click.option("--breaking", is_flag=True, help="Compare two definitions of an API, OLD and NEW.")
@click.option("--format", "kind", type=click.Choice(["text", "json", "markdown"]), default="text")
@click.option("--config", type=click.Path(exists=True, dir_okay=False), help="torana.toml")
@click.option("--store", help="sqlite:///FILE or postgresql://…")
@data_option
def diff(
    places: tuple[str, ...],
    breaking: bool,
    kind: str,
    config: str | None,
    store: str | None,
    data: Path,
) -> None:
    """What `torana config apply FOLDER` would change, as a unified diff. Exits with 1 if anything.

    With --breaking: what differs between two definitions, and whether it breaks clients. Each is a
    file, API/STAGE of a running gateway, or API@DEPLOYMENT. Exits with 1 if anything breaks.

    \b
    torana diff apis --data data
    torana diff --breaking main/orders.yaml orders.yaml --format markdown
    torana diff --breaking orders/v1 orders.yaml
    """
    if not breaking:
        if len(places) != 1:
            raise fail("torana diff takes one FOLDER", "Two definitions need --breaking.")
        _folder(Path(places[0]), config, str(data), store)
        return
    if len(places) != 2:
        raise fail("torana diff --breaking takes two definitions, OLD and NEW")
    found = _compared(data, *places)
    if kind == "markdown":
        click.echo(markdown(found), nl=False)
    elif kind == "json":
        told = {"breaking": breaks(found), "changes": found}
        click.echo(msgspec.json.format(msgspec.json.encode(told)).decode())
    else:
        for each in found:
            click.echo(str(each))
    if breaks(found):
        raise SystemExit(1)


def _compared(data: Path, old: str, new: str) -> tuple[Change, ...]:
    """Here when both are files, else by the gateway."""
    given = [_given(each) for each in (old, new)]
    if all("document" in each for each in given):
        return compare(_read(old, given[0]["document"]), _read(new, given[1]["document"]))
    asked = client(data, "torana").compare_definitions
    found = ask(asked, old=given[0], new=given[1])["changes"]
    return tuple(msgspec.convert(each, Change) for each in found)


def _read(name: str, text: str) -> Definition:
    try:
        return definition(parse(text, name).value)
    except SyntaxMistake as error:
        raise fail(f"{name}:{error.spot.line}: {error}") from None


def _given(name: str) -> dict[str, str]:
    path = Path(name)
    if path.is_file():
        return {"document": path.read_text("utf-8", "replace")}
    api, at, deployment = name.partition("@")
    if at and deployment:
        return {"apiId": api, "deploymentId": deployment}
    api, slash, stage = name.partition("/")
    if not slash or not stage:
        raise fail(f"{name} is no file", "Name a file, API/STAGE or API@DEPLOYMENT.")
    return {"apiId": api, "stage": stage}


def _folder(folder: Path, config: str | None, data: str, store: str | None) -> None:
    if not folder.is_dir():
        raise fail(f"{folder} is no folder")

    async def work(opened: Store) -> list[str]:
        there = await written(opened)
        found = configuration.documents(configuration.files_of(folder))
        # Written anew, so that only what is said counts, not how.
        versions = {place: configuration.Kept(0, body) for place, body in found.items()}
        return list(configuration.differences(there, configuration.written(versions)))

    lines = with_store(settings_of(config, data, store), work)
    for line in lines:
        click.echo(line)
    if lines:
        raise SystemExit(1)
