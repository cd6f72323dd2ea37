"""The pages and the endpoints of OAuth 2.0 over real sockets, with a client that is no browser."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false

import base64
import hashlib
import re
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt

from tests.app.user_pools import APP, BACK, PASSWORD, Pools, pools

VERIFIER = secrets.token_urlsafe(48)
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
)


class Visitor:
    """Somebody who reads pages and sends forms."""

    def __init__(self, at: Pools, client: httpx.AsyncClient) -> None:
        self.at, self.client = at, client
        self.asked = {
            "client_id": at.app,
            "response_type": "code",
            "redirect_uri": BACK,
            "scope": "openid email",
            "state": "s1",
            "nonce": "n1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }

    async def authorize(self, **more: str) -> httpx.Response:
        query = {name: value for name, value in {**self.asked, **more}.items() if value}
        return await self.client.get(f"{self.at.pages}/oauth2/authorize", params=query)

    async def open(self, reply: httpx.Response) -> httpx.Response:
        """The page that a reply leads to."""
        assert reply.status_code == 303, reply.text
        return await self.client.get(f"{self.at.running.door}{reply.headers['location']}")

    async def send(self, page: httpx.Response, **fields: str) -> httpx.Response:
        """A page's form, with what is hidden in it."""
        action = unescape(re.findall(r'action="([^"]*)"', page.text)[0])
        found = re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', page.text)
        hidden = {name: unescape(value) for name, value in found}
        return await self.client.post(f"{self.at.running.door}{action}", data={**hidden, **fields})

    async def sign_in(self, name: str = "ada") -> httpx.Response:
        page = await self.open(await self.authorize())
        return await self.send(page, username=name, password=PASSWORD)

    async def token(self, **form: str) -> httpx.Response:
        return await self.client.post(f"{self.at.pages}/oauth2/token", data=form)

    async def exchange(self, code: str, **more: str) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "client_id": self.at.app,
            "code": code,
            "redirect_uri": BACK,
            "code_verifier": VERIFIER,
        }
        return await self.token(**{**form, **more})


@asynccontextmanager
async def visitor(data: Path, **pool: Any) -> AsyncGenerator[Visitor]:
    async with pools(data) as at:
        await at.make(**pool)
        async with httpx.AsyncClient() as client:
            yield Visitor(at, client)


def answer(reply: httpx.Response) -> dict[str, str]:
    """What an app gets back."""
    assert reply.status_code == 303, reply.text
    to = reply.headers["location"]
    assert to.startswith(f"{BACK}?"), to
    return {name: values[0] for name, values in parse_qs(urlsplit(to).query).items()}


def claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


async def test_a_code_with_its_verifier_gives_tokens_once(tmp_path: Path) -> None:
    async with visitor(tmp_path) as ada:
        await ada.at.user(email="ada@example.com", email_verified="true", name="Ada")
        got = answer(await ada.sign_in())
        assert got["state"] == "s1"
        wrong = await ada.exchange(got["code"], code_verifier="x" * 43)
        assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
        reply = await ada.exchange(got["code"])
        assert reply.headers["cache-control"] == "no-store"
        tokens = reply.json()
        assert set(tokens) == {
            "id_token",
            "access_token",
            "refresh_token",
            "expires_in",
            "token_type",
        }
        identity, access = claims(tokens["id_token"]), claims(tokens["access_token"])
        assert (identity["nonce"], identity["email"]) == ("n1", "ada@example.com")
        assert "name" not in identity
        assert (access["scope"], access["version"]) == ("openid email", 2)
        fresh = await ada.token(
            grant_type="refresh_token",
            client_id=ada.at.app,
            refresh_token=tokens["refresh_token"],
        )
        assert "access_token" in fresh.json()
        # A code that comes again was stolen: what began with it is over.
        assert (await ada.exchange(got["code"])).json()["error"] == "invalid_grant"
        gone = await ada.token(
            grant_type="refresh_token",
            client_id=ada.at.app,
            refresh_token=tokens["refresh_token"],
        )
        assert gone.json()["error"] == "invalid_grant"


