"""Every call of a model as a span, by OpenTelemetry's conventions for generative AI.

Kept with the traces of APIs, shown by X-Ray's API, sent on by OTLP. Source: OpenTelemetry semantic
conventions, "Generative AI spans".
"""

import random
from collections.abc import Callable, Mapping
from random import getrandbits
from typing import Any

import msgspec

from torana.llm.spend import Spent
from torana.message import Headers
from torana.telemetry import trace_header
from torana.telemetry.tracebook import Kept

Note = Callable[[Spent], None]
_OPERATIONS = {
    "chat": "chat",
    "responses": "chat",
    "completions": "text_completion",
    "embeddings": "embeddings",
}
Json = dict[str, Any]


def tracing(
    share: float, keep: Callable[[Kept], None], vendors: Mapping[str, str] = {}
) -> Callable[[Headers, str], Note | None]:
    """Which calls are traced: those whose caller decided so, and a share of the others. `vendors`:
    what the conventions call providers."""

    def begin(headers: Headers, operation: str) -> Note | None:
        amazon, w3c = headers.get("x-amzn-trace-id"), headers.get("traceparent")
        carried = trace_header.read(amazon, w3c) if amazon or w3c else None
        decided = None if carried is None else carried.sampled
        if not (random.random() < share if decided is None else decided):  # noqa: S311
            return None

        def note(spent: Spent) -> None:
            root = carried.root if carried is not None else ""
            root = root or f"1-{int(spent.at):08x}-{getrandbits(96):024x}"
            id = f"{getrandbits(64):016x}"
            vendor, parent = vendors.get(spent.provider, ""), carried.parent if carried else ""
            document = segment(spent, vendor, operation, root, id, parent)
            keep(Kept(root, id, spent.at, msgspec.json.encode(document).decode()))

        return note

    return begin


def segment(spent: Spent, vendor: str, operation: str, root: str, id: str, parent: str) -> Json:
    """A call, as X-Ray has it; `:` in the names of annotations becomes `.` in OTLP."""
    name = _OPERATIONS.get(operation, operation)
    told: Json = {
        "gen_ai:operation:name": name,
        "gen_ai:request:model": spent.model,
        "torana:key": spent.key,
    }
    more: Json = {
        "gen_ai:provider:name": vendor or spent.provider,
        "torana:provider": spent.provider,
        "gen_ai:response:model": spent.target,
        "gen_ai:usage:input_tokens": spent.input,
        "gen_ai:usage:output_tokens": spent.output,
        "gen_ai:usage:cache_read:input_tokens": spent.cached,
        "torana:organization": spent.organization,
        "torana:team": spent.team,
        "torana:user": spent.user,
        "torana:end_user": spent.end_user,
        "torana:cost:usd": spent.usd,
        "torana:attempts": spent.attempts if spent.attempts > 1 else 0,
        "torana:first_token_seconds": spent.first,
        "torana:cache:hit": spent.hit,
        "error:type": str(spent.status) if spent.status >= 400 else "",
    }
    told |= {key: value for key, value in more.items() if value}
    made: Json = {
        "trace_id": root,
        "id": id,
        "name": f"{name} {spent.model}",
        "type": "subsegment",
        "namespace": "remote",
        "start_time": spent.at,
        "end_time": spent.at + spent.seconds,
        "http": {"response": {"status": spent.status}},
        "annotations": told,
        "fault": spent.status >= 500,
        "error": 400 <= spent.status < 500,
        "throttle": spent.status == 429,
    }
    return made | ({"parent_id": parent} if parent else {})
