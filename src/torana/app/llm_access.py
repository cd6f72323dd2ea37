"""Who gives the access tokens of providers: Microsoft Entra, Google, and the clouds' own machines.

Source: Microsoft identity platform, "OAuth 2.0 client credentials flow"; "How to use managed
identities for App Service", "... on an Azure VM"; Google Cloud, "Using OAuth 2.0 for server to
server applications", "Metadata server", "Workload identity federation" (RFC 7523, RFC 8693).
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

import jwt
import msgspec
from msgspec import Struct

from torana.llm.access import Access, Fetch, NoToken, Token
from torana.llm_settings import LlmAccess
from torana.message import BodyTooLarge, Headers, Request, read
from torana.net.client import Client, Timeouts
from torana.settings import BadSettings, secret

_LIMIT = 64 * 1024
_TIMEOUTS = Timeouts(connect=5.0, head=10.0, idle=10.0, total=20.0)
_HOUR = 3600
_AZURE = "https://cognitiveservices.azure.com"
_GOOGLE = "https://www.googleapis.com/auth/cloud-platform"
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_METADATA = "/computeMetadata/v1/instance/service-accounts/default/token"
Environment = Mapping[str, str]


class _Given(Struct):
    """What all of them answer; some write numbers as text."""

    access_token: str
    expires_in: int | str | None = None
    expires_on: int | str | None = None


class _Impersonated(Struct, rename="camel"):
    access_token: str
    expire_time: str


_given = msgspec.json.Decoder(_Given)
_said = msgspec.json.Decoder(dict[str, Any])


def access_of(name: str, given: LlmAccess, environment: Environment, client: Client) -> Access:
    """The keeper of a provider's tokens. Raises `BadSettings`."""
    return Access(name, _SOURCES[given.by](_Asking(client), given, environment, name))


class _Asking:
    """Asks for tokens over HTTP."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def answer(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> bytes:
        """Raises `NoToken`, `ConnectionError`, `TimeoutError`."""
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        origin = self._client.origin(parts.scheme, parts.hostname or "", port)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        fields = [("Host", parts.netloc.rpartition("@")[2]), *headers.items()]
        reply = await origin.send(Request(method, target, Headers(fields), body), _TIMEOUTS)
        try:
            found = await read(reply.body, _LIMIT)
        except BodyTooLarge as error:
            raise NoToken(f"{parts.hostname} answers with too much") from error
        if reply.status != 200:
            raise NoToken(f"{parts.hostname} answers {reply.status}: {_why(found)}")
        return found

    async def form(self, url: str, **fields: str) -> Token:
        """What a token endpoint gives for a form."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return token_of(await self.answer("POST", url, kind, urlencode(fields).encode()))


def token_of(body: bytes) -> Token:
    """Raises `NoToken`."""
    try:
        found = _given.decode(body)
        if found.expires_in is not None:
            seconds = float(found.expires_in)
        else:
            seconds = float(found.expires_on or 0) - time.time()
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise NoToken(f"the answer holds no token: {error}") from error
    return Token(found.access_token, seconds)


def _why(body: bytes) -> str:
    """What an endpoint says of itself, which is no secret."""
    try:
        said = _said.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "no reason"
    return str(said.get("error_description") or said.get("error") or "no reason")[:300]


def _entra(asking: _Asking, given: LlmAccess, environment: Environment, name: str) -> Fetch:
    """An application's own secret, or the token that its workload is given as a file."""

    def wanted(value: str, variable: str) -> str:
        found = secret(value, environment) if value else environment.get(variable, "")
        if not found:
            raise BadSettings(f"llm.providers.{name}.access: needs {variable}, or its own value")
        return found

    tenant = wanted(given.tenant, "AZURE_TENANT_ID")
    fields = {
        "client_id": wanted(given.client_id, "AZURE_CLIENT_ID"),
        "grant_type": "client_credentials",
        "scope": given.scope or f"{_AZURE}/.default",
    }
    authority = given.authority or environment.get("AZURE_AUTHORITY_HOST")
    host = (authority or "https://login.microsoftonline.com").rstrip("/")
    url = f"{host}/{tenant}/oauth2/v2.0/token"
    file = given.token_file or environment.get("AZURE_FEDERATED_TOKEN_FILE", "")
    if file and not given.client_secret:

        async def fetch() -> Token:
            proof = await _text(file)
            return await asking.form(
                url, **fields, client_assertion_type=_ASSERTION, client_assertion=proof
            )

        return fetch
    own = wanted(given.client_secret, "AZURE_CLIENT_SECRET")

    async def by_secret() -> Token:
        return await asking.form(url, **fields, client_secret=own)

    return by_secret


