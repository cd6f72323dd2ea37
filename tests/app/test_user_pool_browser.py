"""The pages of a user pool in a real browser, under their own host name."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false

import asyncio
import base64
import time
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from tests.app.browser import chromium
from tests.app.user_pools import APP, PASSWORD, pools
from tests.services.serving import serving
from torana.message import Headers, Reply, Request


async def app(request: Request) -> Reply:
    """Where one comes back to."""
    del request
    await asyncio.sleep(0)
    return Reply(200, Headers([("Content-Type", "text/html")]), b"<title>app</title>back")


def code(secret: str, away: int = 0) -> str:
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    return TOTP(key, 6, SHA1(), 30).generate(int(time.time()) + 30 * away).decode()


async def test_somebody_new_signs_up_sets_up_an_app_and_comes_back(tmp_path: Path) -> None:
    async with (
        serving(app) as listener,
        pools(tmp_path / "data") as at,
        chromium(tmp_path / "browser") as browser,
    ):
        await at.make(AutoVerifiedAttributes=["email"])
        await at.idp.set_user_pool_mfa_config(
            UserPoolId=at.pool,
            MfaConfiguration="ON",
            SoftwareTokenMfaConfiguration={"Enabled": True},
        )
        back = f"http://localhost:{listener.port}/back"
        client = await at.client(**{**APP, "CallbackURLs": [back]})
        query = {"client_id": client, "response_type": "code", "redirect_uri": back, "state": "s"}
        port = at.running.node.front_port
        start = f"http://pets-app.auth.us-east-1.localhost:{port}/oauth2/authorize?"
        start += urlencode(query)

        await browser.go(start)
        assert await browser.labels() == ["Username", "Password"]
        await browser.click('a[href^="/signup"]')
        await browser.title("Create an account")
        assert await browser.labels() == ["Username", "Email", "Password"]
        mail = {"attribute.email": "ada@example.com"}
        await browser.send(username="ada", password="short", **mail)
        assert "Password not long enough" in await browser.text("[role=alert]")
        await browser.send("Confirm your account", password=PASSWORD)
        await browser.send("Sign in", code=at.code())
        await browser.send("Set up your authenticator app", username="ada", password=PASSWORD)
        secret = (await browser.texts("code"))[0]
        await browser.send(code="000000")
        assert await browser.text("[role=alert]") == "Code mismatch"
        assert (await browser.texts("code"))[0] == secret
        await browser.send("app", code=code(secret))
        came = await browser.url()
        assert came.startswith(f"{back}?")
        assert parse_qs(urlsplit(came).query)["state"] == ["s"]

        # Signed in: straight back. Signed out: both factors again.
        await browser.go(start)
        assert (await browser.url()).startswith(f"{back}?code=")
        await browser.go(start.replace("/oauth2/authorize", "/logout"))
        await browser.send("Enter the code", username="ada", password=PASSWORD)
        assert await browser.labels() == ["Code"]
        await browser.send("app", code=code(secret, 1))
        assert (await browser.url()).startswith(f"{back}?code=")
        assert await browser.complaints() == []
