"""`torana import`, `torana deploy`, `torana export`: APIs of the control planes."""

from pathlib import Path
from typing import Any

import click

from torana.cli import http_apis
from torana.cli.gateway import OUT, ask, client, data_option, fail, pairs, running
from torana.model.http_api import DEFAULT


@click.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--api", help="The id of an API to write over; a new one otherwise.")
@click.option("--mode", type=click.Choice(["overwrite", "merge"]), default="overwrite")
@click.option("--fail-on-warnings", is_flag=True, help="Refuse a document with warnings.")
@data_option
def import_(file: Path, api: str | None, mode: str, fail_on_warnings: bool, data: Path) -> None:
    """Import an OpenAPI document (FILE) and print the API's id. It is one of an HTTP API when it
    says so: `x-torana-protocol: HTTP`.

    \b
    torana import examples/petstore.yaml
    torana deploy $(torana import api.yaml) --stage prod
    """
    text = file.read_text("utf-8", "replace")
    if http_apis.is_document(text, str(file)):
        found = http_apis.imported(data, text, api, fail_on_warnings=fail_on_warnings)
        for warning in found.get("Warnings", ()):
            click.echo(warning, err=True)
        click.echo(found["ApiId"])
        return
    apigateway = client(data)
    given: dict[str, Any] = {"body": file.read_bytes(), "failOnWarnings": fail_on_warnings}
    if api:
        made = ask(apigateway.put_rest_api, restApiId=api, mode=mode, **given)
    else:
        made = ask(apigateway.import_rest_api, **given)
    for warning in made.get("warnings", ()):
        click.echo(warning, err=True)
    click.echo(made["id"])


@click.command()
@click.argument("api")
@click.option("--stage", default="prod", show_default=True, help="Made if it is not there.")
@click.option("--variable", "variables", multiple=True, help="A stage variable, NAME=VALUE.")
@click.option("--description", default="", help="Of the deployment.")
@click.option("--canary", type=click.FloatRange(0, 100), help="Percent of the stage's traffic.")
@data_option
def deploy(
    api: str,
    stage: str,
    variables: tuple[str, ...],
    description: str,
    canary: float | None,
    data: Path,
) -> None:
    """Deploy an API (its id) to a stage: live on every worker within a second.

    \b
    torana deploy a1b2c3d4e5 --stage prod --variable backend=models.example.com
    torana deploy a1b2c3d4e5 --stage prod --canary 10
    """
    if http_apis.is_there(data, api):
        if canary is not None:
            raise fail("HTTP APIs have no canaries")
        own = pairs(variables, "--variable")
        id = http_apis.deployed(data, api, stage, own, description)
        shown = "" if stage == DEFAULT else f"{stage}/"
        door = f"http://127.0.0.1:{running(data).port}/apis/{api}/{shown}"
        OUT.print(f"[green]Deployed[/] {id} to [bold]{stage}[/]: {door}", soft_wrap=True)
        return
    given: dict[str, Any] = {"restApiId": api, "stageName": stage}
    if description:
        given["description"] = description
    if canary is not None:
        overrides = pairs(variables, "--variable")
        given["canarySettings"] = {"percentTraffic": canary, "stageVariableOverrides": overrides}
    elif variables:
        given["variables"] = pairs(variables, "--variable")
    made = ask(client(data).create_deployment, **given)
    door = f"http://127.0.0.1:{running(data).port}/restapis/{api}/{stage}/_user_request_/"
    OUT.print(f"[green]Deployed[/] {made['id']} to [bold]{stage}[/]: {door}", soft_wrap=True)


@click.command()
@click.argument("api")
@click.option("--stage", default="prod", show_default=True)
@click.option("--format", "kind", type=click.Choice(["oas30", "swagger"]), default="oas30")
@click.option("--yaml", "as_yaml", is_flag=True, help="YAML instead of JSON.")
@click.option("--plain", is_flag=True, help="Without API Gateway's extensions.")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path))
@data_option
def export(
    api: str, stage: str, kind: str, as_yaml: bool, plain: bool, output: Path | None, data: Path
) -> None:
    """Export what a stage serves as OpenAPI, to standard output or a file.

    \b
    torana export a1b2c3d4e5 --stage prod --yaml -o api.yaml
    """
    if http_apis.is_there(data, api):
        _write(http_apis.exported(data, api, stage, as_yaml=as_yaml, plain=plain), output)
        return
    found = ask(
        client(data).get_export,
        restApiId=api,
        stageName=stage,
        exportType=kind,
        accepts="application/yaml" if as_yaml else "application/json",
        parameters={} if plain else {"extensions": "apigateway"},
    )
    _write(found["body"].read(), output)


def _write(text: bytes, output: Path | None) -> None:
    if output is None:
        click.echo(text.decode())
    else:
        output.write_bytes(text)
