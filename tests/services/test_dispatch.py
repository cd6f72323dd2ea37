import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import pytest

from tests.services.serving import ROOT, make_router, parts
from torana.message import Headers, Reply, Request
from torana.net.client import HttpClient
from torana.services.assembly import router as assembled
from torana.services.credentials import FixedCredentials
from torana.services.ports import Busy, Principal, Turn
from torana.services.router import Invocation, Router
from torana.settings import Settings

FORM = "application/x-www-form-urlencoded"
JSON = "application/x-amz-json-1.1"


def invocation(
    body: bytes | dict[str, Any] = b"",
    *,
    service: str = "comprehend",
    action: str = "DetectSentiment",
    method: str = "POST",
    target: str = "/",
    timeout: float = 5.0,
    principal: Principal | None = None,
    **headers: str,
) -> Invocation:
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
    request = Request(method, target, Headers(fields), data)
    return Invocation(service, "us-east-1", action, request, None, timeout, "", principal)


async def answer(router: Router, asked: Invocation) -> tuple[int, Any]:
    reply = await router.dispatch(asked)
    return reply.status, decoded(reply)


def decoded(reply: Reply) -> Any:
    assert isinstance(reply.body, bytes)
    return msgspec.json.decode(reply.body)


async def test_an_action_address_names_the_operation() -> None:
    asked = invocation({"Text": "Good!!!!", "LanguageCode": "en"}, content_type="application/json")
    status, body = await answer(make_router(), asked)
    assert status == 200
    assert body["Sentiment"] == "POSITIVE"


async def test_a_target_header_names_the_operation_of_a_path_address() -> None:
    asked = invocation(
        {"Text": "plain"},
        action="",
        x_amz_target="Comprehend_20171127.DetectDominantLanguage",
        content_type=JSON,
    )
    status, body = await answer(make_router(), asked)
    assert status == 200
    assert body["Languages"][0] == {"LanguageCode": "en", "Score": 0.75}


async def test_scores_print_as_32_bit_floats() -> None:
    asked = invocation({"Text": "abc!", "LanguageCode": "en"})
    _, body = await answer(make_router(), asked)
    assert body["SentimentScore"]["Negative"] == 0.20000000298023224


async def test_errors_are_the_services_own() -> None:
    asked = invocation({"Text": "", "LanguageCode": "en"})
    status, body = await answer(make_router(), asked)
    assert status == 400
    assert body["__type"] == "ValidationException"
    assert body["message"].startswith("1 validation error detected: Value '' at 'text'")


async def test_a_query_service_takes_its_action_from_the_address() -> None:
    asked = invocation(service="sts", action="GetCallerIdentity", method="GET")
    reply = await make_router().dispatch(asked)
    assert reply.status == 200
    assert b"<Arn>arn:aws:iam::000000000000:root</Arn>" in bytes(reply.body)  # pyright: ignore


async def test_the_integrations_role_is_who_calls() -> None:
    role = "arn:aws:iam::123456789012:role/api"
    who = Principal("123456789012", role, "role:session")
    asked = invocation(service="sts", action="GetCallerIdentity", method="GET", principal=who)
    reply = await make_router().dispatch(asked)
    assert role.encode() in bytes(reply.body)  # pyright: ignore[reportArgumentType]
    assert b"<Account>123456789012</Account>" in bytes(reply.body)  # pyright: ignore


async def test_a_service_without_a_backend_is_not_reached() -> None:
    with pytest.raises(ConnectionError, match=r"set \[services.glue\]"):
        await make_router().dispatch(invocation(service="glue"))


async def test_the_integrations_timeout_ends_the_call() -> None:
    async def slow(capability: str, items: Sequence[Any], timeout: float) -> list[Any]:
        await asyncio.sleep(5)
        return []

    asked = invocation({"Text": "a", "LanguageCode": "en"}, timeout=0.05)
    with pytest.raises(TimeoutError):
        await make_router(of=parts(slow)).dispatch(asked)


async def test_an_engine_that_is_too_slow_is_the_services_fault() -> None:
    async def late(capability: str, items: Sequence[Any], timeout: float) -> list[Any]:
        raise TimeoutError

    asked = invocation({"Text": "a", "LanguageCode": "en"})
    status, body = await answer(make_router(of=parts(late)), asked)
    assert (status, body["__type"]) == (500, "InternalServerException")


async def test_a_busy_engine_is_throttling() -> None:
    async def busy(capability: str, items: Sequence[Any], timeout: float) -> list[Any]:
        raise Busy

    asked = invocation({"Text": "a", "LanguageCode": "en"})
    status, body = await answer(make_router(of=parts(busy)), asked)
    assert (status, body["__type"]) == (400, "ThrottlingException")


async def test_a_batch_of_only_bad_documents_asks_no_engine() -> None:
    async def never(capability: str, items: Sequence[Any], timeout: float) -> list[Any]:
        raise AssertionError("asked")

    asked = invocation(
        {"TextList": ["x" * 5001], "LanguageCode": "en"}, action="BatchDetectSentiment"
    )
    status, body = await answer(make_router(of=parts(never)), asked)
    assert status == 200
    assert body["ResultList"] == []
    assert [each["Index"] for each in body["ErrorList"]] == [0]


async def test_each_call_has_an_id_of_its_own() -> None:
    router, found = make_router(), set[str]()
    for _ in range(3):
        asked = invocation({"Text": "a", "LanguageCode": "en"})
        id = (await router.dispatch(asked)).headers.get("x-amzn-requestid") or ""
        assert UUID(id).version == 4
        found.add(id)
    assert len(found) == 3


async def test_another_process_that_is_too_slow_is_the_services_fault() -> None:
    async def late(turn: Turn) -> Reply:
        raise TimeoutError

    slow = assembled(
        Settings(), parts(), FixedCredentials([ROOT]), HttpClient(), {}, elsewhere={"sns": late}
    )
    asked = invocation(b"Action=ListTopics", service="sns", action="ListTopics", content_type=FORM)
    reply = await slow.dispatch(asked)
    assert reply.status == 500
    assert b"The request timed out" in bytes(reply.body)  # pyright: ignore[reportArgumentType]
