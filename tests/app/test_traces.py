"""Traces: of requests through a running gateway, read with boto3, handed on to backends and to a
collector."""

import asyncio
import json
import re
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.builders import serving
from tests.services.apigateway.making import Asking, Running, gateway, told
from torana.message import Headers, Reply, Request, read
from torana.settings import Otlp, Tracing

ROOT = "1-67891233-abcdef012345678912345678"
PARENT = "463ac35c9f6413ad"


class Backend:
    """Answers with a status, and keeps what it was asked."""

    def __init__(self, status: int = 200) -> None:
        self.status, self.asked = status, list[Request]()

    async def __call__(self, request: Request) -> Reply:
        request.body = await read(request.body, 1 << 24)
        self.asked.append(request)
        return Reply(self.status, Headers(), b"{}")


def document(port: int, folder: Path, **stage: Any) -> str:
    """An API whose stage traces, in a file."""
    integration = {"type": "http_proxy", "httpMethod": "GET", "uri": f"http://127.0.0.1:{port}/"}
    api = {
        "openapi": "3.0.1",
        "info": {"title": "pets", "version": "1"},
        "x-torana-stage": {"name": "prod", "tracingEnabled": True, **stage},
        "paths": {
            "/pets": {
                "get": {
                    "responses": {"200": {"description": ""}},
                    "x-amazon-apigateway-integration": integration,
                }
            }
        },
    }
    path = folder / "pets.json"
    path.write_text(json.dumps(api))
    return str(path)


async def get(running: Running, **headers: str) -> httpx.Response:
    url = f"{running.door}/restapis/pets/prod/_user_request_/pets"
    async with httpx.AsyncClient() as client:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return await client.get(url, headers=fields)


async def summaries(ask: Asking, expression: str = "", count: int = 1) -> list[dict[str, Any]]:
    """Those of the last minute, once there are so many."""
    given = {"FilterExpression": expression} if expression else {}
    found: dict[str, Any] = {}
    for _ in range(100):
        now = datetime.now(UTC)
        found = await ask.get_trace_summaries(
            StartTime=now - timedelta(minutes=1), EndTime=now + timedelta(minutes=1), **given
        )
        if len(found["TraceSummaries"]) >= count:
            break
        await asyncio.sleep(0.05)
    return found["TraceSummaries"]


async def segment(ask: Asking, id: str) -> dict[str, Any]:
    [trace] = (await ask.batch_get_traces(TraceIds=[id]))["Traces"]
    return json.loads(trace["Segments"][0]["Document"])


