"""What the doctor says of policies, by what IAM's own operations have stored."""

import json
from pathlib import Path
from typing import Any

from tests.services.running import services
from torana.cli.broad import broad
from torana.state.memory import MemoryStore


def document(**statement: Any) -> str:
    whole = {"Effect": "Allow", "Resource": "*", **statement}
    return json.dumps({"Version": "2012-10-17", "Statement": [whole]})


async def test_wildcards_and_broad_roles_are_named(tmp_path: Path) -> None:
    store = MemoryStore(100)
    with services(tmp_path, store=store) as at:
        iam = at("iam")
        for name, statement in {
            "all": {"Action": "*"},
            "wide": {"Action": ["sqs:*", "s3:GetObject"]},
            "not": {"NotAction": "iam:*"},
            "fine": {"Action": "sqs:*", "Resource": "arn:aws:sqs:*:*:mine"},
            "narrow": {"Action": "sqs:ListQueues"},
        }.items():
            iam.create_user(UserName=name)
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document(**statement))
        trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        text = json.dumps({"Version": "2012-10-17", "Statement": trust})
        iam.create_role(RoleName="open", AssumeRolePolicyDocument=text)
        iam.attach_role_policy(
            RoleName="open", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
        )
    assert [what for what, _ in await broad(store)] == [
        "user all: policy p, statement 1 allows every action of every resource",
        "user not: policy p, statement 1 allows all but some actions (NotAction)",
        "user wide: policy p, statement 1 allows sqs:* on every resource",
        "role open has AdministratorAccess",
        "role open may be assumed by everybody",
    ]
    assert await broad(MemoryStore(100)) == []
