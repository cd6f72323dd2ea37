"""What a web ACL writes of the requests it judged: which ones, and without what.

Source: WAF Developer Guide, "Log fields for web ACL traffic" and "Logging configuration".
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from torana.waf.acl import Hit, Verdict
from torana.waf.inspected import Inspected

Json = Mapping[str, Any]
REDACTED = "REDACTED"
SECRET = frozenset({"authorization", "cookie", "x-api-key", "x-amz-security-token"})
"""Headers that are in no log, whatever is configured."""
_HEADERS = 50
_LABELS = 100

Line = Callable[[Inspected, Verdict, "Where"], str | None]
"""The line of a request; None: it is not logged."""


class Where(Struct, frozen=True):
    """What is not the web ACL's to know."""

    source: str
    """Account, API and stage."""
    request_id: str
    time: float
    status: int | None = None
    """Of a response of the web ACL's own."""


def line_of(arn: str, configuration: Json) -> Line:
    """What a logging configuration makes of requests."""
    hidden = _hidden(configuration.get("RedactedFields") or ())
    keeps = _keeping(configuration.get("LoggingFilter"))

    def line(request: Inspected, verdict: Verdict, where: Where) -> str | None:
        if not keeps(request, verdict):
            return None
        return msgspec.json.encode(_fields(arn, request, verdict, where, hidden)).decode()

    return line


def _fields(
    arn: str, request: Inspected, verdict: Verdict, where: Where, hidden: frozenset[str]
) -> dict[str, Any]:
    by = verdict.by
    grouped = by is not None and bool(by.inner)
    groups: list[dict[str, Any]] = []
    if by is not None and grouped:
        groups = [
            {
                "ruleGroupId": by.rule,
                "terminatingRule": {"ruleId": by.inner, "action": verdict.action.kind.upper()},
                "nonTerminatingMatchingRules": [],
            }
        ]
    made: dict[str, Any] = {
        "timestamp": int(where.time * 1000),
        "formatVersion": 1,
        "webaclId": arn,
        "terminatingRuleId": by.rule if by else "Default_Action",
        "terminatingRuleType": "GROUP" if grouped else "REGULAR",
        "action": verdict.action.kind.upper(),
        "terminatingRuleMatchDetails": [],
        "httpSourceName": "APIGW",
        "httpSourceId": where.source,
        "ruleGroupList": groups,
        "rateBasedRuleList": [],
        "nonTerminatingMatchingRules": [_counted(each) for each in verdict.counted],
        "requestHeadersInserted": [
            {"name": name, "value": value} for name, value in verdict.inserts
        ]
        or None,
        "responseCodeSent": where.status,
        "httpRequest": {
            "clientIp": request.address,
            "country": "-",
            "headers": _headers(request, hidden),
            "uri": REDACTED if "uri" in hidden else request.path,
            "args": REDACTED if "query" in hidden else request.query,
            "httpVersion": "HTTP/1.1",
            "httpMethod": REDACTED if "method" in hidden else request.method,
            "requestId": where.request_id,
        },
    }
    if request.labels:
        made["labels"] = [{"name": label} for label in sorted(request.labels)[:_LABELS]]
    return made


def _counted(hit: Hit) -> dict[str, Any]:
    name = f"{hit.rule}/{hit.inner}" if hit.inner else hit.rule
    return {"ruleId": name, "action": "COUNT", "ruleMatchDetails": []}


def _headers(request: Inspected, hidden: frozenset[str]) -> list[dict[str, str]]:
    return [
        {
            "name": name,
            "value": REDACTED if f"header {name.lower()}" in hidden else value,
        }
        if name.lower() not in SECRET
        else {"name": name, "value": REDACTED}
        for name, value in request.headers.items[:_HEADERS]
    ]


FIELDS = {"UriPath": "uri", "QueryString": "query", "Method": "method"}
"""What may be left out, beside single headers."""


def _hidden(fields: Sequence[Json]) -> frozenset[str]:
    found = {short for field in fields for name, short in FIELDS.items() if name in field}
    names = (each["SingleHeader"]["Name"] for each in fields if "SingleHeader" in each)
    return frozenset(found | {f"header {name.lower()}" for name in names})


def _keeping(given: Json | None) -> Callable[[Inspected, Verdict], bool]:
    """The first filter that fits decides, else the default."""
    if given is None:
        return lambda request, verdict: True
    filters: Sequence[Json] = given["Filters"]
    usual = given["DefaultBehavior"] == "KEEP"

    def keeps(request: Inspected, verdict: Verdict) -> bool:
        for each in filters:
            fits = (_fits(part, request, verdict) for part in each["Conditions"])
            if all(fits) if each["Requirement"] == "MEETS_ALL" else any(fits):
                return bool(each["Behavior"] == "KEEP")
        return usual

    return keeps


def _fits(condition: Json, request: Inspected, verdict: Verdict) -> bool:
    label = condition.get("LabelNameCondition")
    if label is not None and label["LabelName"] not in request.labels:
        return False
    action = condition.get("ActionCondition")
    if action is None:
        return True
    if action["Action"] in ("COUNT", "EXCLUDED_AS_COUNT"):
        return bool(verdict.counted)
    return bool(verdict.action.kind.upper() == action["Action"])