def calls(made: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of a segment that are the backend's, without the gateway's own steps."""
    return [each for each in made["subsegments"] if "namespace" in each]


async def test_a_request_that_is_sampled_leaves_a_segment(tmp_path: Path) -> None:
    async with serving(Backend()) as upstream:
        apis = (document(upstream.port, tmp_path),)
        async with gateway(tmp_path / "data", apis=apis) as running:
            ask = Asking(running.client("xray"))
            await get(running, X_Amzn_Trace_Id=f"Root={ROOT};Parent={PARENT};Sampled=1")
            [found] = await summaries(ask)
            assert found["Id"] == ROOT
            assert found["Http"] | {"ClientIp": "", "UserAgent": ""} == {
                "HttpURL": f"{running.door}/prod/pets",
                "HttpMethod": "GET",
                "HttpStatus": 200,
                "ClientIp": "",
                "UserAgent": "",
            }
            made = await segment(ask, ROOT)
            assert (made["name"], made["parent_id"], made["origin"]) == (
                "pets/prod",
                PARENT,
                "AWS::ApiGateway::Stage",
            )
            [call] = calls(made)
            assert (call["name"], call["namespace"]) == ("127.0.0.1", "remote")
            assert call["http"]["response"]["status"] == 200
            assert made["start_time"] <= call["start_time"] <= call["end_time"]


async def test_the_backend_is_told_the_trace_in_both_headers(tmp_path: Path) -> None:
    backend = Backend()
    async with serving(backend) as upstream:
        apis = (document(upstream.port, tmp_path),)
        async with gateway(tmp_path / "data", apis=apis) as running:
            ask = Asking(running.client("xray"))
            await get(running, X_Amzn_Trace_Id=f"Root={ROOT};Sampled=1", traceparent="00-x")
            await summaries(ask)
            call = calls(await segment(ask, ROOT))[0]["id"]
        [asked] = backend.asked
        assert asked.headers.all("x-amzn-trace-id") == [f"Root={ROOT};Parent={call};Sampled=1"]
        assert asked.headers.all("traceparent") == [f"00-{ROOT[2:].replace('-', '')}-{call}-01"]


async def test_a_trace_of_w3c_is_taken_up(tmp_path: Path) -> None:
    async with serving(Backend()) as upstream:
        apis = (document(upstream.port, tmp_path),)
        async with gateway(tmp_path / "data", apis=apis) as running:
            ask = Asking(running.client("xray"))
            await get(running, traceparent=f"00-{ROOT[2:].replace('-', '')}-{PARENT}-01")
            [found] = await summaries(ask)
            assert found["Id"] == ROOT
            assert (await segment(ask, ROOT))["parent_id"] == PARENT


@pytest.mark.parametrize("given", [f"Root={ROOT};Sampled=0", f"Root={ROOT};Parent=x;Sampled=0"])
async def test_what_the_client_does_not_want_traced_is_not(tmp_path: Path, given: str) -> None:
    backend = Backend()
    async with serving(backend) as upstream:
        apis = (document(upstream.port, tmp_path),)
        async with gateway(tmp_path / "data", apis=apis) as running:
            ask = Asking(running.client("xray"))
            await get(running, X_Amzn_Trace_Id=given)
            await get(running, X_Amzn_Trace_Id=f"Root={ROOT[:-1]}9;Sampled=1")
            found = await summaries(ask)
            assert [each["Id"] for each in found] == [f"{ROOT[:-1]}9"]
            sent = backend.asked[0].headers.get("x-amzn-trace-id")
            assert sent == f"Root={ROOT};Sampled=0"


async def test_a_stage_without_tracing_hands_the_client_s_trace_on(tmp_path: Path) -> None:
    backend = Backend()
    async with serving(backend) as upstream:
        apis = (document(upstream.port, tmp_path, tracingEnabled=False),)
        async with gateway(tmp_path / "data", apis=apis) as running:
            given = f"Root={ROOT};Parent={PARENT};Sampled=1"
            await get(running, X_Amzn_Trace_Id=given)
            assert backend.asked[0].headers.get("x-amzn-trace-id") == given


async def test_sampling_rules_decide_where_the_client_has_not(tmp_path: Path) -> None:
    async with serving(Backend()) as upstream:
        apis = (document(upstream.port, tmp_path),)
        async with gateway(tmp_path / "data", apis=apis) as running:
            ask = Asking(running.client("xray"))
            every = {"ResourceARN": "*", "ServiceType": "*", "Host": "*", "HTTPMethod": "*"}
            rule = {"RuleName": "all", "Priority": 1, "ReservoirSize": 0, "URLPath": "/pets"}
            made = await ask.create_sampling_rule(
                SamplingRule={
                    **every,
                    **rule,
                    "FixedRate": 1.0,
                    "ServiceName": "pets/*",
                    "Version": 1,
                }
            )
            assert made["SamplingRuleRecord"]["SamplingRule"]["RuleARN"].endswith("/all")
            # Every process follows the store: the rule is in force when a request is traced by it.
            sampled = running.node.sampler.tallies
            for _ in range(100):
                if "all" in sampled:
                    break
                await asyncio.sleep(0.02)
                sampled = running.node.sampler.tallies
            for _ in range(5):
                reply = await get(running)
                assert re.search("Sampled=1$", reply.headers["x-amzn-trace-id"])
            assert len(await summaries(ask, count=5)) == 5
            off = {"RuleName": "all", "FixedRate": 0.0}
            await ask.update_sampling_rule(SamplingRuleUpdate=off)
            await asyncio.sleep(0.3)
            reply = await get(running)
            assert reply.headers["x-amzn-trace-id"].endswith("Sampled=0")


async def test_a_backend_s_fault_is_the_trace_s(tmp_path: Path) -> None:
    async with serving(Backend(503)) as upstream:
        apis = (document(upstream.port, tmp_path),)
        async with gateway(tmp_path / "data", apis=apis) as running:
            ask = Asking(running.client("xray"))
            await get(running, X_Amzn_Trace_Id=f"Root={ROOT};Sampled=1")
            [found] = await summaries(ask, 'service("pets/prod") { fault } AND http.status = 503')
            assert found["HasFault"]
            assert await summaries(ask, "ok", count=0) == []
            now = datetime.now(UTC)
            graph = await ask.get_service_graph(StartTime=now - timedelta(minutes=1), EndTime=now)
            shown = {each["Name"]: each for each in graph["Services"]}
            assert shown.keys() == {"client", "pets/prod", "127.0.0.1"}
            [edge] = shown["pets/prod"]["Edges"]
            assert edge["ReferenceId"] == shown["127.0.0.1"]["ReferenceId"]
            assert edge["SummaryStatistics"]["FaultStatistics"]["TotalCount"] == 1


async def test_segments_of_others_join_the_trace(tmp_path: Path) -> None:
    backend = Backend()
    async with serving(backend) as upstream:
        apis = (document(upstream.port, tmp_path),)
        async with gateway(tmp_path / "data", apis=apis) as running:
            ask = Asking(running.client("xray"))
            await get(running, X_Amzn_Trace_Id=f"Root={ROOT};Sampled=1")
            await summaries(ask)
            call = calls(await segment(ask, ROOT))[0]["id"]
            own = {
                "name": "shop",
                "id": "1111111111111111",
                "trace_id": ROOT,
                "parent_id": call,
                "start_time": 1.0,
                "end_time": 2.0,
                "annotations": {"tenant": "a"},
            }
            bad = {**own, "id": "short"}
            put = await ask.put_trace_segments(
                TraceSegmentDocuments=[json.dumps(own), json.dumps(bad), "no"]
            )
            refused = [each["Id"] for each in put["UnprocessedTraceSegments"]]
            assert refused == ["short", ""]
            graph = await ask.get_trace_graph(TraceIds=[ROOT])
            names = {each["Name"]: each for each in graph["Services"]}
            assert names.keys() == {"client", "pets/prod", "shop"}
            [edge] = names["pets/prod"]["Edges"]
            assert edge["ReferenceId"] == names["shop"]["ReferenceId"]


async def test_programs_with_an_sdk_send_segments_to_the_daemon_s_port(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with gateway(tmp_path / "data", tracing=Tracing(daemon=port)) as running:
        ask = Asking(running.client("xray"))
        now = datetime.now(UTC).timestamp()
        own = {"name": "job", "id": PARENT, "trace_id": ROOT, "start_time": now, "end_time": now}
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for text in (b"rubbish", json.dumps(own).encode()):
                sender.sendto(b'{"format": "json", "version": 1}\n' + text, ("127.0.0.1", port))
        [found] = await summaries(ask)
        assert found["EntryPoint"]["Name"] == "job"


async def test_traces_go_on_to_a_collector_by_otlp(tmp_path: Path) -> None:
    collector = Backend()
    async with serving(Backend()) as upstream, serving(collector) as beyond:
        address = f"http://127.0.0.1:{beyond.port}"
        otlp = Otlp(address, {"x-key": "k"}, signals=("traces",), encoding="json")
        apis = (document(upstream.port, tmp_path),)
        async with gateway(tmp_path / "data", apis=apis, otlp=otlp) as running:
            await get(running, X_Amzn_Trace_Id=f"Root={ROOT};Parent={PARENT};Sampled=1")
            for _ in range(200):
                if collector.asked:
                    break
                await asyncio.sleep(0.02)
        [asked] = collector.asked
        assert (asked.target, asked.headers.get("x-key")) == ("/v1/traces", "k")
        [resource] = json.loads(bytes(asked.body))["resourceSpans"]  # pyright: ignore[reportArgumentType]
        spans = resource["scopeSpans"][0]["spans"]
        server, client = (each for each in spans if each["kind"] != 1)
        assert server["traceId"] == ROOT[2:].replace("-", "")
        assert (server["parentSpanId"], client["parentSpanId"]) == (PARENT, server["spanId"])
        assert (server["kind"], client["kind"]) == (2, 3)


async def test_groups_name_expressions_and_wrong_ones_are_refused(tmp_path: Path) -> None:
    async with gateway(tmp_path / "data") as running:
        ask = Asking(running.client("xray"))
        made = await ask.create_group(GroupName="slow", FilterExpression="responsetime > 5")
        assert made["Group"]["FilterExpression"] == "responsetime > 5"
        names = [each["GroupName"] for each in (await ask.get_groups())["Groups"]]
        assert names == ["Default", "slow"]
        with pytest.raises(ClientError) as error:
            await ask.create_group(GroupName="bad", FilterExpression="responsetime >")
        assert told(error.value) == (
            "InvalidRequestException",
            "Invalid filter expression: it ends too early",
        )
        arn = made["Group"]["GroupARN"]
        await ask.tag_resource(ResourceARN=arn, Tags=[{"Key": "a", "Value": "b"}])
        tags = await ask.list_tags_for_resource(ResourceARN=arn)
        assert tags["Tags"] == [{"Key": "a", "Value": "b"}]
        await ask.delete_group(GroupName="slow")
        assert len((await ask.get_groups())["Groups"]) == 1


async def test_programs_get_their_share_of_a_reservoir(tmp_path: Path) -> None:
    async with gateway(tmp_path / "data") as running:
        ask = Asking(running.client("xray"))
        await ask.update_sampling_rule(
            SamplingRuleUpdate={"RuleName": "Default", "ReservoirSize": 10}
        )
        now = datetime.now(UTC)
        quotas: list[int] = []
        for client in ("a" * 24, "b" * 24):
            told_of = {"RuleName": "Default", "ClientID": client, "Timestamp": now}
            counts = {"RequestCount": 4, "SampledCount": 2}
            found = await ask.get_sampling_targets(
                SamplingStatisticsDocuments=[{**told_of, **counts}]
            )
            quotas.append(found["SamplingTargetDocuments"][0]["ReservoirQuota"])
        assert quotas == [10, 5]
        [told_now] = (await ask.get_sampling_statistic_summaries())["SamplingStatisticSummaries"]
        assert (told_now["RequestCount"], told_now["SampledCount"]) == (8, 4)