async def test_who_is_signed_in_comes_straight_back_until_signing_out(tmp_path: Path) -> None:
    async with visitor(tmp_path) as ada:
        await ada.at.user()
        await ada.sign_in()
        assert "code" in answer(await ada.authorize())
        page = await ada.open(await ada.authorize(prompt="login"))
        assert "Sign in" in page.text
        out = {"client_id": ada.at.app, "logout_uri": "http://localhost:1/bye"}
        reply = await ada.client.get(f"{ada.at.pages}/logout", params=out)
        assert reply.headers["location"] == "http://localhost:1/bye"
        assert answer(await ada.authorize(prompt="none")) == {
            "error": "login_required",
            "state": "s1",
        }


async def test_another_password_ends_what_the_old_one_began(tmp_path: Path) -> None:
    async with visitor(tmp_path) as ada:
        await ada.at.user()
        await ada.sign_in()
        assert "code" in answer(await ada.authorize())
        named = {"UserPoolId": ada.at.pool, "Username": "ada"}
        await ada.at.idp.admin_set_user_password(**named, Password="Other-horse-7", Permanent=True)
        assert answer(await ada.authorize(prompt="none"))["error"] == "login_required"


async def test_a_wrong_password_is_told_on_the_page(tmp_path: Path) -> None:
    async with visitor(tmp_path) as ada:
        await ada.at.user()
        page = await ada.open(await ada.authorize())
        again = await ada.send(page, username="ada", password="Wrong-horse-7")
        assert again.status_code == 200
        assert '<p role="alert">Incorrect username or password.</p>' in again.text
        assert "code" in answer(await ada.send(again, username="ada", password=PASSWORD))


async def test_a_form_of_another_site_signs_nobody_in(tmp_path: Path) -> None:
    async with visitor(tmp_path) as ada:
        await ada.at.user()
        page = await ada.open(await ada.authorize())
        action = unescape(re.findall(r'action="([^"]*)"', page.text)[0])
        url, given = f"{ada.at.running.door}{action}", {"username": "ada", "password": PASSWORD}
        assert (await ada.client.post(url, data=given)).status_code == 200
        token = re.findall(r'name="_csrf" value="([^"]*)"', page.text)[0]
        async with httpx.AsyncClient() as other:
            stolen = await other.post(url, data={**given, "_csrf": unescape(token)})
            assert stolen.status_code == 200
            assert "Sign in" in stolen.text


async def test_no_other_address_is_ever_led_to(tmp_path: Path) -> None:
    async with visitor(tmp_path) as ada:
        others = ("https://evil.example/", BACK + "/", BACK + "?x=1", "//evil.example", "")
        for to in others:
            reply = await ada.authorize(redirect_uri=to)
            assert reply.status_code == 400
            assert "location" not in reply.headers
            out = await ada.client.get(
                f"{ada.at.pages}/logout", params={"client_id": ada.at.app, "logout_uri": to}
            )
            assert out.status_code == 400


async def test_an_app_is_told_what_is_wrong_with_its_request(tmp_path: Path) -> None:
    async with visitor(tmp_path) as ada:
        for asked, error in (
            ({"response_type": "token"}, "unsupported_response_type"),
            ({"scope": "openid pets/write"}, "invalid_scope"),
            ({"code_challenge_method": "plain"}, "invalid_request"),
        ):
            got = answer(await ada.authorize(**asked))
            assert (got["error"], got["state"]) == (error, "s1")


async def test_pages_can_be_put_into_no_frame_and_run_no_script(tmp_path: Path) -> None:
    async with visitor(tmp_path) as ada:
        page = await ada.open(await ada.authorize(state='"><script>alert(1)</script>'))
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self' http://localhost:1" in policy
        assert "<script" not in page.text
        cookie = page.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie


