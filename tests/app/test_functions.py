"""The Lambda API through boto3, with functions that really run."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false
# pyright: reportTypedDictNotRequiredAccess=false, reportGeneralTypeIssues=false

import asyncio
import base64
import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.app.lambdas import PYTHON, lambdas, zipped
from tests.services.serving import called, client
from torana.settings import Function, FunctionLimits

ECHO = (
    "import os\ndef handler(event, context):\n"
    "    return {'event': event, 'v': os.environ.get('VAR')}\n"
)


def code_of(error: "pytest.ExceptionInfo[ClientError]") -> str:
    return error.value.response["Error"]["Code"]


def _stored(folder: Path) -> bytes:
    found = [path.read_bytes() for path in folder.glob("torana.db*")]
    assert any(b"app.handler" in each for each in found)
    return b"".join(found)


async def test_function_is_created_run_shown_and_deleted(tmp_path: Path) -> None:
    async with lambdas(tmp_path) as node:
        made = await node.create(ECHO, Environment={"Variables": {"VAR": "1"}}, Timeout=5)
        assert made["FunctionArn"] == "arn:aws:lambda:us-east-1:000000000000:function:f"
        assert (made["State"], made["Version"], made["Runtime"]) == ("Active", "$LATEST", PYTHON)
        answer, payload = await node.invoke(Payload=b'{"a": 1}')
        assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
        assert "FunctionError" not in answer
        assert json.loads(payload) == {"event": {"a": 1}, "v": "1"}
        shown = await node("get_function", FunctionName=made["FunctionArn"])
        assert shown["Configuration"]["Environment"] == {"Variables": {"VAR": "1"}}
        assert [f["FunctionName"] for f in (await node("list_functions"))["Functions"]] == ["f"]
        await node("delete_function", FunctionName="f")
        with pytest.raises(ClientError) as gone:
            await node.invoke()
        assert code_of(gone) == "ResourceNotFoundException"
        assert "Function not found: arn:aws:lambda:us-east-1:000000000000:function:f" in str(
            gone.value
        )


async def test_function_survives_a_restart_its_environment_unreadable_at_rest(
    tmp_path: Path,
) -> None:
    async with lambdas(tmp_path) as node:
        await node.create(ECHO, Environment={"Variables": {"VAR": "very-secret-value"}})
    assert b"very-secret-value" not in _stored(tmp_path)
    assert (tmp_path / "functions.key").stat().st_mode & 0o777 == 0o600
    async with lambdas(tmp_path) as node:
        _, payload = await node.invoke(Payload=b"2")
        assert json.loads(payload) == {"event": 2, "v": "very-secret-value"}


async def test_updated_code_and_configuration_serve_the_next_invocation(tmp_path: Path) -> None:
    async with lambdas(tmp_path) as node:
        made = await node.create(ECHO)
        await node.invoke()
        other = zipped({"app.py": "def handler(event, context):\n    return 'other'\n"})
        updated = await node("update_function_code", FunctionName="f", ZipFile=other)
        assert updated["CodeSha256"] != made["CodeSha256"]
        assert json.loads((await node.invoke())[1]) == "other"
        await node("update_function_configuration", FunctionName="f", Handler="app.nothing")
        answer, payload = await node.invoke()
        assert answer["FunctionError"] == "Unhandled"
        assert json.loads(payload)["errorType"] == "Runtime.HandlerNotFound"
        with pytest.raises(ClientError) as stale:
            await node(
                "update_function_code",
                FunctionName="f",
                ZipFile=other,
                RevisionId=made["RevisionId"],
            )
        assert code_of(stale) == "PreconditionFailedException"


async def test_versions_are_frozen_and_aliases_name_them_by_weight(tmp_path: Path) -> None:
    def saying(word: str) -> str:
        return f"def handler(event, context):\n    return '{word}'\n"

    async with lambdas(tmp_path) as node:
        await node.create(saying("one"), Publish=True)
        again = await node("publish_version", FunctionName="f")
        assert again["Version"] == "1"
        two = zipped({"app.py": saying("two")})
        published = await node("update_function_code", FunctionName="f", ZipFile=two, Publish=True)
        assert published["Version"] == "2"
        assert json.loads((await node.invoke("f:1"))[1]) == "one"
        assert json.loads((await node.invoke(Qualifier="2"))[1]) == "two"
        await node("create_alias", FunctionName="f", Name="live", FunctionVersion="1")
        answer, payload = await node.invoke("f:live")
        assert (json.loads(payload), answer["ExecutedVersion"]) == ("one", "1")
        weighted = {"AdditionalVersionWeights": {"2": 0.5}}
        await node("update_alias", FunctionName="f", Name="live", RoutingConfig=weighted)
        seen = {json.loads((await node.invoke("f:live"))[1]) for _ in range(40)}
        assert seen == {"one", "two"}
        with pytest.raises(ClientError) as held:
            await node("delete_function", FunctionName="f", Qualifier="1")
        assert code_of(held) == "ResourceConflictException"


async def test_log_tail_comes_with_the_answer_and_the_log_is_a_file(tmp_path: Path) -> None:
    async with lambdas(tmp_path) as node:
        await node.create("def handler(event, context):\n    print('said', event)\n")
        answer, _ = await node.invoke(Payload=b'"x"', LogType="Tail")
        tail = base64.b64decode(answer["LogResult"]).decode()
        assert "said x" in tail
        assert f"REPORT RequestId: {answer['ResponseMetadata']['RequestId']}" in tail
    log = (tmp_path / "logs" / "_aws_lambda_f.log").read_text()
    assert log.count("START RequestId") == 1
    assert "said x" in log


async def test_dry_run_runs_nothing_and_bad_payloads_are_refused(tmp_path: Path) -> None:
    async with lambdas(tmp_path) as node:
        await node.create(ECHO)
        answer, _ = await node.invoke(InvocationType="DryRun")
        assert answer["StatusCode"] == 204
        with pytest.raises(ClientError) as bad:
            await node.invoke(Payload=b"{not json")
        assert code_of(bad) == "InvalidRequestContentException"
        with pytest.raises(ClientError) as large:
            await node.invoke(Payload=b'"' + b"x" * 7_000_000 + b'"')
        assert large.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
        assert node.host.numbers()[1] == {}


async def test_reserved_concurrency_throttles_with_the_services_error(tmp_path: Path) -> None:
    async with lambdas(tmp_path, function_limits=FunctionLimits(queue_seconds=0.1)) as node:
        await node.create("def handler(event, context):\n    pass\n")
        await node("put_function_concurrency", FunctionName="f", ReservedConcurrentExecutions=0)
        with pytest.raises(ClientError) as busy:
            await node.invoke()
        assert code_of(busy) == "TooManyRequestsException"
        assert busy.value.response["Reason"] == (
            "ReservedFunctionConcurrentInvocationLimitExceeded"
        )
        await node("delete_function_concurrency", FunctionName="f")
        assert (await node.invoke())[0]["StatusCode"] == 200


async def until(seen: Any, seconds: float = 8) -> None:
    end = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.05)


async def test_event_is_run_later_and_its_failure_retried_to_a_destination(tmp_path: Path) -> None:
    async with lambdas(tmp_path) as node:
        node.host.queue._pauses = (0.1, 0.1)
        await node.create("def handler(event, context):\n    raise ValueError('always')\n")
        await node.create("def handler(event, context):\n    print('GIVEN', event)\n", "sink")
        arn = "arn:aws:lambda:us-east-1:000000000000:function:sink"
        await node(
            "put_function_event_invoke_config",
            FunctionName="f",
            MaximumRetryAttempts=1,
            DestinationConfig={"OnFailure": {"Destination": arn}},
        )
        answer, payload = await node.invoke(InvocationType="Event", Payload=b'{"n": 5}')
        assert (answer["StatusCode"], payload) == (202, b"")
        log = tmp_path / "logs" / "_aws_lambda_sink.log"
        await until(lambda: log.exists() and "GIVEN" in log.read_text())
        said = log.read_text()
        for part in ("RetriesExhausted", "'approximateInvokeCount': 2", "{'n': 5}", "always"):
            assert part in said
        assert (tmp_path / "logs" / "_aws_lambda_f.log").read_text().count("START") == 2


async def test_accepted_events_outlive_the_process_that_accepted_them(tmp_path: Path) -> None:
    async with lambdas(tmp_path) as node:
        await node.create(
            "import time\ndef handler(event, context):\n    time.sleep(1)\n    print('DONE')\n"
        )
        await node.invoke(InvocationType="Event")
    log = tmp_path / "logs" / "_aws_lambda_f.log"
    assert not log.exists() or "DONE" not in log.read_text()
    async with lambdas(tmp_path):
        await until(lambda: log.exists() and "DONE" in log.read_text())


async def test_policy_statements_are_added_shown_and_removed(tmp_path: Path) -> None:
    async with lambdas(tmp_path) as node:
        await node.create(ECHO)
        await node(
            "add_permission",
            FunctionName="f",
            StatementId="api",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn="arn:aws:execute-api:us-east-1:000000000000:abc/*/GET/pets",
        )
        policy = json.loads((await node("get_policy", FunctionName="f"))["Policy"])
        statement = policy["Statement"][0]
        assert statement["Principal"] == {"Service": "apigateway.amazonaws.com"}
        assert statement["Condition"]["ArnLike"]["AWS:SourceArn"].endswith("/GET/pets")
        await node("remove_permission", FunctionName="f", StatementId="api")
        with pytest.raises(ClientError) as none:
            await node("get_policy", FunctionName="f")
        assert code_of(none) == "ResourceNotFoundException"


async def test_code_comes_from_an_object_of_ours(tmp_path: Path) -> None:
    async with lambdas(tmp_path) as node:
        s3 = client("s3", node.port)
        await called(
            s3.create_bucket,
            Bucket="code",
            CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
        )
        await called(s3.put_object, Bucket="code", Key="f.zip", Body=zipped({"app.py": ECHO}))
        fields = {
            "Runtime": PYTHON,
            "Handler": "app.handler",
            "Role": "arn:aws:iam::000000000000:role/r",
        }
        source = {"S3Bucket": "code", "S3Key": "f.zip"}
        await node("create_function", FunctionName="f", Code=source, **fields)
        assert json.loads((await node.invoke(Payload=b"3"))[1])["event"] == 3
        with pytest.raises(ClientError) as none:
            await node(
                "create_function", FunctionName="g", Code={**source, "S3Key": "no"}, **fields
            )
        assert "NoSuchKey" in str(none.value)


async def test_what_cannot_be_done_is_refused_by_name(tmp_path: Path) -> None:
    async with lambdas(tmp_path) as node:
        for fields, said in (
            ({"Runtime": "java21"}, "java21"),
            ({"VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}}, "VPC"),
            ({"SnapStart": {"ApplyOn": "PublishedVersions"}}, "SnapStart"),
            ({"Environment": {"Variables": {"AWS_LAMBDA_X": "1"}}}, "reserved keys"),
        ):
            with pytest.raises(ClientError) as refused:
                await node.create(ECHO, **fields)
            assert code_of(refused) == "InvalidParameterValueException"
            assert said in str(refused.value)
        with pytest.raises(ClientError) as escaping:
            await node(
                "create_function",
                FunctionName="f",
                Runtime=PYTHON,
                Handler="a.b",
                Role="arn:aws:iam::000000000000:role/r",
                Code={"ZipFile": zipped({"../evil.py": ""})},
            )
        assert "outside of its folder" in str(escaping.value)


SIGNED = """
import boto3
def handler(event, context):
    who = boto3.client("sts").get_caller_identity()
    found = boto3.client("comprehend").detect_sentiment(Text="Fine!", LanguageCode="en")
    return [who["Arn"], found["Sentiment"]]
