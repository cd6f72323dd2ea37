"""User pools and the APIs that take their tokens, in one gateway and without a network."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false

import asyncio
from pathlib import Path
from typing import Any

import boto3
import httpx
import jwt
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from click.testing import CliRunner

from tests.app.user_pools import PASSWORD, Pools, pools
from tests.services.apigateway.making import Asking, mock, told, until
from torana.app.running import write_run_file
from torana.cli.main import main


async def api(at: Pools, **method: Any) -> str:
    """The address of a method that wants a token of the pool."""
    ask = Asking(at.running.client())
    id = (await ask.create_rest_api(name="pets"))["id"]
    root = (await ask.get_resources(restApiId=id))["items"][0]["id"]
    made = await ask.create_authorizer(
        restApiId=id,
        name="pool",
        type="COGNITO_USER_POOLS",
        providerARNs=[f"arn:aws:cognito-idp:us-east-1:000000000000:userpool/{at.pool}"],
        identitySource="method.request.header.Authorization",
    )
    own = {"authorizationType": "COGNITO_USER_POOLS", "authorizerId": made["id"], **method}
    await mock(ask, id, root, '{"who": "$context.authorizer.claims.sub"}', **own)
    await ask.create_deployment(restApiId=id, stageName="prod")
    return f"{at.running.door}/restapis/{id}/prod/_user_request_/"


async def rotate(at: Pools, *options: str) -> None:
    """As an administrator does it on the command line."""
    running = at.running
    write_run_file(running.node.settings, running.node.front_port, running.node.management.port)
    command = ("user-pools", "rotate", at.pool, *options, "--data", str(running.data))
    done = await asyncio.to_thread(CliRunner().invoke, main, command)
    assert done.exit_code == 0, done.output


async def test_an_api_takes_a_local_pools_tokens_without_any_setting(tmp_path: Path) -> None:
    async with pools(tmp_path) as at:
        await at.make()
        await at.user()
        url, tokens = await api(at), await at.tokens()
        await until(url, 401)
        reply = await until(url, 200, Authorization=tokens["IdToken"])
        claims = jwt.decode(tokens["IdToken"], options={"verify_signature": False})
        assert reply.json() == {"who": claims["sub"]}
        async with httpx.AsyncClient() as client:
            for wrong in (tokens["AccessToken"], tokens["IdToken"][:-6] + "AAAAAA"):
                reply = await client.get(url, headers={"Authorization": wrong})
                assert reply.status_code == 401


async def test_a_revoked_key_is_refused_and_a_rotated_one_is_not(tmp_path: Path) -> None:
    async with pools(tmp_path) as at:
        await at.make()
        await at.user()
        url, old = await api(at), (await at.tokens())["IdToken"]
        await until(url, 200, Authorization=old)
        await rotate(at)
        new = (await at.tokens())["IdToken"]
        headers = [jwt.get_unverified_header(token)["kid"] for token in (old, new)]
        assert headers[0] != headers[1]
        # The first request with the new key: no news of it need have come before.
        async with httpx.AsyncClient() as client:
            for token in (new, old):
                reply = await client.get(url, headers={"Authorization": token})
                assert reply.status_code == 200
        await rotate(at, "--revoke")
        await until(url, 401, Authorization=old)
        await until(url, 401, Authorization=new)
        await until(url, 200, Authorization=(await at.tokens())["IdToken"])


async def test_an_http_apis_jwt_authorizer_knows_the_pool_by_its_issuer(tmp_path: Path) -> None:
    async with pools(tmp_path) as at:
        await at.make()
        await at.user()
        ask = Asking(at.running.client("apigatewayv2"))
        id = (await ask.create_api(Name="pets", ProtocolType="HTTP"))["ApiId"]
        made = await ask.create_authorizer(
            ApiId=id,
            Name="pool",
            AuthorizerType="JWT",
            IdentitySource=["$request.header.Authorization"],
            JwtConfiguration={
                "Issuer": f"https://cognito-idp.us-east-1.amazonaws.com/{at.pool}",
                "Audience": [at.app],
            },
        )
        # Where there is nobody to ask behind the authorizer, 5xx says that it let in.
        wired = await ask.create_integration(
            ApiId=id,
            IntegrationType="HTTP_PROXY",
            IntegrationMethod="GET",
            IntegrationUri="http://127.0.0.1:1/",
            PayloadFormatVersion="1.0",
        )
        await ask.create_route(
            ApiId=id,
            RouteKey="GET /",
            Target=f"integrations/{wired['IntegrationId']}",
            AuthorizationType="JWT",
            AuthorizerId=made["AuthorizerId"],
        )
        await ask.create_stage(ApiId=id, StageName="$default", AutoDeploy=True)
        url = f"{at.running.door}/apis/{id}/"
        await until(url, 401)
        token = (await at.tokens())["AccessToken"]
        await until(url, 503, Authorization=f"Bearer {token}")


async def test_a_pools_keys_and_endpoints_are_published(tmp_path: Path) -> None:
    async with pools(tmp_path) as at:
        await at.make()
        await at.user()
        running = at.running
        port = running.node.front_port
        async with httpx.AsyncClient() as client:
            here = f"{running.door}/cognito-idp/{at.pool}/.well-known"
            found = (await client.get(f"{here}/openid-configuration")).json()
            assert found["issuer"] == f"https://cognito-idp.us-east-1.amazonaws.com/{at.pool}"
            assert found["token_endpoint"] == f"{at.pages}/oauth2/token"
            keys = (await client.get(found["jwks_uri"])).json()
            host = {"Host": f"cognito-idp.us-east-1.localhost:{port}"}
            by_host = await client.get(
                f"{running.door}/{at.pool}/.well-known/jwks.json", headers=host
            )
            assert by_host.json() == keys
            place = f"http://127.0.0.1:{running.node.management.port}"
            assert (await client.get(f"{place}/{at.pool}/.well-known/jwks.json")).json() == keys
            nowhere = await client.get(f"{here.replace(at.pool, 'us-east-1_No')}/jwks.json")
            assert nowhere.status_code == 404
        token = (await at.tokens())["AccessToken"]
        key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]]
        assert jwt.decode(token, key, ["RS256"])["username"] == "ada"


async def test_the_front_door_answers_what_nobody_signs_and_nothing_else(tmp_path: Path) -> None:
    async with pools(tmp_path) as at:
        await at.make()
        await at.user()
        own = boto3.client(
            "cognito-idp",
            endpoint_url=f"{at.running.door}/cognito-idp/",
            region_name="us-east-1",
            config=Config(signature_version=UNSIGNED, retries={"max_attempts": 1}),
        )
        asked = {
            "ClientId": at.app,
            "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": {"USERNAME": "ada", "PASSWORD": PASSWORD},
        }
        done = await asyncio.to_thread(own.initiate_auth, **asked)
        assert "AccessToken" in done["AuthenticationResult"]
        with pytest.raises(ClientError) as failure:
            await asyncio.to_thread(own.list_user_pools, MaxResults=1)
        assert told(failure.value)[0] == "MissingAuthenticationTokenException"
        async with httpx.AsyncClient() as client:
            reply = await client.options(
                f"{at.running.door}/cognito-idp/",
                headers={
                    "Origin": "https://app.example.com",
                    "Access-Control-Request-Headers": "content-type,x-amz-target",
                },
            )
            assert reply.headers["access-control-allow-origin"] == "*"
            assert reply.headers["access-control-allow-headers"] == "content-type,x-amz-target"
