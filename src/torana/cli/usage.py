"""`torana usage`: what the LLM API's keys used, from the ledger."""

from pathlib import Path

import click
from rich.table import Table

from torana.cli.gateway import OUT, as_json, data_option
from torana.cli.kept import vault_of
from torana.llm.spend import GROUPS, totals


@click.command()
@click.option("--by", type=click.Choice(GROUPS), default="key", show_default=True)
@click.option("--from", "first", default="", help="First day, 2026-11-23.")
@click.option("--to", "last", default="9", help="Last day.")
@click.option("--json", "as_program", is_flag=True, help="For programs.")
@data_option
def usage(by: str, first: str, last: str, as_program: bool, data: Path) -> None:
    """Requests, tokens and dollars of the LLM API.

    \b
    torana usage --by model --from 2026-11-01
    """
    found = totals(data / "usage", first, last, (by,), cover=vault_of(data).cover("usage"))
    sums = {each.group[by]: each for each in found}
    if as_program:
        as_json(sums)
        return
    table = Table(by, "requests", "failed", "input", "output", "USD", box=None)
    for name, each in sorted(sums.items(), key=lambda item: -item[1].usd):
        numbers = (each.requests, each.failed, each.input, each.output)
        table.add_row(name or "none", *map(str, numbers), f"{each.usd:.4f}")
    OUT.print(table)
