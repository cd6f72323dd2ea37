"""`torana portal`: developer portals, what they offer, and who asked for it."""

import urllib.request
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from torana.cli.gateway import OUT, as_json, ask, client, data_option, fail, running

_COLORS = ("Accent", "Background", "ErrorValidation", "Header", "Navigation", "Text")
_THEME = {f"{each}Color": "#0b7285" for each in _COLORS}
_JSON = click.option("--json", "as_program", is_flag=True, help="For programs.")


@click.group()
def portal() -> None:
    """Developer portals: products, subscriptions, invoices."""


@portal.command()
@click.argument("name")
@click.option("--description", default="")
@click.option("--user-pool", help="Where developers sign up; without it, one is made.")
@data_option
def create(name: str, description: str, user_pool: str | None, data: Path) -> None:
    """Make a portal called NAME and publish it."""
    idp, v2 = client(data, "cognito-idp"), client(data, "apigatewayv2")
    pool: str = user_pool or _pool(idp, name)
    app = ask(
        idp.create_user_pool_client,
        UserPoolId=pool,
        ClientName=f"Portal {name}"[:128],
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        PreventUserExistenceErrors="ENABLED",
    )["UserPoolClient"]["ClientId"]
    found = ask(idp.describe_user_pool, UserPoolId=pool)["UserPool"]
    region = pool.partition("_")[0]
    config = {
        "UserPoolArn": found["Arn"],
        "AppClientId": app,
        "UserPoolDomain": f"https://{pool.lower()}.auth.{region}.amazoncognito.com",
    }
    content: dict[str, Any] = {"DisplayName": name, "Theme": {"CustomColors": _THEME}}
    if description:
        content["Description"] = description
    made = ask(
        v2.create_portal,
        Authorization={"CognitoConfig": config},
        EndpointConfiguration={"None": {}},
        PortalContent=content,
    )
    ask(v2.publish_portal, PortalId=made["PortalId"])
    OUT.print(f"Portal [bold]{made['PortalId']}[/], with the user pool {pool}")
    address = f"http://127.0.0.1:{running(data).port}/portal/{made['PortalId']}/"
    if _answers(address):
        OUT.print(address, markup=False)
    else:
        OUT.print("Not at the front door: see \\[portal] in the settings.")


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5):  # noqa: S310  this machine
            return True
    except OSError:
        return False


def _pool(idp: Any, name: str) -> str:
    given: dict[str, Any] = {
        "PoolName": f"{name} developers"[:128],
        "UsernameAttributes": ["email"],
        "AutoVerifiedAttributes": ["email"],
    }
    return ask(idp.create_user_pool, **given)["UserPool"]["Id"]


@portal.command()
@click.argument("name")
@click.option("--stage", "stages", multiple=True, required=True, help="API/STAGE")
@click.option("--plan", "plans", multiple=True, help="A usage plan's name or id.")
@click.option("--description", default="")
@click.option("--monthly", type=float, default=0.0, help="Price of a month, of each plan.")
@click.option("--per-call", type=float, default=0.0, help="Price of a call, of each plan.")
@click.option(
    "--visibility",
    type=click.Choice(["public", "private", "invitation"]),
    default="private",
    show_default=True,
)
@click.option("--invite", multiple=True, help="A mail address, for --visibility invitation.")
@click.option("--automatic", is_flag=True, help="Approve every subscription.")
@click.option("--portal", "portal_id", help="Its id; needless while there is one.")
@data_option
def product(
    name: str,
    stages: tuple[str, ...],
    plans: tuple[str, ...],
    description: str,
    monthly: float,
    per_call: float,
    visibility: str,
    invite: tuple[str, ...],
    automatic: bool,
    portal_id: str | None,
    data: Path,
) -> None:
    """Offer a product called NAME in a portal, and publish that."""
    v2, own, plane = client(data, "apigatewayv2"), client(data, "torana"), client(data)
    to = portal_id or _only(v2)
    price = {"monthly": monthly, "perCall": per_call}
    known = ask(plane.get_usage_plans, limit=500)["items"]
    offered = [{**_plan(known, each), "price": price} for each in plans]
    made = ask(v2.create_portal_product, DisplayName=name, Description=description)
    try:
        ask(
            own.put_offer,
            productId=made["PortalProductId"],
            stages=list(stages),
            plans=offered,
            visibility=visibility,
            invited=list(invite),
            approval="automatic" if automatic else "manual",
        )
    except SystemExit:
        ask(v2.delete_portal_product, PortalProductId=made["PortalProductId"])
        raise
    before: list[str] = ask(v2.get_portal, PortalId=to).get("IncludedPortalProductArns", [])
    arns = [*before, made["PortalProductArn"]]
    ask(v2.update_portal, PortalId=to, IncludedPortalProductArns=arns)
    ask(v2.publish_portal, PortalId=to)
    OUT.print(f"Product [bold]{made['PortalProductId']}[/] is in the portal {to}")


