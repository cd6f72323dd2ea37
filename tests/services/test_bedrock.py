"""Bedrock through boto3: the embedded embeddings, and chats that the LLM API answers."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false
# pyright: reportTypedDictNotRequiredAccess=false

import json
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from tests.llm import double as d
from tests.services.running import Clients, services
from tests.services.serving import ROOT, called, client, make_router, parts, serving
from torana.llm.keys import Key
from torana.message import Reply, Request
from torana.services.ports import LanguageModels

E5 = "torana.multilingual-e5-small-v1"
SETTINGS = """
[providers.open]
type = "custom"
base_url = "{up}"
[models.fast]
targets = [{ provider = "open", model = "up" }]
[models."vendor.fast-v1:0"]
targets = [{ provider = "open", model = "up" }]
[keys.dev]
secret = "sk-dev"
"""
HELLO: Any = [{"role": "user", "content": [{"text": "Say hello"}]}]


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Generator[Clients]:
    with services(tmp_path_factory.mktemp("bedrock")) as found:
        yield found


def embedded(runtime: Any, **body: Any) -> dict[str, Any]:
    answer = runtime.invoke_model(modelId=E5, body=json.dumps(body))
    assert answer["contentType"] == "application/json"
    return json.loads(answer["body"].read())


def likeness(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_texts_are_embedded_so_that_like_ones_lie_near(clients: Clients) -> None:
    runtime = clients("bedrock-runtime")
    answer = embedded(runtime, inputText="Where is the nearest station?")
    assert answer["inputTextTokenCount"] > 5
    asked = answer["embedding"]
    assert likeness(asked, asked) == pytest.approx(1, abs=0.01)
    texts = ["The station is around the corner.", "Butter and flour make a dough."]
    near, far = embedded(runtime, texts=texts, input_type="search_document")["embeddings"]
    assert likeness(asked, near) > likeness(asked, far) + 0.03


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"inputText": ""}, "is required"),
        ({"inputText": "x", "dimensions": 512}, "384 dimensions"),
        ({"inputText": "x", "speed": 3}, "speed"),
        ({"texts": ["x"], "embedding_types": ["int8"]}, "int8"),
    ],
)
def test_what_the_embeddings_cannot_do_is_refused(
    clients: Clients, body: dict[str, Any], words: str
) -> None:
    with pytest.raises(ClientError, match=words) as failure:
        embedded(clients("bedrock-runtime"), **body)
    assert failure.value.response["Error"]["Code"] == "ValidationException"


def test_only_models_that_are_here_are_listed_and_asked(clients: Clients) -> None:
    bedrock, runtime = clients("bedrock"), clients("bedrock-runtime")
    listed = bedrock.list_foundation_models()["modelSummaries"]
    assert [(each["modelId"], each["outputModalities"]) for each in listed] == [(E5, ["EMBEDDING"])]
    assert bedrock.list_foundation_models(byOutputModality="TEXT")["modelSummaries"] == []
    found = bedrock.get_foundation_model(modelIdentifier=E5)["modelDetails"]
    assert found["responseStreamingSupported"] is False
    with pytest.raises(bedrock.exceptions.ResourceNotFoundException):
        bedrock.get_foundation_model(modelIdentifier="amazon.titan-text-express-v1")
    for operation in (runtime.converse, runtime.converse_stream):
        with pytest.raises(ClientError, match="model identifier is invalid"):
            operation(modelId="amazon.titan-text-express-v1", messages=HELLO)
        with pytest.raises(ClientError, match="only makes embeddings"):
            operation(modelId=E5, messages=HELLO)


def provider(request: Request, body: dict[str, Any]) -> Reply:
    assert body["model"] == "up"
    return d.stream(*d.OPENAI_STREAM) if body.get("stream") else d.answer(d.OPENAI)


@asynccontextmanager
async def before(script: d.Script = provider) -> AsyncGenerator[tuple[Any, Any, d.Running]]:
    """Clients of the management listener, with the LLM API behind it."""
    async with d.gateway(script, SETTINGS) as running:

        async def ask(request: Request, who: str) -> Reply:
            return await running.api(request, Key(who, frozenset()))

        chat = LanguageModels(lambda: list(running.api.plan.models), ask)
        router = make_router(of=msgspec.structs.replace(parts(), chat=chat))
        async with serving(router.handle) as listener:
            port = listener.port
            yield client("bedrock-runtime", port), client("bedrock", port), running


async def test_models_of_the_llm_api_converse_in_the_callers_name() -> None:
    async with before() as (runtime, bedrock, running):
        listed = await called(bedrock.list_foundation_models, byOutputModality="TEXT")
        names = [each["modelId"] for each in listed["modelSummaries"]]
        assert names == ["fast", "vendor.fast-v1:0"]
        answer = await called(runtime.converse, modelId=names[1], messages=HELLO)
        assert answer["output"]["message"]["content"][0]["text"] == text_of(d.OPENAI)
        assert running.spent[0].key == ROOT.principal.arn
        streamed = await called(runtime.converse_stream, modelId="fast", messages=HELLO)
        events = await called(lambda: list(streamed["stream"]))
        assert "messageStop" in events[-2]


def text_of(answer: dict[str, Any]) -> str:
    return answer["choices"][0]["message"]["content"]


CLAUDES = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 99,
    "messages": [{"role": "user", "content": "Say hello"}],
}


async def test_models_are_invoked_in_anthropics_form_or_openais() -> None:
    async with before() as (runtime, _, running):
        answer = await called(runtime.invoke_model, modelId="fast", body=json.dumps(CLAUDES))
        said = json.loads(answer["body"].read())
        assert (said["type"], said["role"]) == ("message", "assistant")
        assert said["content"][0]["text"] == text_of(d.OPENAI)
        body = {"messages": [{"role": "user", "content": "Say hello"}]}
        answer = await called(runtime.invoke_model, modelId="fast", body=json.dumps(body))
        assert text_of(json.loads(answer["body"].read())) == text_of(d.OPENAI)
        streamed = await called(
            runtime.invoke_model_with_response_stream, modelId="fast", body=json.dumps(CLAUDES)
        )
        events = await called(lambda: list(streamed["body"]))
        kinds = [json.loads(each["chunk"]["bytes"])["type"] for each in events]
        assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
        with pytest.raises(ClientError, match="must have messages"):
            await called(runtime.invoke_model, modelId="fast", body='{"prompt": "x"}')
        assert len(running.double.asked) == 3


async def test_a_providers_refusal_is_the_services_error() -> None:
    def refusing(request: Request, body: dict[str, Any]) -> Reply:
        return d.answer({"error": {"message": "too warm", "type": "invalid_request_error"}}, 400)

    async with before(refusing) as (runtime, _, _):
        with pytest.raises(ClientError, match="too warm") as failure:
            await called(runtime.invoke_model, modelId="fast", body=json.dumps(CLAUDES))
        assert failure.value.response["Error"]["Code"] == "ValidationException"
