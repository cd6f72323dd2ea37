"""Resource policies of functions: kept here, asked by `torana.services.authority` at each call."""

from typing import Any

import msgspec
from msgspec import structs

from torana.services.lambda_.book import Book
from torana.services.lambda_.names import conflict, missing
from torana.services.lambda_.records import Record
from torana.services.ports import Call

Json = dict[str, Any]


class Permissions:
    """Operations on policies."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def AddPermission(self, call: Call, params: Json) -> Json:
        """One more statement."""
        record, qualifier = self._book.get(params["FunctionName"], params.get("Qualifier"))
        self._book.config(record, qualifier)
        statement = _statement(params, self._book.arn(record.name, qualifier))

        def add(found: Record) -> Record:
            there = found.policies.get(qualifier, [])
            if any(each["Sid"] == statement["Sid"] for each in there):
                raise conflict(
                    f"The statement id ({statement['Sid']}) provided already exists. Please "
                    "provide a new statement id, or remove the existing statement."
                )
            return structs.replace(
                found, policies={**found.policies, qualifier: [*there, statement]}
            )

        await self._book.edit_known(record.name, add)
        return {"Statement": msgspec.json.encode(statement).decode()}

    async def RemovePermission(self, call: Call, params: Json) -> Json:
        """One statement less."""
        record, qualifier = self._book.get(params["FunctionName"], params.get("Qualifier"))
        wanted = params["StatementId"]

        def remove(found: Record) -> Record:
            there = found.policies.get(qualifier, [])
            left = [each for each in there if each["Sid"] != wanted]
            if len(left) == len(there):
                raise missing(f"Statement {wanted} is not found in resource policy.")
            policies = {key: each for key, each in found.policies.items() if key != qualifier}
            return structs.replace(
                found, policies={**policies, qualifier: left} if left else policies
            )

        await self._book.edit_known(record.name, remove)
        return {}

    async def GetPolicy(self, call: Call, params: Json) -> Json:
        """The whole policy, as JSON in a text."""
        record, qualifier = self._book.get(params["FunctionName"], params.get("Qualifier"))
        statements = record.policies.get(qualifier)
        if not statements:
            raise missing("The resource you requested does not exist.")
        policy = {"Version": "2012-10-17", "Id": "default", "Statement": statements}
        text = msgspec.json.encode(policy).decode()
        return {"Policy": text, "RevisionId": record.latest.revision}


def _statement(params: Json, arn: str) -> Json:
    principal = params["Principal"]
    kind = "Service" if "." in principal else "AWS"
    if principal.isdigit():
        principal = f"arn:aws:iam::{principal}:root"
    statement: Json = {
        "Sid": params["StatementId"],
        "Effect": "Allow",
        "Principal": principal if principal == "*" else {kind: principal},
        "Action": params["Action"],
        "Resource": arn,
    }
    conditions: Json = {}
    for member, operator, key in _CONDITIONS:
        if params.get(member):
            conditions.setdefault(operator, {})[key] = params[member]
    if params.get("InvokedViaFunctionUrl") is not None:
        via = str(params["InvokedViaFunctionUrl"]).lower()
        conditions["Bool"] = {"lambda:InvokedViaFunctionUrl": via}
    if conditions:
        statement["Condition"] = conditions
    return statement


_CONDITIONS = (
    ("SourceArn", "ArnLike", "AWS:SourceArn"),
    ("SourceAccount", "StringEquals", "AWS:SourceAccount"),
    ("PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"),
    ("EventSourceToken", "StringEquals", "lambda:EventSourceToken"),
    ("FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"),
)