"""


async def test_functions_own_boto3_reaches_our_services_as_its_role(tmp_path: Path) -> None:
    async with lambdas(tmp_path) as node:
        await node.create(SIGNED, Timeout=30, MemorySize=512)
        _, payload = await node.invoke()
        arn, sentiment = json.loads(payload)
        assert arn == "arn:aws:sts::000000000000:assumed-role/worker/f"
        assert sentiment in {"POSITIVE", "NEUTRAL", "NEGATIVE", "MIXED"}


async def test_function_of_a_folder_is_run_and_cannot_be_changed(tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    folder.mkdir()
    (folder / "app.py").write_text(ECHO)
    pets = Function(str(folder), "app.handler", environment={"VAR": "7"})
    async with lambdas(tmp_path / "data", functions={"pets": pets}) as node:
        assert json.loads((await node.invoke("pets", Payload=b"1"))[1]) == {"event": 1, "v": "7"}
        (folder / "app.py").write_text("def handler(event, context):\n    return 'new code'\n")
        node.host.reload()
        assert json.loads((await node.invoke("pets"))[1]) == "new code"
        with pytest.raises(ClientError) as fixed:
            await node("delete_function", FunctionName="pets")
        assert code_of(fixed) == "ResourceConflictException"


STREAM = """
export const handler = awslambda.streamifyResponse(async (event, out) => {
  for (const word of ['a', 'b', 'c']) {
    out.write(word);
    await new Promise((done) => setTimeout(done, 20));
  }
  out.end();
});
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
async def test_response_stream_reaches_boto3_in_chunks(tmp_path: Path) -> None:
    async with lambdas(tmp_path) as node:
        await node(
            "create_function",
            FunctionName="s",
            Runtime="nodejs20.x",
            Handler="index.handler",
            Role="arn:aws:iam::000000000000:role/r",
            Code={"ZipFile": zipped({"index.mjs": STREAM})},
        )

        def stream() -> list[Any]:
            answer = node.client.invoke_with_response_stream(FunctionName="s", LogType="Tail")
            return list(answer["EventStream"])

        events = await asyncio.to_thread(stream)
        chunks = [event["PayloadChunk"]["Payload"] for event in events[:-1]]
        assert b"".join(chunks) == b"abc"
        assert len(chunks) > 1
        assert "ErrorCode" not in events[-1]["InvokeComplete"]
        assert (await node.invoke("s"))[1] == b"abc"


