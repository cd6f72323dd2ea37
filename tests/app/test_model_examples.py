"""The examples of bots, recommenders and models of one's own, as a user runs them."""

import io
import json
import tarfile
import time
import urllib.request
from collections.abc import Callable, Generator
from typing import Any

import pytest

from tests.app.test_serve_command import Running, gateway
from tests.services.lex.bots import RUNTIME, new_bot, text

# The engines load models: on a machine that is busy with other things that takes its time.
pytestmark = pytest.mark.timeout(180)

ROLE = "arn:aws:iam::000000000000:role/models"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    documents = ("examples/chatbot.yaml", "examples/recommender.yaml")
    with gateway(tmp_path_factory.mktemp("data"), *documents) as found:
        yield found


def asked(running: Running, path: str, body: Any = None) -> Any:
    url = f"http://127.0.0.1:{running.run['port']}/restapis/{path}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        return json.loads(reply.read())


def test_a_bot_talks_through_an_api(running: Running) -> None:
    made = new_bot(running.client("lexv2-models"), "Tables")
    intent = made.intent(
        "BookTable",
        ["book a table", "a table for {Seats}", "reserve a table for {Seats} people"],
        intentClosingSetting={"closingResponse": text("It's a table for {Seats}.")},
    )
    made.slot(intent, "Seats", "AMAZON.Number")
    made.build()
    chat = f"chatbot/prod/_user_request_/chat/{made.bot}/me"
    answer = asked(running, chat, {"text": "I'd like to book a table"})
    assert answer == {
        "says": ["Seats?"],
        "intent": "BookTable",
        "state": "InProgress",
        "next": "ElicitSlot",
    }
    answer = asked(running, chat, {"text": "for four please"})
    assert (answer["says"], answer["next"]) == (["It's a table for 4."], "Close")


def until(found: Callable[[], dict[str, Any]]) -> None:
    end = time.monotonic() + 120
    while found()["status"] != "ACTIVE":
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_campaign_recommends_through_an_api(running: Running) -> None:
    control, s3 = running.client("personalize"), running.client("s3")
    s3.create_bucket(Bucket="shop")
    rows = [
        f"u{u},{'tea' if u % 2 else 'coffee'}{n * 7 % 11},{n}" for u in range(30) for n in range(8)
    ]
    seen = "\n".join(["USER_ID,ITEM_ID,TIMESTAMP", *rows])
    s3.put_object(Bucket="shop", Key="seen.csv", Body=seen.encode())
    fields = [{"name": each, "type": "string"} for each in ("USER_ID", "ITEM_ID")]
    fields.append({"name": "TIMESTAMP", "type": "long"})
    schema = {"type": "record", "name": "Seen", "namespace": "n", "fields": fields}
    group = control.create_dataset_group(name="shop")["datasetGroupArn"]
    dataset = control.create_dataset(
        name="seen",
        datasetType="Interactions",
        datasetGroupArn=group,
        schemaArn=control.create_schema(name="seen", schema=json.dumps(schema))["schemaArn"],
    )["datasetArn"]
    job = control.create_dataset_import_job(
        jobName="first",
        datasetArn=dataset,
        dataSource={"dataLocation": "s3://shop/seen.csv"},
        roleArn=ROLE,
    )
    until(lambda: control.describe_dataset_import_job(**_named(job))["datasetImportJob"])
    solution = control.create_solution(
        name="for-you",
        datasetGroupArn=group,
        recipeArn="arn:aws:personalize:::recipe/aws-user-personalization",
    )["solutionArn"]
    version = control.create_solution_version(solutionArn=solution)
    until(lambda: control.describe_solution_version(**_named(version))["solutionVersion"])
    control.create_campaign(name="for-you", **_named(version))
    found = asked(running, "recommender/prod/_user_request_/users/u1/items")["items"]
    assert [each[:3] for each in found[:5]] == ["tea"] * 5


def _named(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name.endswith("Arn")}


def test_a_model_of_ones_own_answers_through_an_api(running: Running) -> None:
    sagemaker, s3 = running.client("sagemaker"), running.client("s3")
    code = b"def model_fn(model_dir):\n    return lambda rows: [sum(row) for row in rows]\n"
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        entry = tarfile.TarInfo("code/inference.py")
        entry.size = len(code)
        archive.addfile(entry, io.BytesIO(code))
    s3.create_bucket(Bucket="models")
    s3.put_object(Bucket="models", Key="sum.tar.gz", Body=out.getvalue())
    container = {"Image": RUNTIME, "ModelDataUrl": "s3://models/sum.tar.gz"}
    sagemaker.create_model(ModelName="sum", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    variant = {
        "VariantName": "all",
        "ModelName": "sum",
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m4.xlarge",
    }
    sagemaker.create_endpoint_config(EndpointConfigName="sum", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="sum", EndpointConfigName="sum")
    wait = {"Delay": 1, "MaxAttempts": 150}
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="sum", WaiterConfig=wait)
    assert asked(running, "recommender/prod/_user_request_/predictions", [[1, 2], [3, 4]]) == [3, 7]
