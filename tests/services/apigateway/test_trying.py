"""Authorizers, tried before they are deployed."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from tests.builders import serving
from tests.services.apigateway.making import Asking, gateway
from torana.message import Headers, Reply, Request, read
from torana.settings import Service

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:guard"
URI = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"


def policy(effect: str) -> dict[str, Any]:
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


async def guard(request: Request) -> Reply:
    """A Lambda endpoint whose function lets in by token."""
    event = json.loads(await read(request.body, 10_000))
    token = event["authorizationToken"]
    if token == "odd":
        return Reply(200, Headers(), b'"odd"')
    effect = "Allow" if token == "let me in" else "Deny"
    answer = {"principalId": "ada", "policyDocument": policy(effect)}
    return Reply(200, Headers(), msgspec.json.encode(answer))


@pytest.mark.parametrize(
    ("token", "status", "effect", "line"),
    [
        ("let me in", 200, "Allow", "Successfully completed authorizer execution"),
        ("keep out", 200, "Deny", "Successfully completed authorizer execution"),
        ("", 401, "", "Unauthorized request: "),
        ("odd", 500, "", "Execution failed due to configuration error: "),
    ],
)
async def test_an_authorizer_is_tried(
    tmp_path: Path, token: str, status: int, effect: str, line: str
) -> None:
    async with serving(guard) as function:
        service = Service(engine="http", url=f"http://127.0.0.1:{function.port}")
        async with gateway(tmp_path, services={"lambda": service}) as running:
            ask = Asking(running.client())
            api = (await ask.create_rest_api(name="a"))["id"]
            made = await ask.create_authorizer(
                restApiId=api,
                name="guard",
                type="TOKEN",
                authorizerUri=URI,
                identitySource="method.request.header.Authorization",
            )
            headers = {"Authorization": token} if token else {}
            tried = await ask.test_invoke_authorizer(
                restApiId=api, authorizerId=made["id"], headers=headers
            )
    assert (tried["clientStatus"], line in tried["log"]) == (status, True)
    if effect:
        assert tried["principalId"] == "ada"
        assert json.loads(tried["policy"]) == policy(effect)
    assert "let me in" not in tried["log"]


async def test_an_unknown_authorizer_is_refused(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask = Asking(running.client())
        api = (await ask.create_rest_api(name="a"))["id"]
        with pytest.raises(ClientError, match="Invalid Authorizer identifier specified"):
            await ask.test_invoke_authorizer(restApiId=api, authorizerId="none")
