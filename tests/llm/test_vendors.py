"""What vendors of one API do differently reaches them as they want it."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from anthropic import AsyncAnthropic
from openai import APIStatusError, AsyncOpenAI

from tests.builders import serving
from tests.llm import bedrock_double, cohere_double, gemini_double
from tests.llm import double as d
from torana.app.llm import vendors
from torana.app.services import build
from torana.message import Headers, Reply, Request, read
from torana.net.client import HttpClient
from torana.services.ports import Credential
from torana.settings import Settings
from torana.state.memory import MemoryStore
from torana.wire.event_stream import MEDIA_TYPE, encode

SETTINGS = """
[providers.up]
type = "{type}"
base_url = "{up}"
[models.fast]
targets = [{ provider = "up", model = "up" }]
[keys.dev]
secret = "sk-dev"
"""
HELLO: Any = [{"role": "user", "content": "Say hello"}]


def provider(request: Request, body: dict[str, Any]) -> Reply:
    return d.stream(*d.OPENAI_STREAM) if body.get("stream") else d.answer(d.OPENAI)


async def asked(type: str, claude: bool, **more: Any) -> dict[str, Any]:
    """The body that a provider of a type is sent."""
    async with d.gateway(provider, SETTINGS.replace("{type}", type)) as running:
        if claude:
            async with AsyncAnthropic(base_url=running.url, api_key="sk-dev") as anthropic:
                await anthropic.messages.create(model="fast", max_tokens=9, messages=HELLO, **more)
        else:
            async with AsyncOpenAI(base_url=f"{running.url}/v1", api_key="sk-dev") as openai:
                chat: Any = openai.chat.completions
                done = await chat.create(model="fast", messages=HELLO, **more)
                if more.get("stream"):
                    async for _ in done:
                        pass
        assert running.spent == [] or running.spent[0].input == 20
        return running.double.asked[0][2]


@pytest.mark.parametrize(
    ("type", "name"), [("openai", "max_completion_tokens"), ("vllm", "max_tokens")]
)
async def test_the_bound_of_an_answer_has_the_name_that_the_vendor_knows(
    type: str, name: str
) -> None:
    body = await asked(type, claude=True)
    assert body == {"model": "up", "messages": HELLO, name: 9}


def every(request: Request, body: dict[str, Any]) -> Reply:
    """Any of them, whatever its API."""
    path, streamed = request.target, bool(body.get("stream"))
    if path.startswith("/model/") or path.endswith("/converse"):
        return bedrock_double.provider(request, body)
    if "enerateContent" in path:
        return gemini_double.provider(request, body)
    if path == "/chat":
        return cohere_double.provider(request, body)
    if path == "/messages":
        return d.stream(*d.ANTHROPIC_STREAM) if streamed else d.answer(d.ANTHROPIC)
    if path.startswith("/endpoints/"):
        return sagemaker(request, body)
    return d.stream(*d.OPENAI_STREAM) if streamed else d.answer(d.OPENAI)


def sagemaker(request: Request, body: dict[str, Any]) -> Reply:
    """A container's stream in frames, cut where no event ends."""
    if not request.target.endswith("-stream"):
        return d.answer(d.OPENAI)
    whole = b"".join(d.OPENAI_STREAM)
    kind = {":message-type": "event", ":event-type": "PayloadPart"}
    pieces = [whole[at : at + 50] for at in range(0, len(whole), 50)]
    frames: list[bytes | float | Exception] = [encode(kind, each) for each in pieces]
    if body["model"] == "broken":
        fault = {":message-type": "exception", ":exception-type": "ModelStreamError"}
        frames = [encode(fault, b'{"Message": "the container is gone"}')]
    return Reply(200, Headers([("Content-Type", MEDIA_TYPE)]), d.Pieces(frames))


BEARER = ("authorization", "Bearer up-key")
PATHS: dict[str, tuple[str, tuple[str, str]]] = {
    "azure": ("/chat/completions", ("api-key", "up-key")),
    "anthropic": ("/messages", ("x-api-key", "up-key")),
    "custom-anthropic": ("/messages", ("x-api-key", "up-key")),
    "gemini": ("/models/m:", ("x-goog-api-key", "up-key")),
    "vertex": ("/models/m:", ("x-goog-api-key", "up-key")),
    "bedrock": ("/model/m/converse", BEARER),
    "cohere": ("/chat", BEARER),
    "sagemaker": ("/endpoints/m/invocations", BEARER),
}
"""Of those that are not as OpenAI is."""
REMOTE = [name for name, vendor in vendors().items() if not vendor.local]


