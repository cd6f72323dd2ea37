"""`torana erase`: what is kept of somebody goes."""

from pathlib import Path

import click
from rich.table import Table

from torana.cli.gateway import OUT, as_json, ask, client, data_option


@click.command()
@click.option("--subject", help="A user of a pool, a key, or a tenant of tokens, by name.")
@click.option("--token", help="A token: everything of the tenant whose key made it.")
@click.option("--dry-run", is_flag=True, help="Only count.")
@click.option("--json", "as_program", is_flag=True, help="For programs.")
@data_option
def erase(
    subject: str | None, token: str | None, dry_run: bool, as_program: bool, data: Path
) -> None:
    """Erase what a running gateway keeps of somebody, and report what was erased and what cannot
    be. Needs `torana:EraseSubject`, and is on record in the audit trail.

    \b
    torana erase --subject ann@example.org --dry-run
    """
    given = {name: value for name, value in (("subject", subject), ("token", token)) if value}
    found = ask(client(data, "torana").erase_subject, dryRun=dry_run, **given)
    if as_program:
        as_json(found)
        return
    table = Table("", "what", "how many", "", box=None)
    for each in found["erased"]:
        done = "would be erased" if dry_run else "erased"
        table.add_row(done, each["kind"], str(each["count"]), "")
    for each in found["remains"]:
        table.add_row("remains", each["kind"], str(each["count"]), each["text"])
    OUT.print(table, markup=False)
