"""Providers that are reached by tokens instead of keys: who is asked for them, how, and when."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.builders import serving
from tests.llm import bedrock_double, gemini_double
from tests.llm import double as d
from torana.app.llm_access import access_of
from torana.llm.access import Access, NoToken, Token
from torana.llm_settings import LlmAccess
from torana.message import Headers, Reply, Request, read
from torana.net.client import HttpClient
from torana.net.tasks import spawn
from torana.settings import BadSettings

SETTINGS = """
[providers.up]
type = "{type}"
base_url = "{up}"
access = {{ {access} }}
[providers.spare]
type = "custom"
base_url = "{up}"
[models.fast]
targets = [{{ provider = "up", model = "m" }}]
retries = 0
[models.safe]
targets = [{{ provider = "up", model = "m" }}]
fallbacks = ["spare"]
[models.spare]
targets = [{{ provider = "spare", model = "m" }}]
[keys.dev]
secret = "sk-dev"
"""


class Tokens:
    """Gives tokens t1, t2, … and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Headers, dict[str, str]]] = []
        self.answers: dict[str, Any] = {}
        self.seconds = 3600
        self.status = 200
        self.url = ""

    async def __call__(self, request: Request) -> Reply:
        body = (await read(request.body, 10**6)).decode()
        given = json.loads(body) if body.startswith("{") else dict(parse_qsl(body))
        self.asked.append((request.target, request.headers, given))
        if self.status != 200:
            return d.answer({"error": "no", "error_description": "not you"}, self.status)
        number = len(self.asked)
        if ":generateAccessToken" in request.target:
            return d.answer({"accessToken": f"t{number}", "expireTime": "2030-01-01T00:00:00Z"})
        return d.answer({"access_token": f"t{number}", "expires_in": str(self.seconds)})


def provider(request: Request, body: dict[str, Any]) -> Reply:
    return (
        gemini_double.provider(request, body) if "models/" in request.target else d.answer(d.OPENAI)
    )


@pytest.fixture
async def tokens() -> AsyncGenerator[Tokens]:
    found = Tokens()
    async with serving(found) as door:
        found.url = f"http://127.0.0.1:{door.port}"
        yield found


@asynccontextmanager
async def gateway(
    access: str, type: str = "azure", environment: Mapping[str, str] | None = None
) -> AsyncGenerator[d.Running]:
    """With its tokens, as a node has them before its first request."""
    settings = SETTINGS.replace("{type}", type).replace("{access}", access)
    settings = settings.replace("{{", "{").replace("}}", "}")
    async with d.gateway(provider, settings, environment) as running:
        keeping = [spawn(each.keep(), "keep a token") for each in running.api.plan.access]
        try:
            for each in running.api.plan.access:
                await each.tried()
            yield running
        finally:
            for task in keeping:
                task.cancel()


async def say(running: d.Running, model: str = "fast") -> httpx.Response:
    asked = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
    async with httpx.AsyncClient() as http:
        return await http.post(
            f"{running.url}/v1/chat/completions",
            json=asked,
            headers={"Authorization": "Bearer sk-dev"},
        )


def shown(running: d.Running) -> list[str | None]:
    return [headers.get("authorization") for _, headers, _ in running.double.asked]


async def test_entra_gives_an_application_tokens_for_its_secret(tokens: Tokens) -> None:
    access = f'by = "entra", tenant = "acme", client_id = "app", client_secret = "env:SECRET", \
authority = "{tokens.url}"'
    async with gateway(access, environment={"SECRET": "s3"}) as running:
        assert (await say(running)).status_code == 200
        assert (await say(running)).status_code == 200
    assert shown(running) == ["Bearer t1", "Bearer t1"]
    assert [(path, form) for path, _, form in tokens.asked] == [
        (
            "/acme/oauth2/v2.0/token",
            {
                "client_id": "app",
                "client_secret": "s3",
                "grant_type": "client_credentials",
                "scope": "https://cognitiveservices.azure.com/.default",
            },
        )
    ]


