"""`torana detokenise`: what tokens stand for."""

from pathlib import Path

import click
from rich.table import Table

from torana.cli.gateway import OUT, as_json, ask, client, data_option


@click.command()
@click.argument("tokens", nargs=-1, required=True)
@click.option("--json", "as_program", is_flag=True, help="For programs.")
@data_option
def detokenise(tokens: tuple[str, ...], as_program: bool, data: Path) -> None:
    """Say what TOKENS stand for. Needs `torana:Detokenise`, and is on record in the audit trail.

    \b
    torana detokenise tok~b3Jk…~
    """
    found = ask(client(data, "torana").detokenise, tokens=list(tokens))["values"]
    if as_program:
        as_json(found)
        return
    table = Table("token", "state", "tenant", "value", box=None)
    for each in found:
        table.add_row(each["token"], each["state"], each.get("tenant", ""), each.get("value", ""))
    OUT.print(table, markup=False)
