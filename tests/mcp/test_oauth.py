"""An MCP client finds out by itself where tokens for an API's tools are got: the SDK's own flow."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)
from pydantic import AnyUrl

from tests.builders import api, door, mock, ports, serving
from torana.mcp.door import McpDoor
from torana.mcp.oauth import OAuth
from torana.message import Headers, Reply, Request, read
from torana.model.rest import Authorizer
from torana.net.client import HttpClient

ARN = (
    "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
    "arn:aws:lambda:us-east-1:1:function:f/invocations"
)
JUDGE = Authorizer(
    "judge",
    "TOKEN",
    ARN,
    identity_source="method.request.header.Authorization",
    identity_validation_expression="Bearer good-.*",
)


class Issuer:
    """Registers clients, and gives everybody the same token."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[tuple[str, dict[str, list[str]]]] = []

    async def __call__(self, request: Request) -> Reply:
        path = urlsplit(request.target).path
        body = await read(request.body, 10**5)
        self.asked.append((path, parse_qs(body.decode())))
        found: dict[str, Any] = {
            "/.well-known/oauth-authorization-server": {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "registration_endpoint": f"{self.url}/register",
                "response_types_supported": ["code"],
                "code_challenge_methods_supported": ["S256"],
            },
            "/register": {"client_id": "c1", "redirect_uris": ["http://127.0.0.1:9/back"]},
            "/token": {"access_token": "good-1", "token_type": "Bearer", "expires_in": 3600},
        }
        known = found.get(path)
        status = 404 if known is None else 201 if path == "/register" else 200
        fields = Headers([("Content-Type", "application/json")])
        return Reply(status, fields, json.dumps(known or {}).encode())


class Storage:
    """Implements the SDK's `TokenStorage`."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


async def test_a_client_without_a_token_is_led_to_one() -> None:
    issuer, http = Issuer(), HttpClient()
    guarded = mock("/pets", authorization_type="CUSTOM", authorizer="judge")
    front = door(api(guarded, authorizers={"judge": JUDGE}), None, ports(http))
    async with serving(issuer) as elsewhere, serving(front) as listener:
        issuer.url = f"http://127.0.0.1:{elsewhere.port}"
        oauth = OAuth((issuer.url,), ("pets.read",))
        front.besides = (McpDoor(front, ("abc/*",), lambda key, api, stage: False, oauth=oauth),)
        origin = f"http://127.0.0.1:{listener.port}"
        url = f"{origin}/mcp/abc/prod"
        async with httpx.AsyncClient() as plain:
            told = await plain.get(f"{origin}/.well-known/oauth-protected-resource/mcp/abc/prod")
            assert told.json() == {
                "resource": url,
                "authorization_servers": [issuer.url],
                "bearer_methods_supported": ["header"],
                "scopes_supported": ["pets.read"],
            }
            call: Any = {"name": "get_pets", "arguments": {}}
            asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
            bad = await plain.post(url, json=asked, headers={"Authorization": "Bearer bad"})
            assert bad.status_code == 401
            assert 'error="invalid_token"' in bad.headers["www-authenticate"]
            gone = await plain.get(f"{origin}/.well-known/oauth-protected-resource/mcp/abc/x")
            assert gone.status_code == 404

        sent_to: list[str] = []

        async def redirect(to: str) -> None:
            sent_to.append(to)

        async def back() -> AuthorizationCodeResult:
            state = parse_qs(urlsplit(sent_to[0]).query)["state"][0]
            return AuthorizationCodeResult(code="code-1", state=state)

        metadata = OAuthClientMetadata(
            client_name="test", redirect_uris=[AnyUrl("http://127.0.0.1:9/back")]
        )
        storage = Storage()
        flow = OAuthClientProvider(url, metadata, storage, redirect, back)
        async with (
            create_mcp_http_client(auth=flow) as client,
            Client(streamable_http_client(url, http_client=client), mode="legacy") as mcp,
        ):
            assert [each.name for each in (await mcp.list_tools()).tools] == ["get_pets"]
        assert parse_qs(urlsplit(sent_to[0]).query)["scope"] == ["pets.read"]
        exchanged = next(form for path, form in issuer.asked if path == "/token")
        assert exchanged["resource"] == [url]
        assert storage.tokens is not None
    await http.aclose()
