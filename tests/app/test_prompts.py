"""Prompts published as resources of APIs by boto3 and files, and their versions side by side."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.builders import serving
from tests.llm import double as d
from tests.services.apigateway.making import Asking, Running, gateway, told, until
from torana.app.definitions import BadDefinitions, Source
from torana.llm_settings import Llm, LlmModel, LlmPrompt, LlmPromptVersion, LlmProvider, LlmTarget
from torana.message import Reply, Request

URI = "arn:aws:apigateway:us-east-1:torana:path/prompts/"
SCORE: dict[str, Any] = {
    "type": "object",
    "properties": {"score": {"type": "number"}},
    "required": ["score"],
}


def parrot(request: Request, body: dict[str, Any]) -> Reply:
    """Repeats the question; rates what it is asked to rate."""
    text = body["messages"][-1]["content"]
    text = '{"score": 0.5}' if text.startswith("Rate") else f"[{text}]"
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": "stop",
    }
    return d.answer({**d.OPENAI, "choices": [choice]})


@asynccontextmanager
async def running(data: Path) -> AsyncGenerator[Running]:
    double = d.Double(parrot)
    async with serving(double) as provider:
        llm = Llm(
            providers={"up": LlmProvider("custom", f"http://127.0.0.1:{provider.port}/v1")},
            models={"fast": LlmModel((LlmTarget("up", "m"),))},
            prompts={
                "greet": LlmPrompt(
                    {
                        "1": LlmPromptVersion("fast", text="Hello {{name}}"),
                        "2": LlmPromptVersion("fast", text="Good day, {{name}}"),
                    }
                ),
                "rate": LlmPrompt(
                    {"1": LlmPromptVersion("fast", text="Rate {{input}} {{answer}}", output=SCORE)}
                ),
            },
        )
        async with gateway(data, llm=llm) as found:
            yield found


def variant(text: str) -> dict[str, Any]:
    return {
        "name": "main",
        "templateType": "TEXT",
        "modelId": "fast",
        "templateConfiguration": {
            "text": {"text": text, "inputVariables": [{"name": "topic"}]},
        },
        "inferenceConfiguration": {"text": {"maxTokens": 50, "temperature": 0.0}},
    }


async def prompt(agent: Asking, text: str, name: str = "tell") -> str:
    made = await agent.create_prompt(
        name=name, variants=[variant(text)], defaultVariant="main", description="Tells."
    )
    assert (await agent.create_prompt_version(promptIdentifier=made["id"]))["version"] == "1"
    return made["id"]


async def published(ask: Asking, uri: str) -> tuple[str, str]:
    """An API whose POST /tell/{topic} is a prompt; and its deployment."""
    api = (await ask.create_rest_api(name="prompts"))["id"]
    root = (await ask.get_resources(restApiId=api))["items"][0]["id"]
    tell = await ask.create_resource(restApiId=api, parentId=root, pathPart="tell")
    topic = await ask.create_resource(restApiId=api, parentId=tell["id"], pathPart="{topic}")
    place = {"restApiId": api, "resourceId": topic["id"], "httpMethod": "GET"}
    await ask.put_method(**place, authorizationType="NONE")
    put = {**place, "type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": uri}
    await ask.put_integration(**put)
    live = await ask.create_resource(restApiId=api, parentId=root, pathPart="live")
    place = {**place, "resourceId": live["id"]}
    await ask.put_method(**place, authorizationType="NONE")
    await ask.put_integration(**{**put, **place}, responseTransferMode="STREAM")
    made = await ask.create_deployment(restApiId=api, stageName="prod", variables={"v": "1"})
    return api, made["id"]


async def test_a_prompt_made_by_boto3_is_published_tried_and_rolled_back(tmp_path: Path) -> None:
    async with running(tmp_path) as found:
        ask, agent = Asking(found.client()), Asking(found.client("bedrock-agent"))
        id = await prompt(agent, "Tell me of {{topic}}")
        api, _ = await published(ask, f"{URI}{id}/${{stageVariables.v}}")
        url = f"{found.door}/restapis/{api}/prod/_user_request_/tell/cats"
        said = await until(url, 200, "[Tell me of cats]")
        assert said.headers["x-torana-prompt"] == "tell/1"
        async with httpx.AsyncClient() as http:
            accepts = {"Accept": "text/event-stream"}
            told_whole = await http.get(url, headers=accepts)
            live = url.replace("tell/cats", "live?topic=dogs")
            told_live = await http.get(live)
        assert told_whole.headers["content-type"] == "text/event-stream"
        assert told_whole.headers["x-torana-prompt"] == "tell/1"
        assert told_whole.text == (
            'event: delta\ndata: {"text":"[Tell me of cats]"}\n\n'
            'event: done\ndata: {"output":"[Tell me of cats]"}\n\n'
        )
        assert 'data: {"output":"[Tell me of dogs]"}' in told_live.text
        await agent.update_prompt(
            promptIdentifier=id,
            name="tell",
            variants=[variant("{{topic}}?")],
            defaultVariant="main",
        )
        await agent.create_prompt_version(promptIdentifier=id)
        canary = {"percentTraffic": 100.0, "stageVariableOverrides": {"v": "2"}}
        await ask.create_deployment(restApiId=api, stageName="prod", canarySettings=canary)
        assert (await until(url, 200, "[cats?]")).headers["x-torana-prompt"] == "tell/2"
        remove = [{"op": "remove", "path": "/canarySettings"}]
        await ask.update_stage(restApiId=api, stageName="prod", patchOperations=remove)
        await until(url, 200, "[Tell me of cats]")


async def test_what_is_not_there_cannot_be_deployed(tmp_path: Path) -> None:
    async with running(tmp_path) as found:
        ask = Asking(found.client())
        with pytest.raises(ClientError) as error:
            await published(ask, f"{URI}greet/9")
        assert "there is no prompt greet/9" in told(error.value)[1]


FILE = """
openapi: 3.0.1
info: {{title: greetings, version: '1'}}
paths:
  /greet:
    post:
      responses:
        '200': {{description: ok}}
        '400': {{description: bad}}
      x-amazon-apigateway-integration:
        type: aws
        httpMethod: POST
        uri: arn:aws:apigateway:us-east-1:torana:path/prompts/greet/{version}
        requestTemplates:
          application/json: '{{"name": $input.json("$.who.name")}}'
        responses:
          default:
            statusCode: '200'
            responseTemplates:
              application/json: '{{"said": $input.json("$.output")}}'
          '4\\d\\d':
            statusCode: '400'
