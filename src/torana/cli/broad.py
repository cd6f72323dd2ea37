"""Who may do more than anybody may have meant: what `torana doctor` says of IAM's policies."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import msgspec

from torana.services.iam.names import GROUP, POLICY, ROLE, SAID, USER
from torana.state.store import Store

Json = dict[str, Any]

_FUNCTION = "lambda-function"
_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
_PASSING = ("iam:PassRole", "sts:AssumeRole")


async def broad(store: Store) -> list[tuple[str, str]]:
    """What is wide, and what to do about it."""
    found: list[tuple[str, str]] = []
    documents = await _documents(store)
    for kind in (USER, GROUP, ROLE):
        async for document in store.scan(kind):
            entity: Json = msgspec.json.decode(document.body)
            whom = f"{SAID[kind]} {entity['Name']}"
            found += _of_identity(whom, entity, documents)
            if kind == ROLE:
                found += _trusting(whom, entity["Trust"])
    found += [(each, "Make the role in IAM.") async for each in _strangers(store)]
    return found


async def _documents(store: Store) -> dict[str, str]:
    """The account's managed policies, by name in lower case."""
    found: dict[str, str] = {}
    async for document in store.scan(POLICY):
        policy: Json = msgspec.json.decode(document.body)
        found[document.id] = policy["Versions"][policy["Default"]]["Document"]
    return found


def _of_identity(whom: str, entity: Json, managed: dict[str, str]) -> Iterator[tuple[str, str]]:
    for name, text in entity.get("Inline", {}).items():
        yield from _wide(f"{whom}: policy {name}", text)
    for arn in entity.get("Attached", ()):
        if arn == _ADMINISTRATOR:
            yield f"{whom} has AdministratorAccess", "Attach what it needs instead."
        text = managed.get(arn.rpartition("/")[2].lower())
        if text is not None and ":aws:policy/" not in arn:
            yield from _wide(f"{whom}: policy {arn.rpartition('/')[2]}", text)


def _wide(where: str, text: str) -> Iterator[tuple[str, str]]:
    for number, statement in enumerate(_statements(text), 1):
        if statement.get("Effect") != "Allow":
            continue
        said = f"{where}, statement {statement.get('Sid') or number}"
        if "NotAction" in statement:
            yield f"{said} allows all but some actions (NotAction)", "Name what is allowed."
        actions, resources = _list(statement, "Action"), _list(statement, "Resource")
        every = "*" in resources or "NotResource" in statement
        if "*" in actions or "*:*" in actions:
            where_to = "of every resource" if every else f"of {', '.join(resources)}"
            yield f"{said} allows every action {where_to}", "Name the actions that it needs."
        elif every and not statement.get("Condition"):
            wide = [each for each in actions if each.endswith(":*") or each in _PASSING]
            if wide:
                yield (
                    f"{said} allows {', '.join(wide)} on every resource",
                    "Name the actions and resources that it needs.",
                )


def _trusting(whom: str, text: str) -> Iterator[tuple[str, str]]:
    for statement in _statements(text):
        principal = statement.get("Principal")
        everybody = principal == "*" or (
            isinstance(principal, dict) and "*" in _list(cast(Json, principal), "AWS")
        )
        if statement.get("Effect") == "Allow" and everybody and not statement.get("Condition"):
            yield f"{whom} may be assumed by everybody", "Name a Principal, or a Condition."
        if (
            statement.get("Effect") == "Allow"
            and isinstance(principal, dict)
            and "Federated" in principal
            and ":sub" not in msgspec.json.encode(statement.get("Condition") or {}).decode()
        ):
            yield f"{whom} trusts every subject of its issuer", "Add a Condition on {issuer}:sub."


async def _strangers(store: Store) -> AsyncIterator[str]:
    """Functions whose role is not there."""
    roles = {document.id async for document in store.scan(ROLE)}
    users = [document.id async for document in store.scan(USER)]
    async for document in store.scan(_FUNCTION):
        role = str(msgspec.json.decode(document.body).get("latest", {}).get("role", ""))
        if role.rpartition("/")[2].lower() not in roles:
            may = "nothing" if roles or users else "everything, until IAM has a user or a role"
            yield f"function {document.id}: its role {role} is not in IAM, so it may do {may}"


def _statements(text: str) -> list[Json]:
    found: Any = msgspec.json.decode(text).get("Statement", [])
    return cast(list[Json], found if isinstance(found, list) else [found])


def _list(statement: Json, name: str) -> list[str]:
    found: Any = statement.get(name, [])
    return cast(list[str], found if isinstance(found, list) else [found])
