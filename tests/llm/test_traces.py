"""Calls of models as spans: names, attributes and parents by OpenTelemetry's conventions."""

import json
import tomllib
from typing import Any

import httpx
import msgspec
import pytest

from tests.llm import double as d
from torana.app.llm import vendor_names
from torana.app.llm_traces import tracing
from torana.llm_settings import Llm
from torana.message import Reply, Request
from torana.telemetry.otlp import encode, spans
from torana.telemetry.tracebook import Kept

SETTINGS = """
[providers.up]
type = "xai"
api_key = "k"
base_url = "{up}"
[models.fast]
targets = [{ provider = "up", model = "gpt-4o" }]
retries = 0
[organizations.acme]
[teams.blue]
organization = "acme"
[users.ann]
team = "blue"
[keys.dev]
secret = "sk-dev"
user = "ann"
"""
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0{}"


def provider(request: Request, body: dict[str, Any]) -> Reply:
    if body.get("user") == "bad":
        return d.answer({"error": {"message": "no"}}, 500)
    return d.stream(*d.OPENAI_STREAM) if body.get("stream") else d.answer(d.OPENAI)


async def told(share: float, *bodies: dict[str, Any], **headers: str) -> list[dict[str, Any]]:
    kept = list[Kept]()
    async with d.gateway(provider, SETTINGS) as running, httpx.AsyncClient(timeout=30) as http:
        names = vendor_names(msgspec.convert(tomllib.loads(SETTINGS), Llm))
        trace = tracing(share, kept.append, names)
        running.api.__init__(running.api.plan, running.spent.append, None, trace)
        for body in bodies:
            await http.post(
                f"{running.url}/v1/chat/completions",
                json={"model": "fast", "messages": [{"role": "user", "content": "Hi"}], **body},
                headers={"Authorization": "Bearer sk-dev", **headers},
            )
    if not kept:
        return []
    sent = json.loads(encode(spans([each.document for each in kept], {}), "json"))
    return [
        {**span, **{each["key"]: next(iter(each["value"].values())) for each in span["attributes"]}}
        for resource in sent["resourceSpans"]
        for span in resource["scopeSpans"][0]["spans"]
    ]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_is_a_span_of_its_callers_trace(stream: bool) -> None:
    (span,) = await told(0.0, {"stream": stream}, traceparent=PARENT.format(1))
    assert (span["name"], span["kind"]) == ("chat fast", 3)
    assert span["traceId"] == "0af7651916cd43dd8448eb211c80319c"
    assert span["parentSpanId"] == "b7ad6b7169203331"
    assert span["gen_ai.operation.name"] == "chat"
    assert (span["gen_ai.request.model"], span["gen_ai.response.model"]) == ("fast", "gpt-4o")
    assert (span["gen_ai.provider.name"], span["torana.provider"]) == ("x_ai", "up")
    assert span["gen_ai.usage.input_tokens"] == "20"
    assert span["gen_ai.usage.output_tokens"] == "10"
    owners = [span[f"torana.{level}"] for level in ("organization", "team", "user", "key")]
    assert owners == ["acme", "blue", "ann", "dev"]
    assert span["torana.cost.usd"] > 0


async def test_a_failure_says_what_it_was() -> None:
    (span,) = await told(1.0, {"user": "bad"})
    assert (span["error.type"], span["status"]) == ("500", {"code": 2})
    assert len(span["traceId"]) == 32


async def test_who_decides_is_the_caller_then_the_share() -> None:
    assert await told(1.0, {}, traceparent=PARENT.format(0)) == []
    assert await told(0.0, {}) == []
    assert len(await told(1.0, {}, {})) == 2
