"""Personal data in what passes, in logs and behind tokens, through one running gateway."""

import asyncio
import gzip
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError
from msgspec import Struct

from tests.builders import serving
from tests.services.apigateway.making import Running, gateway, told
from torana.data_settings import Privacy, PrivacySettings, Rule
from torana.message import Headers, Reply, Request, read
from torana.openapi import InvalidDocument
from torana.openapi import read as read_document
from torana.openapi import write as write_document
from torana.settings import BadSettings

MAIL = "ann@example.org"
GROUP = "arn:aws:logs:us-east-1:000000000000:log-group:access:*"
OWN = {
    "request": [{"action": "tokenise", "fields": ["$.mail"]}],
    "response": [{"action": "detokenise"}],
    "tenant": "$context.identity.userAgent",
}


class Backend(Struct):
    """Keeps what it was sent, and sends it back."""

    seen: list[bytes] = []
    coded: bool = False

    async def __call__(self, request: Request) -> Reply:
        body = await read(request.body, 1 << 22)
        self.seen.append(body)
        fields = [("Content-Type", request.headers.get("content-type") or ""), ("ETag", '"1"')]
        if self.coded:
            body, fields = gzip.compress(body), [*fields, ("Content-Encoding", "gzip")]
        return Reply(200, Headers(fields), body)


def operation(port: int, privacy: Any = None, **integration: Any) -> Any:
    uri = f"http://127.0.0.1:{port}/"
    made = {"type": "http_proxy", "httpMethod": "POST", "uri": uri, **integration}
    found = {"responses": {}, "x-amazon-apigateway-integration": made}
    return found if privacy is None else {**found, "x-torana-privacy": privacy}


def rest(port: int) -> Any:
    block = {"request": [{"action": "block", "detect": ["CREDIT_DEBIT_NUMBER"]}]}
    reply = {"response": [{"action": "mask", "detect": ["EMAIL"]}], "logs": ["EMAIL"]}
    form = "$context.requestId $context.path $context.identity.userAgent"
    stage = {"accessLogSettings": {"destinationArn": GROUP, "format": form}}
    return {
        "openapi": "3.0.1",
        "info": {"title": "private"},
        "x-torana-privacy": reply,
        "x-torana-stage": {"name": "prod", **stage},
        "paths": {
            "/masked": {"post": operation(port)},
            "/own": {"post": operation(port, OWN)},
            "/cards": {"post": operation(port, block)},
            "/open": {"post": operation(port, {})},
            "/set": {"post": operation(port)},
        },
    }


def http(port: int) -> Any:
    own = operation(port, OWN, payloadFormatVersion="1.0")
    return {
        "openapi": "3.0.1",
        "info": {"title": "http"},
        "x-torana-protocol": "HTTP",
        "paths": {"/own": {"post": own}},
    }


@asynccontextmanager
async def running(folder: Path) -> AsyncGenerator[tuple[Running, Backend]]:
    backend = Backend()
    async with serving(backend) as listener:
        for name, made in (("rest", rest), ("http", http)):
            (folder / f"{name}.json").write_text(json.dumps(made(listener.port)))
        settings = PrivacySettings(
            ("IP_ADDRESS",),
            {"private/prod/POST /set": Privacy(request=(Rule("mask", ("$.mail",)),))},
        )
        apis = (str(folder / "rest.json"), str(folder / "http.json"))
        async with gateway(folder / "data", apis=apis, privacy=settings) as found:
            yield found, backend


async def test_personal_data_on_its_way_through_the_gateway(tmp_path: Path) -> None:
    async with running(tmp_path) as (found, backend), httpx.AsyncClient() as client:

        async def ask(path: str, body: Any, who: str = "ann", **fields: str) -> httpx.Response:
            base = "/apis/http/$default" if path == "/http" else "/restapis/private/prod"
            base += "" if path == "/http" else "/_user_request_"
            return await client.post(
                f"{found.door}{base}{'/own' if path == '/http' else path}",
                content=body if isinstance(body, bytes) else json.dumps(body),
                headers={"content-type": "application/json", "user-agent": who, **fields},
            )

        await the_backend_sees_tokens_and_the_client_values(ask, backend)
        await what_may_not_pass_is_refused(ask, backend)
        await a_policy_of_the_settings_wins(ask, backend)
        await found.node.observatory.flush()
        await only_who_may_sees_what_is_hidden(found, backend)
        await ask("/masked", {}, who=f"{MAIL} 203.0.113.9")
        await found.node.observatory.flush()
        logs = found.client("logs")
        events = (await asyncio.to_thread(logs.filter_log_events, logGroupName="access"))["events"]
        said = [each["message"] for each in events]
        assert any(each.endswith("/masked [EMAIL] [IP_ADDRESS]") for each in said)
        assert not any(MAIL in each for each in said)
        assert MAIL not in (found.data / "logs/access.log").read_text()


