"""`torana lifecycle`: the states, the owners and the changelogs of APIs' versions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.table import Table

from torana.cli.gateway import OUT, as_json, ask, client, data_option, fail, pairs

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group()
def lifecycle() -> None:
    """Versions of APIs: a version is a stage, API/STAGE."""


def _place(text: str) -> dict[str, str]:
    api, slash, stage = text.partition("/")
    if not slash or not stage:
        raise fail(f"{text!r} is not a version", "Name it as API/STAGE, such as orders/v1.")
    return {"apiId": api, "stage": stage}


def _version(command: Command) -> Command:
    return click.argument("version")(data_option(command))


_JSON = click.option("--json", "as_program", is_flag=True, help="For programs.")
_FORCE = click.option("--force", is_flag=True, help="Whatever it breaks, or was promised.")


@lifecycle.command(name="list")
@click.option("--state", type=click.Choice(["design", "published", "deprecated", "retired"]))
@_JSON
@data_option
def list_(state: str | None, as_program: bool, data: Path) -> None:
    """Every version that is served."""
    given = {"state": state} if state else {}
    found = ask(client(data, "torana").list_versions, **given)["versions"]
    if as_program:
        as_json(found)
        return
    table = Table("version", "name", "number", "state", "since", "sunset", "owners", box=None)
    for each in found:
        told = each.get("deprecation", {})
        table.add_row(
            f"{each['apiId']}/{each['stage']}",
            each["name"],
            each["version"],
            each["state"],
            told.get("since", ""),
            told.get("sunset", ""),
            ", ".join(owner["name"] for owner in each["owners"]),
        )
    OUT.print(table)


@lifecycle.command()
@_version
def show(version: str, data: Path) -> None:
    """Everything that is known of a version, as JSON."""
    as_json(ask(client(data, "torana").get_version, **_place(version)))


def _put(version: str, data: Path, **given: Any) -> None:
    found = ask(client(data, "torana").put_version, **_place(version), **given)
    for change in found.get("changes", ()):
        OUT.print(f"{change['level']}: {change['operation']} {change['text']}", soft_wrap=True)
    OUT.print(f"{version} is [bold]{found['state']}[/]")


@lifecycle.command()
@_version
@_FORCE
def publish(version: str, force: bool, data: Path) -> None:
    """Let everybody who may call it see a version that was in design."""
    _put(version, data, state="published", force=force)


@lifecycle.command()
@_version
@click.option("--since", help="A date, or a time with its zone; today if none is given.")
@click.option("--sunset", help="From when on it will not answer.")
@click.option("--successor", help="Address of what takes its place.")
@click.option("--documentation", help="Address of a page about it.")
def deprecate(version: str, data: Path, **told: str | None) -> None:
    """Tell clients, in each answer, that a version will go.

    \b
    torana lifecycle deprecate orders/v1 --sunset 2027-06-30 --successor https://api.example.com/v2
    """
    known = ask(client(data, "torana").get_version, **_place(version)).get("deprecation", {})
    deprecation = {**known, **{name: each for name, each in told.items() if each}}
    _put(version, data, state="deprecated", deprecation=deprecation)


@lifecycle.command()
@_version
@_FORCE
def retire(version: str, force: bool, data: Path) -> None:
    """Answer 410 from now on. A sunset that clients were told must have come."""
    _put(version, data, state="retired", force=force)


@lifecycle.command()
@_version
@click.argument("owners", nargs=-1, required=True)
def owners(version: str, owners: tuple[str, ...], data: Path) -> None:
    """Say who answers for a version: NAME=ADDRESS of each.

    \b
    torana lifecycle owners orders/v1 "Ann Lee=mailto:ann@example.com"
    """
    named = pairs(owners, "OWNERS")
    _put(
        version,
        data,
        owners=[{"name": name, "contact": contact} for name, contact in named.items()],
    )


@lifecycle.command()
@_version
@click.argument("text")
@click.option(
    "--kind",
    type=click.Choice(["added", "changed", "deprecated", "removed", "fixed", "security"]),
    default="changed",
    show_default=True,
)
def note(version: str, text: str, kind: str, data: Path) -> None:
    """Add a line to a version's changelog."""
    ask(client(data, "torana").add_change, **_place(version), text=text, kind=kind)


@lifecycle.command()
@_version
def reset(version: str, data: Path) -> None:
    """Go back to what the version's definition declares."""
    ask(client(data, "torana").reset_version, **_place(version))


@lifecycle.command()
@_version
@click.option("--days", default=30, show_default=True, help="So far back.")
@_JSON
def callers(version: str, days: int, as_program: bool, data: Path) -> None:
    """Who called what is deprecated of a version: by key, or whoever signed in."""
    asked = client(data, "torana").list_callers
    found = ask(asked, **_place(version), days=days)["callers"]
    if as_program:
        as_json(found)
        return
    table = Table("caller", "operation", "calls", "last", box=None)
    for each in found:
        last = str(each["last"])[:16]
        table.add_row(each["caller"], each["operation"], str(each["calls"]), last)
    OUT.print(table)
