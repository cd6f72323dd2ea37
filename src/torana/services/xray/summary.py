"""A trace in short, as searches find it.

Source: X-Ray API Reference, "TraceSummary".
"""

from typing import Any, cast

from torana.services.moments import moment
from torana.services.xray.segments import Json, Node, Trace

_NAMES = {
    "url": "HttpURL",
    "method": "HttpMethod",
    "user_agent": "UserAgent",
    "client_ip": "ClientIp",
}


def summary(trace: Trace) -> Json:
    """Of all its nodes."""
    root = trace.root
    first = trace.nodes[0].start
    last = max((node.end or node.start) for node in trace.nodes)
    made: Json = {
        "Id": trace.id,
        "StartTime": moment(first),
        "MatchedEventTime": moment(first),
        "Revision": 1,
        "Duration": round(last - first, 3),
        "HasFault": any(node.fault for node in trace.nodes),
        "HasError": any(node.error for node in trace.nodes),
        "HasThrottle": any(node.throttle for node in trace.nodes),
        "IsPartial": partial(trace),
        "Annotations": _annotations(trace),
        "Users": _users(trace),
        "ServiceIds": _services(trace),
        "ResourceARNs": [{"ARN": arn} for arn in _once(trace, "resource_arn")],
        "InstanceIds": [],
        "AvailabilityZones": [],
    }
    if root is not None:
        made["ResponseTime"] = round(root.seconds, 3)
        made["EntryPoint"] = root.service()
        request = root.request()
        http = {shown: request[name] for name, shown in _NAMES.items() if name in request}
        status = root.response().get("status")
        made["Http"] = http | ({"HttpStatus": status} if status is not None else {})
    return made


def partial(trace: Trace) -> bool:
    """Something of it still runs."""
    return any(node.end is None for node in trace.nodes)


def _services(trace: Trace) -> list[Json]:
    found = {(node.name, node.type): node.service() for node in trace.nodes}
    return list(found.values())


def _once(trace: Trace, name: str) -> list[str]:
    found = [node.document.get(name) for node in trace.nodes]
    return list(dict.fromkeys(each for each in found if isinstance(each, str)))


def _users(trace: Trace) -> list[Json]:
    found: dict[str, list[Json]] = {}
    for node in trace.nodes:
        user = node.document.get("user")
        if isinstance(user, str):
            found.setdefault(user, []).append(node.service())
    return [{"UserName": name, "ServiceIds": services} for name, services in found.items()]


def annotations(node: Node) -> dict[str, Any]:
    """Of a segment and of everything in it."""
    found: dict[str, Any] = {}
    waiting = [node.document]
    while waiting:
        document = waiting.pop()
        given = document.get("annotations")
        if isinstance(given, dict):
            found.update(cast(dict[str, Any], given))
        waiting += cast(list[Json], document.get("subsegments") or ())
    return found


def _annotations(trace: Trace) -> Json:
    found: dict[tuple[str, str], tuple[Any, list[Json]]] = {}
    for node in trace.nodes:
        for name, value in annotations(node).items():
            _, services = found.setdefault((name, repr(value)), (value, []))
            if node.service() not in services:
                services.append(node.service())
    made: dict[str, list[Json]] = {}
    for (name, _), (value, services) in found.items():
        entry: Json = {"AnnotationValue": _value(value), "ServiceIds": services}
        made.setdefault(name, []).append(entry)
    return made


def _value(value: Any) -> Json:
    if isinstance(value, bool):
        return {"BooleanValue": value}
    if isinstance(value, int | float):
        return {"NumberValue": float(value)}
    return {"StringValue": str(value)}
