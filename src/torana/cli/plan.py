"""`torana plan`: what each method of an API goes through."""

import click
from rich.console import Console
from rich.table import Table

from torana.app.definitions import BadDefinitions
from torana.app.preview import preview


@click.command()
@click.argument("apis", nargs=-1, required=True, type=click.Path(exists=True))
def plan(apis: tuple[str, ...]) -> None:
    """Check API files and print the compiled chain of every method."""
    try:
        rows = preview(apis)
    except BadDefinitions as error:
        Console(stderr=True).print(str(error), markup=False, style="red", soft_wrap=True)
        raise SystemExit(2) from None
    table = Table("API", "stage", "method", "chain", box=None)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