async def the_backend_sees_tokens_and_the_client_values(ask: Any, backend: Backend) -> None:
    for path in ("/own", "/http"):
        reply = await ask(path, {"mail": MAIL, "n": 1})
        assert (reply.status_code, reply.json()) == (200, {"mail": MAIL, "n": 1})
        assert "etag" not in reply.headers
        assert json.loads(backend.seen[-1])["mail"].startswith("tok~")
    token = json.loads(backend.seen[-1])["mail"]
    assert json.loads(backend.seen[-2])["mail"] == token
    assert (await ask("/own", {"was": token}, who="bob")).json() == {"was": token}
    assert (await ask("/own", {"mail": MAIL}, who="bob")).json() == {"mail": MAIL}
    assert json.loads(backend.seen[-1])["mail"] != token
    assert (await ask("/masked", {"to": [MAIL]})).json() == {"to": ["[EMAIL]"]}
    assert json.loads(backend.seen[-1]) == {"to": [MAIL]}
    assert (await ask("/open", {"to": MAIL})).json() == {"to": MAIL}


async def what_may_not_pass_is_refused(ask: Any, backend: Backend) -> None:
    seen = len(backend.seen)
    reply = await ask("/cards", {"pay": "with 4111 1111 1111 1111"})
    told = {"message": "Request body refused: it holds personal data: CREDIT_DEBIT_NUMBER"}
    assert (reply.status_code, reply.json()) == (400, told)
    coded = await ask("/cards", gzip.compress(b"{}"), **{"content-encoding": "gzip"})
    picture = await ask("/cards", b"\x89PNG", **{"content-type": "image/png"})
    large = await ask("/cards", b" " * ((1 << 20) + 1))
    assert [each.status_code for each in (coded, picture, large)] == [415, 415, 413]
    assert len(backend.seen) == seen
    assert (await ask("/cards", {"order": "4111 1111 1111 1112"})).status_code == 200
    large = await ask("/masked", b" " * ((1 << 20) + 1))
    said = {"message": "Response withheld: it is over 1048576 bytes"}
    assert (large.status_code, large.json()) == (502, said)
    backend.coded = True
    assert (await ask("/masked", {"a": 1})).json()["message"] == (
        "Response withheld: a coding hides it"
    )
    backend.coded = False


async def a_policy_of_the_settings_wins(ask: Any, backend: Backend) -> None:
    assert (await ask("/set", {"mail": MAIL, "to": MAIL})).json() == {"mail": "***", "to": MAIL}


async def only_who_may_sees_what_is_hidden(found: Running, backend: Backend) -> None:
    [token, *_] = [json.loads(body)["mail"] for body in backend.seen if b'"mail":"tok~' in body]
    torana, iam = found.client("torana"), found.client("iam")
    [said] = (await asyncio.to_thread(torana.detokenise, tokens=[token]))["values"]
    assert said == {"token": token, "state": "FOUND", "tenant": "ann", "value": MAIL}
    [bad] = (await asyncio.to_thread(torana.detokenise, tokens=["tok~no~"]))["values"]
    assert bad["state"] == "MALFORMED"
    await asyncio.to_thread(iam.create_user, UserName="bob")
    key = (await asyncio.to_thread(iam.create_access_key, UserName="bob"))["AccessKey"]
    bob = found.client("torana", key=(key["AccessKeyId"], key["SecretAccessKey"]))
    with pytest.raises(ClientError) as refused:
        await asyncio.to_thread(bob.detokenise, tokens=[token])
    assert told(refused.value)[0] == "AccessDeniedException"
    readable = {"Effect": "Allow", "Action": "logs:Filter*", "Resource": "*"}
    allowed = json.dumps({"Version": "2012-10-17", "Statement": [readable]})
    await asyncio.to_thread(
        iam.put_user_policy, UserName="bob", PolicyName="p", PolicyDocument=allowed
    )
    logs = found.client("logs", key=(key["AccessKeyId"], key["SecretAccessKey"]))
    await asyncio.to_thread(logs.filter_log_events, logGroupName="access")
    with pytest.raises(ClientError, match=r"not authorized to perform: logs:Unmask"):
        await asyncio.to_thread(logs.filter_log_events, logGroupName="access", unmask=True)
    trail = "".join(file.read_text() for file in (found.data / "audit").iterdir())
    assert '"Detokenise"' in trail and MAIL not in trail


def test_a_document_reads_back_and_names_what_is_wrong() -> None:
    text = json.dumps(rest(1), indent=1)
    found = read_document(text, "rest.json")
    assert found.api.privacy is not None
    assert [*found.api.privacy.operations] == ["POST /own", "POST /cards", "POST /open"]
    again = read_document(write_document(found.api, found.stage), "again.json")
    assert again.api.privacy == found.api.privacy
    with pytest.raises(InvalidDocument, match=r"rest.json:\d+: .*'MAIL' is none of ALL, ADDRESS"):
        read_document(text.replace('"EMAIL"', '"MAIL"'), "rest.json")


async def test_settings_that_cannot_be_are_told(tmp_path: Path) -> None:
    for given, said in (
        (PrivacySettings(("MAIL",)), r"^privacy.logs.0: 'MAIL' is none of ALL"),
        (PrivacySettings(apis={"a": Privacy((Rule("mask"),))}), r"^privacy.apis.'a'.request.0: a "),
    ):
        with pytest.raises(BadSettings, match=said):
            async with gateway(tmp_path, privacy=given):
                raise AssertionError
