"""Tokens of user pools and of other issuers, with real keys and a real issuer."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import RSAAlgorithm

from tests.builders import api, ask, door, mock, ports, serving
from torana.gateway.issuers import Issuers, Pool
from torana.message import Headers, Reply, Request
from torana.model.rest import Authorizer
from torana.net.client import HttpClient

ARN = "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_Pool"


class Desk:
    """An issuer: its keys, how often they were asked for, and whether it is there."""

    def __init__(self) -> None:
        self.keys = {"k1": rsa.generate_private_key(65537, 2048)}
        self.asked, self.away, self.url = 0, False, ""

    async def __call__(self, request: Request) -> Reply:
        if self.away:
            return Reply(503, Headers())
        if request.target.endswith("/.well-known/openid-configuration"):
            body: Any = {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        else:
            self.asked += 1
            body = {
                "keys": [
                    {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": id, "use": "sig"}
                    for id, key in self.keys.items()
                ]
            }
        return Reply(200, Headers(), msgspec.json.encode(body))

    def token(self, kid: str = "k1", **claims: Any) -> str:
        own = {"iss": self.url, "sub": "u1", "exp": int(time.time()) + 60, "token_use": "id"}
        return jwt.encode({**own, **claims}, self.keys[kid], "RS256", headers={"kid": kid})


class Running:
    def __init__(self, desk: Desk, client: HttpClient) -> None:
        self.desk, self._client, self.now = desk, client, 1000.0
        self.issuers = Issuers(client, {"us-east-1_Pool": Pool(desk.url)}, lambda: self.now)

    async def ask(self, token: str, scopes: tuple[str, ...] = (), **authorizer: Any) -> Reply:
        given = Authorizer(
            "pool",
            "COGNITO_USER_POOLS",
            provider_arns=(ARN,),
            identity_source="method.request.header.Authorization",
            **authorizer,
        )
        method = mock(
            authorization_type="COGNITO_USER_POOLS",
            authorizer="pool",
            authorization_scopes=scopes,
            body='{"sub": "$context.authorizer.claims.sub", "g": "$context.authorizer.claims.g"}',
        )
        own = msgspec.structs.replace(ports(self._client), issuers=self.issuers)
        served = door(api(method, authorizers={"pool": given}), None, own)
        return await served(ask("/pets", Authorization=token))


@asynccontextmanager
async def issuing() -> AsyncGenerator[Running]:
    desk, client = Desk(), HttpClient()
    async with serving(desk) as listener:
        desk.url = f"http://127.0.0.1:{listener.port}/pool"
        yield Running(desk, client)
        await client.aclose()


async def test_an_identity_token_lets_in_and_its_claims_go_on_as_text() -> None:
    async with issuing() as running:
        token = running.desk.token(g=["a", "b"])
        for presented in (token, f"Bearer {token}"):
            reply = await running.ask(presented)
            assert (reply.status, reply.body) == (200, b'{"sub": "u1", "g": "a,b"}')
        assert running.desk.asked == 1


async def test_who_presents_nothing_or_nonsense_is_401() -> None:
    async with issuing() as running:
        for presented in ("", "x", "a.b.c", running.desk.token()[:-4] + "AAAA"):
            reply = await running.ask(presented)
            assert (reply.status, reply.body) == (401, b'{"message":"Unauthorized"}')


async def test_a_token_that_has_expired_is_told_so() -> None:
    async with issuing() as running:
        reply = await running.ask(running.desk.token(exp=int(time.time()) - 60))
        assert (reply.status, reply.body) == (401, b'{"message":"The incoming token has expired"}')


async def test_another_issuers_token_and_one_without_an_end_are_refused() -> None:
    async with issuing() as running:
        assert (await running.ask(running.desk.token(iss="https://evil"))).status == 401
        claims = {"iss": running.desk.url, "sub": "u"}
        endless = jwt.encode(claims, running.desk.keys["k1"], "RS256", headers={"kid": "k1"})
        assert (await running.ask(endless)).status == 401


@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
async def test_a_public_key_is_never_a_shared_secret_and_none_is_none() -> None:
    async with issuing() as running:
        claims = {"iss": running.desk.url, "sub": "u", "exp": int(time.time()) + 60}
        forged = jwt.encode(claims, "secret", "HS256", headers={"kid": "k1"})
        unsigned = jwt.encode(claims, "", "none", headers={"kid": "k1"})
        other = ec.generate_private_key(ec.SECP256R1())
        swapped = jwt.encode(claims, other, "ES256", headers={"kid": "k1"})
        for token in (forged, unsigned, swapped):
            assert (await running.ask(token)).status == 401


async def test_scopes_want_an_access_token_that_has_one_of_them() -> None:
    async with issuing() as running:
        access = running.desk.token(token_use="access", scope="pets/read openid")
        assert (await running.ask(access, ("pets/read", "pets/write"))).status == 200
        assert (await running.ask(access, ("pets/write",))).status == 401
        assert (await running.ask(access)).status == 401
        assert (
            await running.ask(running.desk.token(scope="pets/read"), ("pets/read",))
        ).status == 401


async def test_tokens_for_other_clients_are_refused_where_the_settings_name_some() -> None:
    async with issuing() as running:
        pool = Pool(running.desk.url, ("app",))
        client = HttpClient()
        running.issuers = Issuers(client, {"us-east-1_Pool": pool})
        assert (await running.ask(running.desk.token(aud="app"))).status == 200
        assert (await running.ask(running.desk.token(aud="other"))).status == 401
        await client.aclose()


async def test_a_new_key_is_fetched_but_not_for_every_unknown_one() -> None:
    async with issuing() as running:
        assert (await running.ask(running.desk.token())).status == 200
        running.desk.keys["k2"] = rsa.generate_private_key(65537, 2048)
        fresh = running.desk.token("k2")
        assert (await running.ask(fresh)).status == 401
        running.now += 11
        assert (await running.ask(fresh)).status == 200
        assert running.desk.asked == 2
        stranger = running.desk.keys["k3"] = rsa.generate_private_key(65537, 2048)
        del running.desk.keys["k3"]
        claims = {"iss": running.desk.url, "exp": int(time.time()) + 60}
        for _ in range(5):
            unknown = jwt.encode(claims, stranger, "RS256", headers={"kid": "k3"})
            assert (await running.ask(unknown)).status == 401
        assert running.desk.asked == 2


async def test_keys_hold_for_a_day_while_the_issuer_is_away() -> None:
    async with issuing() as running:
        assert (await running.ask(running.desk.token())).status == 200
        running.desk.away = True
        running.now += 20 * 3600
        assert (await running.ask(running.desk.token(jti="2"))).status == 200
        running.now += 5 * 3600
        reply = await running.ask(running.desk.token(jti="3"))
        assert (reply.status, reply.body) == (500, b'{"message":"Internal server error"}')


def test_a_pool_that_no_setting_names_is_amazon_cognitos() -> None:
    found = Issuers(HttpClient()).pool(ARN)
    assert found.issuer == "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Pool"
    with pytest.raises(ValueError, match="no user pool"):
        Issuers(HttpClient()).pool("arn:aws:s3:::x")
