from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from tests.builders import api, ask, door, mock, ports, proxy, serving
from torana.gateway.contract import Compiled, Observe
from torana.gateway.execution_log import writer
from torana.message import Headers, Reply, Request, Sent
from torana.model.rest import Method, MethodSettings, RequestValidator, Stage
from torana.net.client import HttpClient
from torana.telemetry.groups import Event

Kept = list[tuple[str, str, str]]
KEY = "secret-0123456789abcdef"


async def logged(
    method: Method, request: Request, level: Any = "INFO", *, data: bool = False, **fields: Any
) -> tuple[Reply, Kept]:
    """A reply, and the group, the stream and the text of each event of it."""
    kept: Kept = []

    def keep(group: str, stream: str, events: Sequence[Event]) -> None:
        kept.extend((group, stream, text) for _, text in events)

    settings = {"*/*": MethodSettings(logging_level=level, data_trace_enabled=data)}
    client = HttpClient()

    def observe(to: Compiled) -> Observe:
        return writer(to, keep)

    observed = msgspec.structs.replace(ports(client), observe=observe)
    served = door(api(method, **fields), Stage("prod", method_settings=settings), observed)
    reply = await served(request)
    assert reply.sent is not None
    reply.sent(Sent(1, whole=True))
    await client.aclose()
    return reply, kept


def texts(kept: Kept) -> list[str]:
    """Without the request id."""
    assert len({text.partition(") ")[0] for _, _, text in kept}) == len({s for _, s, _ in kept})
    return [text.partition(") ")[2] for _, _, text in kept]


async def test_a_method_that_is_not_logged_leaves_no_trace() -> None:
    reply, kept = await logged(mock(), ask("/pets"), "OFF")
    assert (reply.status, kept) == (200, [])
    found = door(api(mock())).table.stages["abc", "prod"].plan.find("/pets", "GET")
    assert found is not None
    assert "trace" not in str(found[0])


async def test_info_tells_the_steps_without_data() -> None:
    reply, kept = await logged(mock(body="hidden"), ask("/pets?hidden=1", X_Hidden="hidden"))
    id = reply.headers.get("x-amzn-requestid") or ""
    assert {group for group, _, _ in kept} == {"API-Gateway-Execution-Logs_abc/prod"}
    assert texts(kept)[1:] == [
        f"Verifying Usage Plan for request: {id}. API Key:  API Stage: abc/prod",
        "API Key  authorized because method 'GET /pets' does not require API Key. "
        "Request will not contribute to throttle or quota limits",
        "Usage Plan check succeeded for API Key  and API Stage abc/prod",
        f"Starting execution for request: {id}",
        "HTTP Method: GET, Resource Path: /pets",
        "Successfully completed execution",
        "Method completed with status: 200",
    ]


async def test_data_trace_tells_what_went_to_the_backend_and_came_back() -> None:
    async def backend(request: Request) -> Reply:
        return Reply(201, Headers([("X-Back", "1")]), b"from the backend")

    async with serving(backend) as upstream:
        uri = f"http://127.0.0.1:{upstream.port}/in/{{id}}"
        method = proxy("/pets/{id}", uri)
        request = ask("/pets/7?a=1", "POST", b"to it", Authorization=f"Bearer {KEY}", Cookie="c=1")
        _, kept = await logged(method, request, data=True)
    said = texts(kept)
    assert "Method request path: {id=7}" in said
    assert "Method request query string: {a=1}" in said
    assert "Method request body before transformations: to it" in said
    assert f"Endpoint request URI: {uri.replace('{id}', '7')}?a=1" in said
    assert "Endpoint request body after transformations: to it" in said
    assert "Endpoint response body before transformations: from the backend" in said
    assert "Method response body after transformations: from the backend" in said
    assert any(line.startswith("Received response. Status: 201, Integration") for line in said)
    assert any("X-Back=1" in line for line in said if line.startswith("Endpoint response headers"))


@pytest.mark.parametrize("name", ["Authorization", "X_Api_Key", "Cookie", "X_Amz_Security_Token"])
async def test_credentials_are_masked_but_for_their_end(name: str) -> None:
    _, kept = await logged(mock(), ask("/pets", "GET", b"", **{name: KEY}), data=True)
    whole = "\n".join(texts(kept))
    assert "0123456789" not in whole
    assert "*****abcdef" in whole


async def test_a_short_secret_is_masked_whole() -> None:
    _, kept = await logged(mock(), ask("/pets", Authorization="hunter2"), data=True)
    assert "Authorization=*******" in "\n".join(texts(kept))


async def test_a_request_forges_no_line() -> None:
    _, kept = await logged(mock(verb="POST"), ask("/pets", "POST", b"a\n(x) forged"), data=True)
    assert "Method request body before transformations: a\\n(x) forged" in texts(kept)


async def test_a_long_value_is_cut_and_a_binary_one_left_out() -> None:
    _, kept = await logged(mock(verb="POST"), ask("/pets", "POST", b"x" * 5000), data=True)
    assert f"Method request body before transformations: {'x' * 1024} [TRUNCATED]" in texts(kept)
    _, kept = await logged(mock(verb="POST"), ask("/pets", "POST", b"\xff\x00"), data=True)
    assert "Method request body before transformations: [Binary Data]" in texts(kept)


async def test_error_tells_of_failures_only() -> None:
    assert (await logged(mock(), ask("/pets"), "ERROR"))[1] == []
    _, kept = await logged(proxy("/pets", "http://127.0.0.1:1/"), ask("/pets"), "ERROR")
    assert texts(kept) == [
        "Execution failed due to a network error communicating with endpoint",
        "Method completed with status: 504",
    ]


async def test_a_configuration_error_says_what_is_wrong() -> None:
    _, kept = await logged(mock(request="{}"), ask("/pets"), "ERROR")
    assert texts(kept)[0].startswith("Execution failed due to configuration error: the request")


async def test_a_refusal_names_its_gateway_response() -> None:
    _, kept = await logged(mock(api_key_required=True), ask("/pets"), "ERROR")
    assert texts(kept)[0] == "Gateway response type: INVALID_API_KEY with status code: 403"


async def test_a_missing_parameter_is_named() -> None:
    method = mock(request_validator="v", request_parameters={"method.request.querystring.q": True})
    validators = {"v": RequestValidator("v", False, True)}
    _, kept = await logged(method, ask("/pets"), "ERROR", request_validators=validators)
    assert texts(kept)[0] == "Execution failed: Missing required request parameters: [q]"