async def test_a_client_with_a_secret_asks_for_tokens_of_its_own(tmp_path: Path) -> None:
    async with visitor(tmp_path) as ada:
        at = ada.at
        scopes = [{"ScopeName": "write", "ScopeDescription": "Change pets"}]
        server = {"UserPoolId": at.pool, "Identifier": "pets", "Name": "pets"}
        await at.idp.create_resource_server(**server, Scopes=scopes)
        made = await at.idp.create_user_pool_client(
            UserPoolId=at.pool,
            ClientName="machine",
            GenerateSecret=True,
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthScopes=["pets/write"],
        )
        id, secret = made["UserPoolClient"]["ClientId"], made["UserPoolClient"]["ClientSecret"]
        form, url = {"grant_type": "client_credentials"}, f"{at.pages}/oauth2/token"
        reply = await ada.client.post(url, data=form, auth=(id, secret))
        assert set(reply.json()) == {"access_token", "expires_in", "token_type"}
        access = claims(reply.json()["access_token"])
        assert (access["sub"], access["scope"]) == (id, "pets/write")
        for given, error in (
            ({**form, "scope": "pets/read"}, "invalid_scope"),
            ({"grant_type": "password"}, "unsupported_grant_type"),
        ):
            reply = await ada.client.post(url, data=given, auth=(id, secret))
            assert (reply.status_code, reply.json()["error"]) == (400, error)
        for auth in ((id, "wrong"), (id, ""), ("nobody", secret)):
            reply = await ada.client.post(url, data=form, auth=auth)
            assert (reply.status_code, reply.json()["error"]) == (400, "invalid_client")
        public = await ada.token(**form, client_id=at.app)
        assert public.json()["error"] == "unauthorized_client"


async def test_user_info_tells_what_the_scopes_allow_until_the_token_is_revoked(
    tmp_path: Path,
) -> None:
    async with visitor(tmp_path) as ada:
        await ada.at.user(email="ada@example.com", email_verified="true", name="Ada")
        tokens = (await ada.exchange(answer(await ada.sign_in())["code"])).json()
        url = f"{ada.at.pages}/oauth2/userInfo"
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        asked = {"Origin": "http://localhost:1", "Access-Control-Request-Headers": "authorization"}
        preflight = await ada.client.options(url, headers=asked)
        assert preflight.headers["access-control-allow-headers"] == "authorization"
        assert preflight.headers["access-control-allow-origin"] == "*"
        assert (await ada.client.get(url, headers=bearer)).json() == {
            "sub": claims(tokens["id_token"])["sub"],
            "email": "ada@example.com",
            "email_verified": "true",
            "username": "ada",
        }
        revoked = await ada.client.post(
            f"{ada.at.pages}/oauth2/revoke",
            data={"client_id": ada.at.app, "token": tokens["refresh_token"]},
        )
        assert revoked.status_code == 200
        refused = await ada.client.get(url, headers=bearer)
        assert (refused.status_code, refused.json()) == (401, {"error": "invalid_token"})


async def test_a_client_with_a_secret_signs_people_in_on_the_pages_too(tmp_path: Path) -> None:
    async with visitor(tmp_path) as ada:
        at = ada.at
        await at.user()
        made = await at.idp.create_user_pool_client(
            UserPoolId=at.pool, ClientName="web", GenerateSecret=True, **APP
        )
        at.app = made["UserPoolClient"]["ClientId"]
        ada.asked |= {"client_id": at.app, "code_challenge": "", "code_challenge_method": ""}
        code = answer(await ada.sign_in())["code"]
        assert (await ada.exchange(code)).json()["error"] == "invalid_client"
        secret = made["UserPoolClient"]["ClientSecret"]
        assert "access_token" in (await ada.exchange(code, client_secret=secret)).json()


async def test_whatever_a_form_holds_is_answered_with_a_page(tmp_path: Path) -> None:
    async with visitor(tmp_path) as ada:
        await ada.at.user()
        page = await ada.open(await ada.authorize())
        challenges = ("SOFTWARE_TOKEN_MFA", "SELECT_MFA_TYPE", "MFA_SETUP", "PASSWORD_SRP", "x")
        for challenge in ("NEW_PASSWORD_REQUIRED", "CUSTOM_CHALLENGE", *challenges):
            for session in ("", "x", "QUFBQQ=="):
                given = {"_challenge": challenge, "_session": session, "_name": "\u00e4\x00"}
                reply = await ada.send(page, **given, code="\u00e4", answer="\u00e4")
                assert reply.status_code in (200, 400), reply.text
        for name in ("", "\u00e4", "a\x00b", "a" * 5000, "ada/../ada", "%00"):
            reply = await ada.send(page, username=name, password="\u00e4" * 300)
            assert reply.status_code == 200, reply.text
        token = f"{ada.at.pages}/oauth2/token"
        for body in (b"\xff\xfe", b"grant_type=authorization_code&code=%FF%00", b"=&=&="):
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            reply = await ada.client.post(token, content=body, headers=form)
            assert reply.status_code == 400
