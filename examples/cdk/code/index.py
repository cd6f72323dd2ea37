"""Answers both APIs."""

import json
from typing import Any


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    path = event.get("path") or event.get("rawPath")
    return {"statusCode": 200, "body": json.dumps({"path": path, "greeting": "hello"})}
