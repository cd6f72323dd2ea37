"""Functions that user pools ask on the way: real ones, in boxes of their own."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jwt
import pytest
from botocore.exceptions import ClientError

from tests.app.lambdas import PYTHON, ROLE, zipped
from tests.app.user_pools import PASSWORD, Pools, pools
from tests.services.apigateway.making import Asking, told

CODE = """
import json

def handler(event, context):
    print("ASKED", event["triggerSource"], flush=True)
    source, asked, answer = event["triggerSource"], event["request"], event["response"]
    if source.startswith("PreSignUp"):
        if event["userName"] == "mallory":
            raise Exception("Mallory may not come in")
        answer["autoConfirmUser"] = answer["autoVerifyEmail"] = True
    elif source == "CustomMessage_ForgotPassword":
        answer["emailSubject"] = "Pets"
        answer["emailMessage"] = "Dear {username}, it is {####} now"
    elif source.startswith("TokenGeneration"):
        claims = {"shop": asked["clientMetadata"].get("shop", "none"), "sub": "forged"}
        answer["claimsAndScopeOverrideDetails"] = {
            "idTokenGeneration": {"claimsToAddOrOverride": claims, "claimsToSuppress": ["email"]},
            "accessTokenGeneration": {"scopesToAdd": ["pets/read"]},
        }
    elif source.startswith("DefineAuthChallenge"):
        past = asked["session"]
        if past and past[-1]["challengeName"] == "SRP_A":
            answer["challengeName"] = "PASSWORD_VERIFIER"
        elif past and past[-1]["challengeName"] == "CUSTOM_CHALLENGE":
            answer["issueTokens"] = past[-1]["challengeResult"]
            answer["failAuthentication"] = not past[-1]["challengeResult"]
        else:
            answer["challengeName"] = "CUSTOM_CHALLENGE"
    elif source.startswith("CreateAuthChallenge"):
        answer["publicChallengeParameters"] = {"question": "2 + 3"}
        answer["privateChallengeParameters"] = {"right": "5"}
    elif source.startswith("VerifyAuthChallengeResponse"):
        right = asked["privateChallengeParameters"]["right"]
        answer["answerCorrect"] = asked["challengeAnswer"] == right
    elif source.startswith("UserMigration"):
        if asked["password"] == "Old-horse-7":
            answer["userAttributes"] = {"email": "old@example.com", "email_verified": "true"}
            answer["finalUserStatus"] = "CONFIRMED"
    return event
