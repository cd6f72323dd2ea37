"""Identity pools: from a token of a user pool, or from nothing, to credentials that work."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import boto3
import jwt
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.app.user_pools import Pools, pools
from tests.services.apigateway.making import Asking, told

WEB = "cognito-identity.amazonaws.com"


class World:
    """A user pool, an identity pool that takes its tokens, and roles."""

    def __init__(self, at: Pools) -> None:
        self.at = at
        self.admin = Asking(at.running.client("cognito-identity"))
        self.iam = Asking(at.running.client("iam"))
        door = f"{at.running.door}/cognito-identity/"
        unsigned = Config(signature_version=UNSIGNED, retries={"max_attempts": 1})
        client = boto3.client(
            "cognito-identity", endpoint_url=door, region_name="us-east-1", config=unsigned
        )
        self.anyone = Asking(client)
        self.pool = ""

    @property
    def provider(self) -> str:
        return f"cognito-idp.us-east-1.amazonaws.com/{self.at.pool}"

    async def make(self, **options: Any) -> None:
        made = await self.admin.create_identity_pool(
            IdentityPoolName="pets",
            **{"AllowUnauthenticatedIdentities": True, **options},
            CognitoIdentityProviders=[{"ProviderName": self.provider, "ClientId": self.at.app}],
        )
        self.pool = made["IdentityPoolId"]

    async def role(self, name: str, kind: str, action: str) -> str:
        """A role that identities of a kind may have, to do one thing."""
        conditions = {
            "StringEquals": {f"{WEB}:aud": self.pool},
            "ForAnyValue:StringLike": {f"{WEB}:amr": kind},
        }
        trust = {
            "Effect": "Allow",
            "Principal": {"Federated": WEB},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": conditions,
        }
        may = {"Effect": "Allow", "Action": action, "Resource": "*"}
        made = await self.iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )
        await self.iam.put_role_policy(
            RoleName=name,
            PolicyName="may",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [may]}),
        )
        return made["Role"]["Arn"]

    async def credentials(self, **params: Any) -> dict[str, Any]:
        """Once the door's process knows of the roles."""
        async with asyncio.timeout(5):
            while True:
                try:
                    done = await self.anyone.get_credentials_for_identity(**params)
                except ClientError as error:
                    if told(error)[0] != "InvalidIdentityPoolConfigurationException":
                        raise
                    await asyncio.sleep(0.05)
                else:
                    return done["Credentials"]

    def client(self, service: str, given: dict[str, Any]) -> Asking:
        port = self.at.running.node.management.port
        return Asking(
            boto3.client(
                service,
                endpoint_url=f"http://127.0.0.1:{port}",
                region_name="us-east-1",
                aws_access_key_id=given["AccessKeyId"],
                aws_secret_access_key=given["SecretKey"],
                aws_session_token=given["SessionToken"],
                config=Config(retries={"max_attempts": 1}),
            )
        )


@asynccontextmanager
async def world(data: Path, **options: Any) -> AsyncGenerator[World]:
    async with pools(data) as at:
        await at.make()
        await at.user()
        made = World(at)
        await made.make(**options)
        yield made


