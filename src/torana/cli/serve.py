"""`torana serve`: the gateway."""

import logging
import os
from pathlib import Path
from typing import Any

import click
import uvloop
from rich.console import Console as Terminal
from rich.logging import RichHandler
from rich.markup import escape

from torana.app import workers
from torana.app.definitions import BadDefinitions
from torana.app.node import Node
from torana.app.running import run
from torana.console import Console
from torana.engines.engine import EngineError
from torana.portal import Portal
from torana.settings import BadSettings, Settings, load
from torana.state.counters import CountersUnavailable
from torana.state.store import StoreError
from torana.variables import unread

OUT = Terminal(highlight=False)
ERR = Terminal(stderr=True, highlight=False)
_log = logging.getLogger("torana.cli")


@click.command()
@click.argument("apis", nargs=-1, type=click.Path(exists=True))
@click.option("--config", type=click.Path(exists=True, dir_okay=False), help="torana.toml")
@click.option("--data", help="Folder for everything that is kept.  [default: data]")
@click.option("--host", help="Address of the front door.  [default: 127.0.0.1]")
@click.option("--port", type=int, help="Port of the front door; 0 picks one.  [default: 8080]")
@click.option("--management-port", type=int, help="Management port; 0 picks one. [default: 8081]")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes on the front door's port.")
@click.option("--store", help="sqlite:///FILE or postgresql://…")
@click.option("--shared", help="redis://…: limits count over several nodes.")
@click.option("--access-log", help="'-' for standard output, or a file.")
@click.option("--demo", is_flag=True, default=None, help="Make an API key for this run.")
@click.option("--watch", is_flag=True, default=None, help="Serve changed files anew.")
def serve(apis: tuple[str, ...], config: str | None, **options: Any) -> None:
    """Serve the APIs of these OpenAPI files (or folders of them).

    Every option can also come from TORANA_* or torana.toml. SIGTERM drains, SIGHUP reloads.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if apis:
        given["apis"] = apis
    found = Path(config) if config else Path("torana.toml")
    try:
        settings = load(given, os.environ, found if config or found.exists() else None)
        _logging(settings)
        for name in unread(os.environ, settings):
            _log.warning("%s is none of Torana's variables: nothing reads it", name)
        node = Node(settings, os.environ, Console, Portal)
        if settings.workers > 1:
            uvloop.run(workers.supervise(node, announce, "torana.cli.worker"))
        else:
            uvloop.run(run(node, announce))
    except (BadSettings, BadDefinitions) as error:
        ERR.print("[bold red]Not started.[/] Mend this and try again:")
        ERR.print(str(error), markup=False, soft_wrap=True)
        raise SystemExit(2) from None
    except (OSError, EngineError, StoreError, CountersUnavailable) as error:
        ERR.print(f"[bold red]Not started:[/] {escape(str(error))}", soft_wrap=True)
        raise SystemExit(1) from None


def _logging(settings: Settings) -> None:
    if ERR.is_terminal:
        pretty = RichHandler(console=ERR, show_path=False, rich_tracebacks=False, markup=False)
        logging.basicConfig(level=settings.log_level, format="%(message)s", handlers=[pretty])
    else:  # a file or a collector wants each message whole
        said = "%(asctime)s %(levelname)s %(message)s"
        logging.basicConfig(level=settings.log_level, format=said)


def announce(node: Node) -> None:
    """Say where everything is, with requests that work."""
    settings = node.settings
    scheme = "https" if settings.tls else "http"
    door = f"{scheme}://{settings.host}:{node.front_port}"
    OUT.print(f"\n[bold green]Torana is serving[/] on [bold]{door}[/]")
    for address in node.addresses:
        OUT.print(f"  {door}{address}", markup=False, soft_wrap=True)
    management = f"http://{settings.management_host}:{node.management.port}"
    credentials = settings.folder() / "credentials"
    said = f"[bold]Management[/] {management}  (AWS profile 'torana' in {escape(str(credentials))})"
    OUT.print(said, soft_wrap=True)
    OUT.print(f"[bold]Console[/]    {management}/console")
    if settings.portal is not None:
        own = (
            f"http://{settings.host}:{node.portals.port}" if node.portals.port else f"{door}/portal"
        )
        OUT.print(f"[bold]Portal[/]     {own}")
    if node.demo_key:
        OUT.print(f"[bold]Demo API key[/] {node.demo_key}  (for this run only)")
        if ("sentiment", "prod") in node.stages:
            _examples(f"{door}/restapis/sentiment/prod/_user_request_", node.demo_key)


def _examples(base: str, key: str) -> None:
    said = """
Try it:
  curl -s {base}/health
  curl -s {base}/sentiment -H 'content-type: application/json' -d '{{"text":"What a lovely day!"}}'
  curl -s {base}/keyed/sentiment -H 'x-api-key: {key}' -H 'content-type: application/json' \\
       -d '{{"text":"The food was great, but the waiter was rude."}}'
"""
    OUT.print(said.format(base=base, key=key), markup=False, soft_wrap=True)
