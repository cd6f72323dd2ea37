"""AWS' managed policies that clients commonly attach, under AWS' ARNs.

Their documents are in `managed.json`, by path and name. Those of services that are not here are
left out; `ReadOnlyAccess` names the services of this gateway alone.

Source: AWS Managed Policy Reference Guide.
"""

import base64
import hashlib
from pathlib import Path
from typing import Any

import msgspec

Json = dict[str, Any]

_SINCE = 1423247986.0
"""2015, when the oldest of them were made."""


def _id(name: str) -> str:
    return "ANPA" + base64.b32encode(hashlib.sha256(name.encode()).digest()).decode()[:17]


def _read() -> dict[str, Json]:
    documents: dict[str, Json] = msgspec.json.decode(
        Path(__file__).with_name("managed.json").read_bytes()
    )
    found: dict[str, Json] = {}
    for place, document in documents.items():
        path, _, name = place.rpartition("/")
        arn = f"arn:aws:iam::aws:policy/{place}"
        text = msgspec.json.encode(document).decode()
        found[arn] = {
            "Arn": arn,
            "Name": name,
            "Id": _id(name),
            "Path": f"/{path}/" if path else "/",
            "Description": "",
            "Created": _SINCE,
            "Updated": _SINCE,
            "Versions": {"v1": {"Document": text, "Created": _SINCE}},
            "Default": "v1",
        }
    return found


MANAGED = _read()
"""By ARN."""
