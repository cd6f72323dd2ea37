"""Small makers of requests and rules."""

from typing import Any

from torana.message import Headers
from torana.waf.acl import Acl, compile_acl
from torana.waf.inspected import Inspected
from torana.waf.shelf import Shelf

ARN = "arn:aws:wafv2:us-east-1:000000000000:regional/webacl/w/1"
NONE = [{"Priority": 0, "Type": "NONE"}]
BLOCK: dict[str, Any] = {"Block": {}}
COUNT: dict[str, Any] = {"Count": {}}


def ask(
    path: str = "/prod/x",
    query: str = "",
    body: bytes = b"",
    method: str = "POST",
    address: str = "192.0.2.7",
    now: float = 0.0,
    **headers: str,
) -> Inspected:
    """A request; `user_agent` is the header User-Agent."""
    fields = Headers([(name.replace("_", "-"), value) for name, value in headers.items()])
    return Inspected(method, path, query, fields, body, address, now=now)


def rule(name: str, statement: dict[str, Any], action: dict[str, Any] = BLOCK, **more: Any) -> Any:
    """A rule; its priority is its place, see `acl`."""
    return {"Name": name, "Statement": statement, "Action": action, **more}


def acl(*rules: dict[str, Any], documents: dict[str, Any] | None = None, **more: Any) -> Acl:
    """A web ACL that allows what no rule ends."""
    placed = [{"Priority": place, **each} for place, each in enumerate(rules)]
    document: dict[str, Any] = {
        "ARN": ARN,
        "Name": "w",
        "DefaultAction": {"Allow": {}},
        "Rules": placed,
        **more,
    }
    return compile_acl(document, "awswaf:0:webacl:w:", Shelf(documents or {}))


def contains(text: bytes, field: dict[str, Any], *transforms: str) -> dict[str, Any]:
    """A ByteMatchStatement."""
    return {
        "ByteMatchStatement": {
            "SearchString": text,
            "FieldToMatch": field,
            "PositionalConstraint": "CONTAINS",
            "TextTransformations": [
                {"Priority": place, "Type": name} for place, name in enumerate(transforms)
            ]
            or NONE,
        }
    }


def matches(statement: dict[str, Any], request: Inspected, **documents: Any) -> bool:
    """Whether a statement says yes."""
    verdict = acl(rule("r", statement), **documents).judge(request)
    return verdict.by is not None