"""


async def test_a_file_maps_to_a_prompt_and_back(tmp_path: Path) -> None:
    async with running(tmp_path) as found, httpx.AsyncClient() as http:
        found.node.load((Source("greetings.yaml", FILE.format(version=1)),))
        url = f"{found.door}/restapis/greetings/prod/_user_request_/greet"
        said = await http.post(url, json={"who": {"name": "Ann"}})
        assert (said.status_code, said.json()) == (200, {"said": "[Hello Ann]"})
        assert (await http.post(url, content=b"[")).status_code == 400
        with pytest.raises(BadDefinitions, match="there is no prompt greet/7"):
            found.node.load((Source("greetings.yaml", FILE.format(version=7)),))


async def test_versions_are_evaluated_side_by_side(tmp_path: Path) -> None:
    async with running(tmp_path) as found:
        text = (found.data / "credentials").read_text()
        given = dict(line.split(" = ") for line in text.splitlines() if " = " in line)
        auth = (given["aws_access_key_id"], given["aws_secret_access_key"])
        desk = f"http://127.0.0.1:{found.node.management.port}/llm/v1/prompts"
        async with httpx.AsyncClient(auth=auth) as http:
            listed = (await http.get(desk)).json()["prompts"]
            assert [(each["name"], each["version"], each["variables"]) for each in listed] == [
                ("greet", "1", ["name"]),
                ("greet", "2", ["name"]),
                ("rate", "1", ["answer", "input"]),
            ]
            asked = {
                "versions": ["1", "2"],
                "cases": [
                    {"variables": {"name": "Ann"}, "expected": {"output": "[Hello Ann]"}},
                    {"variables": {"who": "Bob"}},
                ],
                "judge": {"prompt": "rate", "version": "1"},
                "pattern": "(?i)^.hello",
                "schema": {"type": "string", "maxLength": 11},
            }
            done = (await http.post(f"{desk}/greet/evaluations", json=asked)).json()
            first, second = done["versions"]["1"], done["versions"]["2"]
            assert (first["matched"], second["matched"]) == (1.0, 0.0)
            assert first["checks"] == {"expected": 1.0, "pattern": 1.0, "schema": 1.0}
            assert second["checks"] == {"expected": 0.0, "pattern": 0.0, "schema": 0.0}
            assert (first["score"], first["failed"], first["valid"]) == (0.5, 1, 0.5)
            assert (first["input"], first["output"]) == (20, 10)
            outcome = done["cases"][0]["outcomes"]["2"]
            assert outcome["answer"] == {"output": "[Good day, Ann]"}
            for wrong in (
                {"versions": ["9"], "cases": asked["cases"]},
                {"versions": ["1"], "cases": []},
                {"versions": ["1"], "case": []},
                {**asked, "pattern": "("},
                {**asked, "schema": {"type": "thing"}},
            ):
                said = await http.post(f"{desk}/greet/evaluations", json=wrong)
                assert said.status_code == 400