def _managed(asking: _Asking, given: LlmAccess, environment: Environment, name: str) -> Fetch:
    """The identity of the machine, or of the App Service, that this runs on."""
    query = {"resource": (given.scope or f"{_AZURE}/.default").removesuffix("/.default")}
    if given.client_id:
        query["client_id"] = secret(given.client_id, environment)
    if "IDENTITY_ENDPOINT" in environment and not given.authority:
        url, version = environment["IDENTITY_ENDPOINT"], "2019-08-01"
        headers = {"X-IDENTITY-HEADER": environment.get("IDENTITY_HEADER", "")}
    else:
        host = (given.authority or "http://169.254.169.254").rstrip("/")
        url, version = f"{host}/metadata/identity/oauth2/token", "2018-02-01"
        headers = {"Metadata": "true"}
    asked = f"{url}?{urlencode({'api-version': version, **query})}"

    async def fetch() -> Token:
        return token_of(await asking.answer("GET", asked, headers))

    return fetch


def _google(asking: _Asking, given: LlmAccess, environment: Environment, name: str) -> Fetch:
    """A file of credentials, whatever kind it is of; without one the metadata server."""
    file = given.credentials or environment.get("GOOGLE_APPLICATION_CREDENTIALS", "")
    scope = given.scope or _GOOGLE
    if not file:
        host = given.authority or environment.get("GCE_METADATA_HOST", "metadata.google.internal")
        url = (host if "://" in host else f"http://{host}") + _METADATA

        async def fetch() -> Token:
            asked = f"{url}?{urlencode({'scopes': scope})}"
            return token_of(await asking.answer("GET", asked, {"Metadata-Flavor": "Google"}))

        return fetch
    try:
        found = msgspec.json.decode(Path(file).read_bytes(), type=dict[str, Any])
        return _KINDS[found["type"]](asking, found, scope)
    except (OSError, msgspec.DecodeError, ValueError, KeyError) as error:
        kinds = ", ".join(_KINDS)
        raise BadSettings(
            f"llm.providers.{name}.access: {file} holds no credentials of {kinds}: {error!r}"
        ) from error


def _service_account(asking: _Asking, found: dict[str, Any], scope: str) -> Fetch:
    issuer, key, url = found["client_email"], found["private_key"], found["token_uri"]
    headers = {"kid": found["private_key_id"]}

    def assertion() -> str:
        now = int(time.time())
        claims = {"iss": issuer, "scope": scope, "aud": url, "iat": now, "exp": now + _HOUR}
        return jwt.encode(claims, key, "RS256", headers)

    assertion()

    async def fetch() -> Token:
        return await asking.form(url, grant_type=_JWT_BEARER, assertion=assertion())

    return fetch


def _user(asking: _Asking, found: dict[str, Any], scope: str) -> Fetch:
    fields = {name: str(found[name]) for name in ("client_id", "client_secret", "refresh_token")}
    url = str(found.get("token_uri") or "https://oauth2.googleapis.com/token")

    async def fetch() -> Token:
        return await asking.form(url, grant_type="refresh_token", **fields)

    return fetch


def _external(asking: _Asking, found: dict[str, Any], scope: str) -> Fetch:
    """A token of somebody else's, in a file, is exchanged for one of Google's."""
    source = found["credential_source"]
    file, form = source["file"], cast(dict[str, str], source.get("format") or {})
    fields = {
        "grant_type": _EXCHANGE,
        "audience": found["audience"],
        "scope": _GOOGLE,
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "subject_token_type": found["subject_token_type"],
    }
    url, account = found["token_url"], found.get("service_account_impersonation_url")

    async def fetch() -> Token:
        proof = await _text(file)
        if form.get("type") == "json":
            try:
                proof = str(_said.decode(proof)[form["subject_token_field_name"]])
            except (msgspec.DecodeError, KeyError) as error:
                raise NoToken(f"{file}: holds no token: {error!r}") from error
        token = await asking.form(url, **fields, subject_token=proof)
        return token if not account else await impersonated(account, token)

    async def impersonated(account: str, token: Token) -> Token:
        headers = {
            "Authorization": f"Bearer {token.value}",
            "Content-Type": "application/json",
        }
        body = msgspec.json.encode({"scope": [scope], "lifetime": f"{_HOUR}s"})
        answer = await asking.answer("POST", account, headers, body)
        try:
            made = msgspec.json.decode(answer, type=_Impersonated)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise NoToken(f"the answer holds no token: {error}") from error
        return Token(made.access_token, _HOUR)

    return fetch


async def _text(file: str) -> str:
    """Raises `NoToken`."""
    try:
        return (await asyncio.to_thread(Path(file).read_text, "utf-8")).strip()
    except OSError as error:
        raise NoToken(f"{file}: {error.strerror}") from error


_KINDS: Mapping[str, Callable[[_Asking, dict[str, Any], str], Fetch]] = {
    "service_account": _service_account,
    "authorized_user": _user,
    "external_account": _external,
}
_SOURCES: Mapping[str, Callable[[_Asking, LlmAccess, Environment, str], Fetch]] = {
    "entra": _entra,
    "managed-identity": _managed,
    "google": _google,
}
