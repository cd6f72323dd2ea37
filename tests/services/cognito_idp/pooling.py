"""User pools over real sockets: pools, clients and users, as tests want them."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false

import json
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from argon2 import PasswordHasher
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.services.apigateway.making import told
from tests.services.running import services
from torana.services.cognito_idp import passwords
from torana.settings import Settings

PASSWORD = "Correct-horse-7"
FLOWS = [
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "ALLOW_USER_SRP_AUTH",
    "ALLOW_CUSTOM_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
]


class Idp:
    """An administrator's client, and one of somebody without any credentials."""

    def __init__(self, admin: Any, cloudtrail: Any, folder: Path) -> None:
        self.admin, self.cloudtrail, self.folder = admin, cloudtrail, folder
        self.url: str = admin.meta.endpoint_url
        self.anyone: Any = boto3.client(
            "cognito-idp",
            endpoint_url=self.url,
            region_name="eu-west-1",
            config=Config(signature_version=UNSIGNED, retries={"max_attempts": 1}),
        )

    def pool(self, **options: Any) -> str:
        return self.admin.create_user_pool(PoolName="pets", **options)["UserPool"]["Id"]

    def client(self, pool: str, **options: Any) -> str:
        options = {"ExplicitAuthFlows": FLOWS, **options}
        made = self.admin.create_user_pool_client(UserPoolId=pool, ClientName="app", **options)
        return made["UserPoolClient"]["ClientId"]

    def user(self, pool: str, name: str = "ada", word: str = PASSWORD, **profile: str) -> None:
        """Confirmed, with a password."""
        self.admin.admin_create_user(
            UserPoolId=pool,
            Username=name,
            MessageAction="SUPPRESS",
            UserAttributes=attributes(profile),
        )
        self.admin.admin_set_user_password(
            UserPoolId=pool, Username=name, Password=word, Permanent=True
        )

    def sign_in(self, client: str, name: str = "ada", word: str = PASSWORD, **more: str) -> Any:
        return self.anyone.initiate_auth(
            ClientId=client,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": word, **more},
        )

    def tokens(self, client: str, name: str = "ada", word: str = PASSWORD) -> dict[str, Any]:
        return self.sign_in(client, name, word)["AuthenticationResult"]

    def sent(self) -> list[dict[str, str]]:
        """Every message so far."""
        lines = (self.folder / "outbox.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def code(self) -> str:
        """Of the newest message."""
        return re.findall(r"\d{6}", self.sent()[-1]["text"])[-1]


def attributes(profile: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in profile.items()]


def refused(operation: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as failure:
        operation(**params)
    return told(failure.value)


@contextmanager
def running(folder: Path, settings: Settings | None = None) -> Generator[Idp]:
    """With hashes that cost little: what they cost is no behaviour."""
    cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", cheap)
        with services(folder, settings) as clients:
            yield Idp(clients("cognito-idp"), clients("cloudtrail"), folder)