async def test_layers_lie_under_the_function_and_outlive_their_deletion(tmp_path: Path) -> None:
    async with lambdas(tmp_path) as node:
        arns: list[str] = []
        for name, files in (
            ("one", {"python/shared.py": "WORD = 'one'\n", "data.txt": "from one"}),
            ("two", {"python/shared.py": "WORD = 'two'\n"}),
        ):
            made = await node(
                "publish_layer_version", LayerName=name, Content={"ZipFile": zipped(files)}
            )
            arns.append(made["LayerVersionArn"])
        code = (
            "import os, shared\n"
            "def handler(event, context):\n"
            "    folder = os.path.dirname(os.path.dirname(shared.__file__))\n"
            "    return [shared.WORD, open(folder + '/data.txt').read()]\n"
        )
        await node.create(code, Layers=arns)
        assert json.loads((await node.invoke())[1]) == ["two", "from one"]
        await node("delete_layer_version", LayerName="one", VersionNumber=1)
        assert [x["LayerName"] for x in (await node("list_layers"))["Layers"]] == ["two"]
        await node("update_function_configuration", FunctionName="f", Timeout=5)
        assert json.loads((await node.invoke())[1]) == ["two", "from one"]
        with pytest.raises(ClientError) as gone:
            await node("update_function_configuration", FunctionName="f", Layers=[arns[0]])
        assert "does not exist" in str(gone.value)


