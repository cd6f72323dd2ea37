"""Bedrock's prompt management through boto3."""

from collections.abc import Generator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.services.apigateway.making import told
from tests.services.running import services


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Generator[Any]:
    with services(tmp_path_factory.mktemp("prompts")) as clients:
        yield clients("bedrock-agent")


def chat(**more: Any) -> dict[str, Any]:
    return {
        "name": "main",
        "templateType": "CHAT",
        "modelId": "fast",
        "templateConfiguration": {
            "chat": {
                "system": [{"text": "Be kind."}],
                "messages": [{"role": "user", "content": [{"text": "Hello {{name}}"}]}],
            }
        },
        **more,
    }


def refused(operation: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as failure:
        operation(**params)
    return told(failure.value)


def test_a_draft_changes_and_its_versions_do_not(agent: Any) -> None:
    made = agent.create_prompt(name="hello", variants=[chat()], defaultVariant="main")
    assert (made["version"], made["name"]) == ("DRAFT", "hello")
    assert made["arn"].endswith(f":prompt/{made['id']}")
    first = agent.create_prompt_version(promptIdentifier=made["id"], description="First")
    assert (first["version"], first["arn"]) == ("1", f"{made['arn']}:1")
    other = chat(inferenceConfiguration={"text": {"maxTokens": 7}})
    agent.update_prompt(
        promptIdentifier=made["arn"], name="hallo", variants=[other], defaultVariant="main"
    )
    assert agent.create_prompt_version(promptIdentifier=made["id"])["version"] == "2"
    old = agent.get_prompt(promptIdentifier=made["id"], promptVersion="1")
    assert (old["name"], old["description"], old["variants"]) == ("hello", "First", [chat()])
    new = agent.get_prompt(promptIdentifier=made["id"])
    assert (new["name"], new["version"], new["variants"]) == ("hallo", "DRAFT", [other])
    listed = agent.list_prompts(promptIdentifier=made["id"])["promptSummaries"]
    assert [each["version"] for each in listed] == ["DRAFT", "1", "2"]
    agent.delete_prompt(promptIdentifier=made["id"], promptVersion="1")
    code, _ = refused(agent.get_prompt, promptIdentifier=made["id"], promptVersion="1")
    assert code == "ResourceNotFoundException"
    agent.delete_prompt(promptIdentifier=made["id"])
    assert refused(agent.get_prompt, promptIdentifier=made["id"])[0] == "ResourceNotFoundException"
    agent.delete_prompt(promptIdentifier=agent.create_prompt(name="hallo")["id"])


def test_lists_come_in_pages_and_names_are_taken_once(agent: Any) -> None:
    ids = [agent.create_prompt(name=f"p{at}")["id"] for at in range(3)]
    pages = agent.get_paginator("list_prompts").paginate(PaginationConfig={"PageSize": 2})
    assert {each["id"] for page in pages for each in page["promptSummaries"]} == set(ids)
    assert refused(agent.create_prompt, name="p0")[0] == "ConflictException"
    for id in ids:
        agent.delete_prompt(promptIdentifier=id)


def test_prompts_have_tags(agent: Any) -> None:
    made = agent.create_prompt(name="tagged", tags={"a": "1"})
    agent.tag_resource(resourceArn=made["arn"], tags={"b": "2"})
    agent.untag_resource(resourceArn=made["arn"], tagKeys=["a"])
    assert agent.list_tags_for_resource(resourceArn=made["arn"])["tags"] == {"b": "2"}
    agent.delete_prompt(promptIdentifier=made["id"])


@pytest.mark.parametrize(
    ("variant", "why"),
    [
        (chat(additionalModelRequestFields={"top_k": 5}), "additionalModelRequestFields.top_k"),
        (chat(additionalModelRequestFields={"outputSchema": {"type": 5}}), "no JSON Schema"),
        (chat(templateType="TEXT"), "templateConfiguration needs text"),
        (
            chat(
                genAiResource={
                    "agent": {
                        "agentIdentifier": "arn:aws:bedrock:us-east-1:"
                        "123456789012:agent-alias/AAAAAAAAAA/BBBBBBBBBB"
                    }
                }
            ),
            "genAiResource",
        ),
    ],
)
def test_what_a_prompt_here_cannot_have_is_refused(
    agent: Any, variant: dict[str, Any], why: str
) -> None:
    code, message = refused(
        agent.create_prompt, name="x", variants=[variant], defaultVariant="main"
    )
    assert code == "ValidationException"
    assert why in message


def test_a_version_needs_a_model_and_a_variant(agent: Any) -> None:
    made = agent.create_prompt(name="bare")
    code, message = refused(agent.create_prompt_version, promptIdentifier=made["id"])
    assert (code, "no variants" in message) == ("ValidationException", True)
    nameless = chat()
    del nameless["modelId"]
    agent.update_prompt(promptIdentifier=made["id"], name="bare", variants=[nameless])
    assert "modelId" in refused(agent.create_prompt_version, promptIdentifier=made["id"])[1]
    agent.delete_prompt(promptIdentifier=made["id"])