async def refusal(operation: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as failure:
        await operation(**params)
    return told(failure.value)[0]


async def test_who_signs_in_gets_what_its_role_may_and_nothing_else(tmp_path: Path) -> None:
    async with world(tmp_path) as all_:
        roles = {
            "authenticated": await all_.role("in", "authenticated", "sqs:ListQueues"),
            "unauthenticated": await all_.role("out", "unauthenticated", "sns:ListTopics"),
        }
        await all_.admin.set_identity_pool_roles(IdentityPoolId=all_.pool, Roles=roles)
        logins = {all_.provider: (await all_.at.tokens())["IdToken"]}
        named = {"IdentityPoolId": all_.pool}
        id = (await all_.anyone.get_id(**named, Logins=logins))["IdentityId"]
        assert (await all_.anyone.get_id(**named, Logins=logins))["IdentityId"] == id
        known = await all_.credentials(IdentityId=id, Logins=logins)
        await all_.client("sqs", known).list_queues()
        assert "Denied" in await refusal(all_.client("sns", known).list_topics)
        who = await all_.client("sts", known).get_caller_identity()
        assert who["Arn"].endswith(":assumed-role/in/CognitoIdentityCredentials")

        guest = (await all_.anyone.get_id(**named))["IdentityId"]
        given = await all_.credentials(IdentityId=guest)
        await all_.client("sns", given).list_topics()
        assert "Denied" in await refusal(all_.client("sqs", given).list_queues)
        listed = await all_.admin.list_identities(**named, MaxResults=10)
        assert {each["IdentityId"] for each in listed["Identities"]} == {id, guest}


async def test_an_identity_is_its_logins_alone(tmp_path: Path) -> None:
    async with world(tmp_path, AllowUnauthenticatedIdentities=False) as all_:
        await all_.at.user("bob")
        tokens = await all_.at.tokens()
        bob = (await all_.at.tokens("bob"))["IdToken"]
        named = {"IdentityPoolId": all_.pool}
        get, credentials = all_.anyone.get_id, all_.anyone.get_credentials_for_identity
        assert await refusal(get, **named) == "NotAuthorizedException"
        for token in (tokens["AccessToken"], bob[:-6] + "AAAAAA", "a.b.c"):
            assert await refusal(get, **named, Logins={all_.provider: token}) == (
                "NotAuthorizedException"
            )
        other = {"cognito-idp.us-east-1.amazonaws.com/us-east-1_Other": bob}
        assert await refusal(get, **named, Logins=other) == "NotAuthorizedException"
        id = (await get(**named, Logins={all_.provider: tokens["IdToken"]}))["IdentityId"]
        for logins in ({}, {all_.provider: bob}):
            assert await refusal(credentials, IdentityId=id, Logins=logins) == (
                "NotAuthorizedException"
            )
        mine = {all_.provider: tokens["IdToken"]}
        assert await refusal(credentials, IdentityId=id, Logins=mine) == (
            "InvalidIdentityPoolConfigurationException"
        )


async def test_groups_and_rules_choose_the_role(tmp_path: Path) -> None:
    async with world(tmp_path) as all_:
        at = all_.at
        usual = await all_.role("usual", "authenticated", "sqs:ListQueues")
        writer = await all_.role("writer", "authenticated", "sns:ListTopics")
        group = {"UserPoolId": at.pool, "GroupName": "writers"}
        await at.idp.create_group(**group, RoleArn=writer)
        await at.user("bob", email="bob@example.com")
        await at.idp.admin_add_user_to_group(**group, Username="ada")

        async def arn(name: str) -> str:
            logins = {all_.provider: (await at.tokens(name))["IdToken"]}
            found = await all_.anyone.get_id(IdentityPoolId=all_.pool, Logins=logins)
            given = await all_.credentials(IdentityId=found["IdentityId"], Logins=logins)
            return (await all_.client("sts", given).get_caller_identity())["Arn"].split("/")[1]

        place = f"{all_.provider}:{at.app}"
        by_token = {"Type": "Token", "AmbiguousRoleResolution": "AuthenticatedRole"}
        asked = {"IdentityPoolId": all_.pool, "Roles": {"authenticated": usual}}
        set_roles = all_.admin.set_identity_pool_roles
        await set_roles(**asked, RoleMappings={place: by_token})
        assert (await arn("ada"), await arn("bob")) == ("writer", "usual")
        rule = {
            "Claim": "email",
            "MatchType": "StartsWith",
            "Value": "bob@",
            "RoleARN": writer,
        }
        by_rules = {
            "Type": "Rules",
            "AmbiguousRoleResolution": "AuthenticatedRole",
            "RulesConfiguration": {"Rules": [rule]},
        }
        await set_roles(**asked, RoleMappings={place: by_rules})
        assert (await arn("ada"), await arn("bob")) == ("usual", "writer")


async def test_the_classic_flow_gives_a_token_that_sts_takes(tmp_path: Path) -> None:
    async with world(tmp_path) as all_:
        logins = {all_.provider: (await all_.at.tokens())["IdToken"]}
        id = (await all_.anyone.get_id(IdentityPoolId=all_.pool, Logins=logins))["IdentityId"]
        ask = all_.anyone.get_open_id_token
        assert await refusal(ask, IdentityId=id, Logins=logins) == "InvalidParameterException"
        named = {"IdentityPoolName": "pets", "AllowUnauthenticatedIdentities": True}
        await all_.admin.update_identity_pool(
            IdentityPoolId=all_.pool,
            **named,
            AllowClassicFlow=True,
            CognitoIdentityProviders=[{"ProviderName": all_.provider, "ClientId": all_.at.app}],
        )
        assert await refusal(ask, IdentityId=id) == "NotAuthorizedException"
        token = (await ask(IdentityId=id, Logins=logins))["Token"]
        claims = jwt.decode(token, options={"verify_signature": False})
        assert (claims["iss"], claims["sub"], claims["aud"]) == (f"https://{WEB}", id, all_.pool)
        assert claims["amr"][0] == "authenticated"
        inside = await all_.role("in", "authenticated", "sqs:ListQueues")
        outside = await all_.role("out", "unauthenticated", "sns:ListTopics")
        sts = Asking(all_.at.running.client("sts"))
        asked = {"RoleSessionName": "app", "WebIdentityToken": token}
        made = await sts.assume_role_with_web_identity(RoleArn=inside, **asked)
        assert (made["SubjectFromWebIdentityToken"], made["Provider"]) == (id, WEB)
        given = {**made["Credentials"], "SecretKey": made["Credentials"]["SecretAccessKey"]}
        await all_.client("sqs", given).list_queues()
        take = sts.assume_role_with_web_identity
        assert await refusal(take, RoleArn=outside, **asked) == "AccessDenied"
        asked["WebIdentityToken"] = token[:-6] + "AAAAAA"
        assert await refusal(take, RoleArn=inside, **asked) == "InvalidIdentityToken"