"""
ARN = "arn:aws:lambda:us-east-1:000000000000:function:triggers"
ALL = (
    "PreSignUp",
    "PostConfirmation",
    "PreAuthentication",
    "PostAuthentication",
    "CustomMessage",
    "DefineAuthChallenge",
    "CreateAuthChallenge",
    "VerifyAuthChallengeResponse",
    "UserMigration",
)


@asynccontextmanager
async def triggered(data: Path) -> AsyncGenerator[Pools]:
    async with pools(data) as at:
        await Asking(at.running.client("lambda")).create_function(
            FunctionName="triggers",
            Runtime=PYTHON,
            Handler="app.handler",
            Role=ROLE,
            Timeout=5,
            Code={"ZipFile": zipped({"app.py": CODE})},
        )
        await Asking(at.running.client("lambda")).add_permission(
            FunctionName="triggers",
            StatementId="pools",
            Action="lambda:InvokeFunction",
            Principal="cognito-idp.amazonaws.com",
        )
        config: dict[str, Any] = dict.fromkeys(ALL, ARN)
        config["PreTokenGenerationConfig"] = {"LambdaVersion": "V2_0", "LambdaArn": ARN}
        await at.make(LambdaConfig=config, AutoVerifiedAttributes=["email"])
        at.app = await at.client(
            ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH"]
        )
        yield at


def claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


async def refusal(operation: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as failure:
        await operation(**params)
    return told(failure.value)


async def test_a_pools_functions_decide_along_the_way(tmp_path: Path) -> None:
    async with triggered(tmp_path) as at:
        up: dict[str, Any] = {
            "ClientId": at.app,
            "Password": PASSWORD,
            "UserAttributes": [{"Name": "email", "Value": "ada@example.com"}],
        }
        assert await refusal(at.idp.sign_up, **up, Username="mallory") == (
            "UserLambdaValidationException",
            "PreSignUp failed with error Mallory may not come in.",
        )
        assert (await at.idp.sign_up(**up, Username="ada"))["UserConfirmed"] is True

        await at.idp.forgot_password(ClientId=at.app, Username="ada")
        sent = json.loads((at.running.data / "outbox.jsonl").read_text().splitlines()[-1])
        assert sent["subject"] == "Pets"
        assert sent["text"].startswith("Dear ada, it is ")

        done = await at.idp.initiate_auth(
            ClientId=at.app,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": "ada", "PASSWORD": PASSWORD},
            ClientMetadata={"shop": "north"},
        )
        tokens = done["AuthenticationResult"]
        identity = claims(tokens["IdToken"])
        assert identity["shop"] == "north"
        assert identity["sub"] != "forged"
        assert "email" not in identity
        assert claims(tokens["AccessToken"])["scope"].endswith(" pets/read")

        moved = {"USERNAME": "olga", "PASSWORD": "Old-horse-7"}
        flow = {"ClientId": at.app, "AuthFlow": "USER_PASSWORD_AUTH"}
        wrong = {**moved, "PASSWORD": "Wrong-horse-7"}
        assert (await refusal(at.idp.initiate_auth, **flow, AuthParameters=wrong))[0] == (
            "UserNotFoundException"
        )
        await at.idp.initiate_auth(**flow, AuthParameters=moved)
        user = await at.idp.admin_get_user(UserPoolId=at.pool, Username="olga")
        assert user["UserStatus"] == "CONFIRMED"

        asked = await _asked_for(at)
        for source in (
            "PostConfirmation_ConfirmSignUp",
            "PreAuthentication_Authentication",
            "PostAuthentication_Authentication",
        ):
            assert source in asked


async def _asked_for(at: Pools) -> str:
    """What the function was asked, from its log."""
    async with asyncio.timeout(5):
        while True:
            logs = list((at.running.data / "logs").glob("*triggers*"))
            text = "".join(each.read_text() for each in logs)
            if "PostAuthentication_Authentication" in text:
                return text
            await asyncio.sleep(0.05)


async def test_a_function_says_which_pools_may_ask_it(tmp_path: Path) -> None:
    async with triggered(tmp_path) as at:
        client = Asking(at.running.client("lambda"))
        await client.remove_permission(FunctionName="triggers", StatementId="pools")
        code = "PreSignUp invocation failed due to error AccessDeniedException."
        up = {"ClientId": at.app, "Username": "mallory", "Password": PASSWORD}
        async with asyncio.timeout(5):
            while (await refusal(at.idp.sign_up, **up, UserAttributes=[]))[1] != code:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def test_functions_ask_and_judge_questions_of_their_own(tmp_path: Path) -> None:
    async with triggered(tmp_path) as at:
        await at.user()
        begin = {"ClientId": at.app, "AuthFlow": "CUSTOM_AUTH"}
        asked = await at.idp.initiate_auth(**begin, AuthParameters={"USERNAME": "ada"})
        assert asked["ChallengeName"] == "CUSTOM_CHALLENGE"
        assert asked["ChallengeParameters"]["question"] == "2 + 3"
        assert "5" not in json.dumps(asked["ChallengeParameters"])
        answer = {
            "ClientId": at.app,
            "ChallengeName": "CUSTOM_CHALLENGE",
            "Session": asked["Session"],
        }
        given = {"USERNAME": "ada", "ANSWER": "4"}
        assert await refusal(
            at.idp.respond_to_auth_challenge, **answer, ChallengeResponses=given
        ) == ("NotAuthorizedException", "Incorrect username or password.")
        given["ANSWER"] = "5"
        code, message = await refusal(
            at.idp.respond_to_auth_challenge, **answer, ChallengeResponses=given
        )
        assert (code, "only be used once" in message) == ("NotAuthorizedException", True)
        asked = await at.idp.initiate_auth(**begin, AuthParameters={"USERNAME": "ada"})
        answer["Session"] = asked["Session"]
        done = await at.idp.respond_to_auth_challenge(**answer, ChallengeResponses=given)
        assert "AccessToken" in done["AuthenticationResult"]