async def test_provisioned_instances_are_ready_before_anybody_calls(tmp_path: Path) -> None:
    async with lambdas(tmp_path) as node:
        await node.create(ECHO, Publish=True)
        of = {"FunctionName": "f", "Qualifier": "1"}
        with pytest.raises(ClientError) as none:
            await node("get_provisioned_concurrency_config", **of)
        assert code_of(none) == "ProvisionedConcurrencyConfigNotFoundException"
        await node("put_provisioned_concurrency_config", ProvisionedConcurrentExecutions=2, **of)

    async with lambdas(tmp_path) as node:

        async def shown() -> dict[str, Any]:
            return await node("get_provisioned_concurrency_config", **of)

        end = time.monotonic() + 8
        while (await shown())["Status"] != "READY":
            assert time.monotonic() < end
            await asyncio.sleep(0.05)
        assert (await shown())["AvailableProvisionedConcurrentExecutions"] == 2
        await node.invoke("f:1")
        assert node.host.numbers()[1]["functions_cold_starts"] == 2
        await node("delete_provisioned_concurrency_config", **of)
        with pytest.raises(ClientError) as latest:
            await node(
                "put_provisioned_concurrency_config",
                FunctionName="f",
                Qualifier="$LATEST",
                ProvisionedConcurrentExecutions=1,
            )
        assert code_of(latest) == "InvalidParameterValueException"
