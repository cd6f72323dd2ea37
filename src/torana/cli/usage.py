"""`torana usage`: what the LLM API's keys used, from the ledger."""

import time
from collections.abc import Callable
from pathlib import Path

import click
from msgspec import Struct
from rich.table import Table

from torana.cli.gateway import OUT, as_json, data_option
from torana.cli.kept import vault_of
from torana.llm.spend import Spent, read


class Sum(Struct):
    """Of several requests."""

    requests: int = 0
    failed: int = 0
    input: int = 0
    output: int = 0
    usd: float = 0.0

    def add(self, spent: Spent) -> None:
        """One more."""
        self.requests += 1
        self.failed += spent.status >= 400
        self.input += spent.input
        self.output += spent.output
        self.usd += spent.usd or 0.0


def _day(spent: Spent) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(spent.at))


_BY: dict[str, Callable[[Spent], str]] = {
    "key": lambda spent: spent.key,
    "model": lambda spent: spent.model,
    "provider": lambda spent: spent.provider or "none",
    "day": _day,
}


@click.command()
@click.option("--by", type=click.Choice(list(_BY)), default="key", show_default=True)
@click.option("--from", "first", default="", help="First day, 2026-11-23.")
@click.option("--to", "last", default="9", help="Last day.")
@click.option("--json", "as_program", is_flag=True, help="For programs.")
@data_option
def usage(by: str, first: str, last: str, as_program: bool, data: Path) -> None:
    """Requests, tokens and dollars of the LLM API.

    \b
    torana usage --by model --from 2026-11-01
    """
    sums: dict[str, Sum] = {}
    for spent in read(data / "usage", first, last, vault_of(data).cover("usage")):
        sums.setdefault(_BY[by](spent), Sum()).add(spent)
    if as_program:
        as_json(sums)
        return
    table = Table(by, "requests", "failed", "input", "output", "USD", box=None)
    for name, each in sorted(sums.items(), key=lambda item: -item[1].usd):
        numbers = (each.requests, each.failed, each.input, each.output)
        table.add_row(name, *map(str, numbers), f"{each.usd:.4f}")
    OUT.print(table)