async def test_entra_gives_a_workload_tokens_for_its_own(tokens: Tokens, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("federated\n")
    environment = {
        "AZURE_TENANT_ID": "acme",
        "AZURE_CLIENT_ID": "app",
        "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "token"),
        "AZURE_AUTHORITY_HOST": tokens.url + "/",
    }
    async with gateway('by = "entra"', environment=environment) as running:
        await say(running)
    assert shown(running) == ["Bearer t1"]
    form = tokens.asked[0][2]
    assert form["client_assertion"] == "federated"
    assert form["client_assertion_type"].endswith("client-assertion-type:jwt-bearer")


@pytest.mark.parametrize("service", [True, False])
async def test_a_managed_identity_is_the_machines(tokens: Tokens, service: bool) -> None:
    environment = {"IDENTITY_ENDPOINT": f"{tokens.url}/msi", "IDENTITY_HEADER": "h"}
    access = 'by = "managed-identity", client_id = "mine"'
    if not service:
        environment, access = {}, f'{access}, authority = "{tokens.url}"'
    async with gateway(access, environment=environment) as running:
        await say(running)
    assert shown(running) == ["Bearer t1"]
    path, headers, _ = tokens.asked[0]
    assert "resource=https%3A%2F%2Fcognitiveservices.azure.com&client_id=mine" in path
    if service:
        assert path.startswith("/msi?api-version=2019-08-01")
        assert headers.get("x-identity-header") == "h"
    else:
        assert path.startswith("/metadata/identity/oauth2/token?api-version=2018-02-01")
        assert headers.get("metadata") == "true"


async def test_google_gives_a_service_account_tokens_for_what_it_signs(
    tokens: Tokens, tmp_path: Path
) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    account = {
        "type": "service_account",
        "client_email": "bot@acme.iam.gserviceaccount.com",
        "private_key": pem.decode(),
        "private_key_id": "k1",
        "token_uri": f"{tokens.url}/token",
    }
    file = tmp_path / "account.json"
    file.write_text(json.dumps(account))
    async with gateway(f'by = "google", credentials = "{file}"', "vertex") as running:
        assert (await say(running)).status_code == 200
    assert shown(running) == ["Bearer t1"]
    form = tokens.asked[0][2]
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    signed: Any = jwt.decode(
        form["assertion"], key.public_key(), ["RS256"], audience=f"{tokens.url}/token"
    )
    assert signed["iss"] == "bot@acme.iam.gserviceaccount.com"
    assert signed["scope"] == "https://www.googleapis.com/auth/cloud-platform"
    assert signed["exp"] - signed["iat"] == 3600
    assert jwt.get_unverified_header(form["assertion"])["kid"] == "k1"


async def test_google_exchanges_the_token_of_a_workload_elsewhere(
    tokens: Tokens, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text('{"id": "theirs"}')
    source = {
        "file": str(tmp_path / "token"),
        "format": {"type": "json", "subject_token_field_name": "id"},
    }
    account = f"{tokens.url}/v1/projects/-/serviceAccounts/bot:generateAccessToken"
    external = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/pool",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{tokens.url}/sts",
        "credential_source": source,
        "service_account_impersonation_url": account,
    }
    file = tmp_path / "external.json"
    file.write_text(json.dumps(external))
    variables = {"GOOGLE_APPLICATION_CREDENTIALS": str(file)}
    async with gateway('by = "google"', "vertex", variables) as running:
        await say(running)
    assert shown(running) == ["Bearer t2"]
    (_, _, exchange), (_, headers, body) = tokens.asked
    assert (exchange["subject_token"], exchange["audience"]) == (
        "theirs",
        "//iam.googleapis.com/pool",
    )
    assert headers.get("authorization") == "Bearer t1"
    assert body["scope"] == ["https://www.googleapis.com/auth/cloud-platform"]


async def test_without_a_file_googles_metadata_server_is_asked(tokens: Tokens) -> None:
    host = {"GCE_METADATA_HOST": tokens.url.removeprefix("http://")}
    async with gateway('by = "google"', "vertex", host) as running:
        await say(running)
    assert shown(running) == ["Bearer t1"]
    path, headers, _ = tokens.asked[0]
    assert path.startswith("/computeMetadata/v1/instance/service-accounts/default/token")
    assert headers.get("metadata-flavor") == "Google"


async def test_a_token_is_replaced_before_it_ends_and_outlives_failures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = [Token("t1", 3600), Token("t2", 60), ConnectionError(), NoToken("no"), Token("t3", 9)]
    slept: list[float] = []
    seen: list[str | None] = []

    async def fetch() -> Token:
        found = given.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        seen.append(access.signed(Request("GET", "/", Headers())).headers.get("authorization"))
        if not given:
            raise asyncio.CancelledError

    access = Access("up", fetch)
    monkeypatch.setattr("torana.llm.access.asyncio.sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await access.keep()
    assert slept == [3300, 30, 1, 2, 4.5]
    assert seen == ["Bearer t1", "Bearer t2", "Bearer t2", "Bearer t2", "Bearer t3"]


async def test_without_a_token_the_next_provider_answers(tokens: Tokens) -> None:
    tokens.status = 401
    access = f'by = "managed-identity", authority = "{tokens.url}"'
    async with gateway(access) as running:
        refused = await say(running)
        assert refused.status_code == 502
        assert "there is no access token for up" in refused.text
        done = await say(running, "safe")
    assert done.headers["x-torana-provider"] == "spare"
    assert shown(running) == [None]


@pytest.mark.parametrize(
    ("access", "why"),
    [
        (LlmAccess("entra"), "needs AZURE_TENANT_ID"),
        (LlmAccess("google", credentials="/no.json"), "/no.json holds no credentials"),
    ],
)
def test_what_is_missing_is_said_at_the_start(access: LlmAccess, why: str) -> None:
    with pytest.raises(BadSettings, match=why):
        access_of("up", access, {}, HttpClient())


async def test_bedrocks_key_of_the_environment_is_taken() -> None:
    def answer(request: Request, body: dict[str, Any]) -> Reply:
        return bedrock_double.provider(request, body)

    settings = SETTINGS.replace("{type}", "bedrock").replace("access = {{ {access} }}", "")
    settings = settings.replace("{{", "{").replace("}}", "}").replace('"{up}"', '"{origin}"', 1)
    variables = {"AWS_BEARER_TOKEN_BEDROCK": "bedrock-api-key"}
    async with d.gateway(answer, settings, variables) as running:
        assert (await say(running)).status_code == 200
    assert shown(running) == ["Bearer bedrock-api-key"]
