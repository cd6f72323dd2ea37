"""What each check of who may do what costs: `python -m bench.checks`, microseconds of CPU each."""

import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from torana.auth.grants import decide
from torana.auth.policy import Question
from torana.auth.signer import SigningCredentials, sign
from torana.auth.sigv4 import read, verify
from torana.message import Headers, Request
from torana.services.authority import Authority
from torana.services.credentials import root_principal
from torana.services.iam.access_keys import AccessKeys
from torana.services.iam.attached import Attached
from torana.services.iam.directory import Directory
from torana.services.iam.identities import Identities
from torana.services.iam.roles import RolesOfIam
from torana.services.iam.shelf import Shelf
from torana.services.iam.users import Users
from torana.services.ports import Call, Credential
from torana.services.seal import KeyFile
from torana.services.sts import Sts
from torana.state.memory import MemoryStore
from torana.telemetry.trail import Trail
from torana.wire import model
from torana.wire.contract import Contract

ACCOUNT = "000000000000"
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": f"{service}:*", "Resource": f"arn:aws:{service}:*:*:*"}
            for service in ("lambda", "kms", "comprehend", "polly")
        ]
        + [
            {
                "Effect": "Allow",
                "Action": "sqs:*",
                "Resource": "arn:aws:sqs:*:*:${aws:username}-*",
                "Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}},
            }
        ],
    }
)


def told(name: str, work: Callable[[], Any], times: int = 5000) -> None:
    work()
    start = time.process_time()
    for _ in range(times):
        work()
    print(f"{name:52} {(time.process_time() - start) / times * 1e6:7.1f} us")


async def main() -> None:
    folder = Path(tempfile.mkdtemp())
    store, seal = MemoryStore(100), KeyFile(folder / "iam.key")
    root = Credential("AKIAROOT", "secret", root_principal(ACCOUNT))
    directory = Directory(store, ACCOUNT)
    await directory.load()
    identities, shelf = Identities(root, directory, seal), Shelf(store, seal, directory.seen)

    def call(name: str) -> Call:
        request = Request("POST", "/", Headers([("User-Agent", "bench")]), b"")
        return Call(name, root.principal, "us-east-1", "id", 1.0, request)

    await Users(shelf).CreateUser(call("CreateUser"), {"UserName": "ada"})
    made = await AccessKeys(shelf).CreateAccessKey(call("CreateAccessKey"), {"UserName": "ada"})
    named = {"UserName": "ada", "PolicyName": "p", "PolicyDocument": POLICY}
    await Attached(shelf).PutUserPolicy(call("PutUserPolicy"), named)
    trust = {"Effect": "Allow", "Principal": {"AWS": root.principal.arn}, "Action": "sts:*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": trust})
    wanted = {"RoleName": "r", "AssumeRolePolicyDocument": document}
    role = (await RolesOfIam(shelf).CreateRole(call("CreateRole"), wanted))["Role"]["Arn"]
    asked = {"RoleArn": role, "RoleSessionName": "bench", "Policy": POLICY}
    session = (await Sts(identities).AssumeRole(call("AssumeRole"), asked))["Credentials"]
    key = made["AccessKey"]

    own = SigningCredentials(key["AccessKeyId"], key["SecretAccessKey"])
    body = b'{"QueueUrl": "http://127.0.0.1/000000000000/ada-1", "MessageBody": "hello"}'
    fields = Headers(
        [
            ("Host", "127.0.0.1"),
            ("X-Amz-Target", "AmazonSQS.SendMessage"),
            ("Content-Type", "application/x-amz-json-1.0"),
        ]
    )
    plain = Request("POST", "/", fields, body)
    request = sign(plain, own, region="us-east-1", service="sqs")
    contract = Contract("sqs", model.load("sqs"))
    understood = contract.read("json", request)
    known = identities.known(key["AccessKeyId"])
    assert known is not None
    who, authority = known.principal, Authority(ACCOUNT, "us-east-1")
    assert authority.judge(contract, understood, who, request, "us-east-1") is None
    question = Question("sqs:SendMessage", "arn:aws:sqs:us-east-1:000000000000:ada-1", who.caller)
    trail = Trail(folder / "audit", b"k" * 32, "bench")
    line = {"event": "call", "service": "sqs", "operation": "SendMessage", "arn": who.arn}
    now = datetime.now(UTC)

    told(
        "signature, read and verified",
        lambda: verify(read(request), request, own.secret_access_key, now),
    )
    told("who has an access key", lambda: identities.known(key["AccessKeyId"]))
    token = session["SessionToken"]
    told("who has a session", lambda: identities.known(session["AccessKeyId"], token))
    told("a new session token, opened", lambda: identities.tokens._read(token))
    told("policies of 5 statements", lambda: decide(who.grants, question))
    told(
        "a call of SQS, judged",
        lambda: authority.judge(contract, understood, who, request, "us-east-1"),
    )
    told("a line of the audit trail", lambda: trail.write(line))
    await directory.aclose()
    await store.close()


if __name__ == "__main__":
    asyncio.run(main())
