"""The credential report: every user, and how old each access key is and when it was last used.

Source: IAM User Guide, "Getting credential reports for your AWS account".
"""

import csv
import io
from time import time

from torana.services.apigateway.book import Sheet
from torana.services.iam.names import KEY, USED, USER, Json, moment
from torana.services.iam.shelf import Shelf
from torana.services.iam.users import shown_user
from torana.services.ports import Call
from torana.wire.faults import ServiceError

_NONE = "N/A"
_KEYS = 2
_OF_KEY = ("active", "last_rotated", "last_used_date", "last_used_region", "last_used_service")
_COLUMNS: tuple[str, ...] = (
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "password_next_rotation",
    "mfa_active",
    *(f"access_key_1_{each}" for each in _OF_KEY),
    *(f"access_key_2_{each}" for each in _OF_KEY),
    "cert_1_active",
    "cert_1_last_rotated",
    "cert_2_active",
    "cert_2_last_rotated",
)


class CredentialReport:
    """The operations. A report lives as long as the process; nobody has a password here."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._made: tuple[float, bytes] | None = None

    async def GenerateCredentialReport(self, call: Call, params: Json) -> Json:
        """Make it; it is there at once."""
        del params
        rows = await self._shelf.read(lambda sheet: _rows(call, sheet))
        text = io.StringIO()
        writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        self._made = time(), text.getvalue().encode()
        return {"State": "COMPLETE", "Description": "The report is there"}

    async def GetCredentialReport(self, call: Call, params: Json) -> Json:
        """The last one that was made."""
        del call, params
        if self._made is None:
            raise ServiceError(
                "ReportNotPresent",
                "No report is present: call GenerateCredentialReport",
                status=410,
            )
        at, content = self._made
        return {"Content": content, "ReportFormat": "text/csv", "GeneratedTime": moment(at)}


async def _rows(call: Call, sheet: Sheet) -> list[dict[str, str]]:
    arn = f"arn:aws:iam::{call.principal.account}:root"
    first = {"user": "<root_account>", "arn": arn, "access_key_1_active": "true"}
    rows = [{**dict.fromkeys(_COLUMNS, _NONE), **_OFF, **first}]
    async for _, user in sheet.scan(USER):
        shown = shown_user(call, user)
        row = {**dict.fromkeys(_COLUMNS, _NONE), **_OFF}
        row |= {"user": shown["UserName"], "arn": shown["Arn"]}
        row["user_creation_time"] = shown["CreateDate"].isoformat()
        for place, id in enumerate(user.get("Keys", ())[:_KEYS], 1):
            row |= await _key(sheet, f"access_key_{place}", id)
        rows.append(row)
    return rows


_OFF = {
    "password_enabled": "false",
    "mfa_active": "false",
    "access_key_1_active": "false",
    "access_key_2_active": "false",
    "cert_1_active": "false",
    "cert_2_active": "false",
}


async def _key(sheet: Sheet, column: str, id: str) -> dict[str, str]:
    key, used = await sheet.get(KEY, id), await sheet.get(USED, id)
    if key is None:
        return {}
    row = {
        f"{column}_active": str(key["Status"] == "Active").lower(),
        f"{column}_last_rotated": moment(key["Created"]).isoformat(),
    }
    if used is not None:
        row[f"{column}_last_used_date"] = moment(used["Time"]).isoformat()
        row[f"{column}_last_used_region"] = used["Region"]
        row[f"{column}_last_used_service"] = used["Service"]
    return row
