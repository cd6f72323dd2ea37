"""`torana keys`: API keys and the usage plans they are in."""

from pathlib import Path
from typing import Any

import click
from rich.table import Table

from torana.cli.gateway import OUT, as_json, ask, client, data_option, fail


@click.group()
def keys() -> None:
    """API keys: create, list, enable, disable, delete."""


@keys.command()
@click.argument("name")
@click.option("--stage", "stages", multiple=True, help="A stage to open, API/STAGE.")
@click.option("--rate", type=float, help="Requests a second, for the stages.")
@click.option("--burst", type=int, help="Requests at once, for the stages.")
@click.option("--quota", type=int, help="Requests a month, for the stages.")
@data_option
def create(
    name: str,
    stages: tuple[str, ...],
    rate: float | None,
    burst: int | None,
    quota: int | None,
    data: Path,
) -> None:
    """Make a key called NAME and print its value, which is shown this once.

    \b
    torana keys create app --stage a1b2c3d4e5/prod --rate 50 --burst 100
    """
    apigateway = client(data)
    opened = [_stage(each) for each in stages]
    made = ask(apigateway.create_api_key, name=name, enabled=True)
    if opened:
        plan: dict[str, Any] = {"name": name, "apiStages": opened}
        if rate is not None:
            plan["throttle"] = {"rateLimit": rate, "burstLimit": burst or max(1, int(rate))}
        if quota is not None:
            plan["quota"] = {"limit": quota, "period": "MONTH"}
        found = ask(apigateway.create_usage_plan, **plan)
        ask(
            apigateway.create_usage_plan_key,
            usagePlanId=found["id"],
            keyId=made["id"],
            keyType="API_KEY",
        )
    click.echo(made["value"])


def _stage(text: str) -> dict[str, str]:
    api, slash, stage = text.partition("/")
    if not slash or not stage:
        raise fail(f"{text!r} is not a stage", "Name it as API/STAGE, such as a1b2c3d4e5/prod.")
    return {"apiId": api, "stage": stage}


@keys.command(name="list")
@click.option("--json", "as_program", is_flag=True, help="For programs.")
@data_option
def list_(as_program: bool, data: Path) -> None:
    """Every key of the control plane. Values are not kept, so none is shown."""
    found = ask(client(data).get_api_keys, limit=500)["items"]
    if as_program:
        as_json(found)
        return
    table = Table("id", "name", "enabled", "created", box=None)
    for key in found:
        enabled = "yes" if key["enabled"] else "[red]no[/]"
        table.add_row(key["id"], key.get("name", ""), enabled, str(key["createdDate"])[:19])
    OUT.print(table)


@keys.command()
@click.argument("id")
@data_option
def delete(id: str, data: Path) -> None:
    """Delete a key, by its id: it opens nothing from the next second on."""
    ask(client(data).delete_api_key, apiKey=id)


def _switch(id: str, data: Path, value: str) -> None:
    operation = {"op": "replace", "path": "/enabled", "value": value}
    ask(client(data).update_api_key, apiKey=id, patchOperations=[operation])


@keys.command()
@click.argument("id")
@data_option
def enable(id: str, data: Path) -> None:
    """Let a key in again."""
    _switch(id, data, "true")


@keys.command()
@click.argument("id")
@data_option
def disable(id: str, data: Path) -> None:
    """Keep a key out without deleting it."""
    _switch(id, data, "false")