def _plan(known: list[dict[str, Any]], wanted: str) -> dict[str, str]:
    found = [each for each in known if wanted in (each["id"], each["name"])]
    if len(found) != 1:
        raise fail(f"{len(found)} usage plans are called {wanted!r}", "Name one by its id.")
    return {"usagePlanId": found[0]["id"], "name": found[0]["name"]}


def _only(v2: Any) -> str:
    found = ask(v2.list_portals)["Items"]
    if len(found) != 1:
        raise fail(f"there are {len(found)} portals", "Name one with --portal.")
    return found[0]["PortalId"]


@portal.command(name="list")
@_JSON
@data_option
def list_(as_program: bool, data: Path) -> None:
    """Every portal."""
    found = ask(client(data, "apigatewayv2").list_portals)["Items"]
    if as_program:
        as_json(found)
        return
    table = Table("id", "name", "state", "products", box=None)
    for each in found:
        count = str(len(each["IncludedPortalProductArns"]))
        name = each["PortalContent"]["DisplayName"]
        table.add_row(each["PortalId"], name, each["PublishStatus"].lower(), count)
    OUT.print(table)


@portal.command()
@click.option("--all", "everything", is_flag=True, help="Those that are decided, too.")
@_JSON
@data_option
def requests(everything: bool, as_program: bool, data: Path) -> None:
    """Subscriptions that wait for a decision."""
    given = {} if everything else {"state": "pending"}
    own, found = client(data, "torana"), list[dict[str, Any]]()
    while True:
        page = ask(own.list_subscriptions, **given)
        found += page["subscriptions"]
        if not page.get("nextToken"):
            break
        given["nextToken"] = page["nextToken"]
    if as_program:
        as_json(found)
        return
    table = Table("id", "who", "application", "product", "plan", "state", box=None)
    for each in found:
        names = ("id", "email", "application", "product", "plan", "state")
        table.add_row(*(each[name] for name in names))
    OUT.print(table)


def _decide(id: str, data: Path, decision: str, reason: str) -> None:
    given = {"reason": reason} if reason else {}
    made = ask(
        client(data, "torana").decide_subscription, subscriptionId=id, decision=decision, **given
    )
    OUT.print(f"{made['email']}: {made['product']} is [bold]{made['state']}[/]")


@portal.command()
@click.argument("id")
@data_option
def approve(id: str, data: Path) -> None:
    """Let a developer have a key."""
    _decide(id, data, "approve", "")


@portal.command()
@click.argument("id")
@click.option("--reason", default="", help="Told to the developer.")
@data_option
def reject(id: str, reason: str, data: Path) -> None:
    """Refuse a subscription that waits."""
    _decide(id, data, "reject", reason)


@portal.command()
@click.argument("id")
@click.option("--reason", default="", help="Told to the developer.")
@data_option
def revoke(id: str, reason: str, data: Path) -> None:
    """End a subscription, with its keys, at once."""
    _decide(id, data, "revoke", reason)


@portal.command()
@click.argument("month")
@_JSON
@data_option
def invoices(month: str, as_program: bool, data: Path) -> None:
    """What developers owe for a MONTH, such as 2026-11."""
    found = ask(client(data, "torana").list_invoices, month=month)["invoices"]
    if as_program:
        as_json(found)
        return
    table = Table("number", "who", "calls", "total", "final", box=None)
    for each in found:
        calls = str(sum(line["calls"] for line in each["lines"]))
        final = "yes" if each["final"] else "no"
        total = f"{each['total']} {each['currency']}"
        table.add_row(each["number"], each["email"], calls, total, final)
    OUT.print(table)