async def test_every_type_has_its_dialogue_whole_and_streamed() -> None:
    text = "".join(
        f"""
[providers.{name}]
type = "{name}"
base_url = "{{origin}}"
api_key = "up-key"
[models.{name}]
targets = [{{ provider = "{name}", model = "m" }}]
"""
        for name in REMOTE
    )
    async with (
        d.gateway(every, f'{text}\n[keys.dev]\nsecret = "sk-dev"') as running,
        AsyncOpenAI(base_url=f"{running.url}/v1", api_key="sk-dev", max_retries=0) as openai,
    ):
        for name in REMOTE:
            del running.double.asked[:]
            chat: Any = openai.chat.completions
            done = await chat.create(model=name, messages=HELLO)
            assert done.choices[0].message.content == "Hello there.", name
            stream = await chat.create(model=name, messages=HELLO, stream=True)
            said = [each.choices[0].delta.content or "" async for each in stream if each.choices]
            assert "".join(said) == "Hello there.", name
            path, (header, value) = PATHS.get(name, ("/chat/completions", BEARER))
            for asked, headers, _ in running.double.asked:
                assert asked.startswith(path), name
                assert headers.get(header) == value, name


async def test_a_sagemaker_endpoint_is_signed_for_and_its_faults_are_told() -> None:
    settings = SETTINGS.replace("{type}", "sagemaker").replace('"up" }', '"web/broken" }')
    settings = settings.replace('"{up}"', '"{origin}"\nregion = "eu-west-1"')
    keys = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s"}
    async with (
        d.gateway(every, settings, keys) as running,
        AsyncOpenAI(base_url=f"{running.url}/v1", api_key="sk-dev", max_retries=0) as openai,
    ):
        with pytest.raises(APIStatusError, match="the container is gone"):
            await openai.chat.completions.create(model="fast", messages=HELLO, stream=True)
        path, headers, body = running.double.asked[0]
        assert (path, body["model"]) == ("/endpoints/web/invocations-response-stream", "broken")
        assert "/eu-west-1/sagemaker/aws4_request" in (headers.get("authorization") or "")


async def test_the_gateways_own_endpoints_are_models(tmp_path: Path) -> None:
    """A container of a user behind an endpoint of this gateway's SageMaker."""

    async def container(request: Request) -> Reply:
        if request.method == "GET":
            return Reply(200, Headers(), b"")
        body = json.loads(await read(request.body, 10**6))
        return d.stream(*d.OPENAI_STREAM) if body.get("stream") else d.answer(d.OPENAI)

    http = HttpClient()
    (tmp_path / "run").mkdir()
    home = {"HOME": str(tmp_path)}
    settings = Settings(data=str(tmp_path))
    found = await build(settings, home, tmp_path / "run", http, MemoryStore(100), owner=True)
    try:
        async with serving(container) as web, serving(found.handle) as listener:
            url = f"http://127.0.0.1:{web.port}"
            await d.beside(_endpoint, port=listener.port, root=found.root, image=url)
            own = SETTINGS.replace("{type}", "endpoints").replace('base_url = "{up}"', "")
            own = own.replace('model = "up"', 'model = "web"')
            async with (
                d.gateway(every, own, endpoints=found.endpoint) as running,
                AsyncOpenAI(base_url=f"{running.url}/v1", api_key="sk-dev") as openai,
            ):
                chat: Any = openai.chat.completions
                done = await chat.create(model="fast", messages=HELLO)
                assert done.choices[0].message.content == "Hello there."
                stream = await chat.create(model="fast", messages=HELLO, stream=True)
                said = [e.choices[0].delta.content or "" async for e in stream if e.choices]
                assert "".join(said) == "Hello there."
                assert [each.provider for each in running.spent] == ["up", "up"]
    finally:
        await found.aclose()
        await http.aclose()


def _endpoint(port: int, root: Credential, image: str) -> None:
    """Made, and in service."""
    client: Any = boto3.client(
        "sagemaker",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id=root.access_key_id,
        aws_secret_access_key=root.secret_access_key,
    )
    with closing(client):
        role = "arn:aws:iam::000000000000:role/sm"
        client.create_model(
            ModelName="web", PrimaryContainer={"Image": image}, ExecutionRoleArn=role
        )
        variant = {"VariantName": "all", "ModelName": "web", "InitialInstanceCount": 1}
        client.create_endpoint_config(
            EndpointConfigName="web",
            ProductionVariants=[{**variant, "InstanceType": "ml.m4.xlarge"}],
        )
        client.create_endpoint(EndpointName="web", EndpointConfigName="web")
        waiter = client.get_waiter("endpoint_in_service")
        waiter.wait(EndpointName="web", WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})


async def test_mistral_calls_its_seed_otherwise_and_is_not_asked_for_usage() -> None:
    body = await asked("mistral", claude=False, seed=7, stream=True)
    assert body == {"model": "up", "messages": HELLO, "random_seed": 7, "stream": True}
