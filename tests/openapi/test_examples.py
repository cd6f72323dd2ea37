"""The documents that `make run` serves read without a word of warning."""

from pathlib import Path

import pytest

from torana.model.rest import Method
from torana.openapi import Document, read

EXAMPLES = Path(__file__).parents[2] / "examples"
DEFINITIONS = ("sentiment.yaml", "proxy.json", "petstore.yaml")


def load(name: str) -> Document:
    return read((EXAMPLES / name).read_text(), name)


def methods(name: str) -> dict[str, Method]:
    return {f"{method.http_method} {method.path}": method for method in load(name).api.methods}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_an_example_reads_without_warnings_under_its_own_id(name: str) -> None:
    document = load(name)
    assert document.warnings == ()
    assert document.api.id == Path(name).stem
    assert document.stage.stage_name == "prod"


def test_sentiment_asks_comprehend_in_both_forms() -> None:
    found = methods("sentiment.yaml")
    assert {name: method.integration.uri.rpartition(":")[2] for name, method in found.items()} == {
        "POST /sentiment": "action/DetectSentiment",
        "POST /keyed/sentiment": "action/DetectSentiment",
        "POST /language": "path//",
        "POST /batch": "action/BatchDetectSentiment",
        "POST /toxicity": "action/DetectToxicContent",
        "GET /health": "",
    }


def test_sentiment_wants_a_key_only_where_it_says_so() -> None:
    found = methods("sentiment.yaml")
    assert [name for name, method in found.items() if method.api_key_required] == [
        "POST /keyed/sentiment"
    ]


def test_sentiment_turns_a_services_refusal_into_400() -> None:
    for method in methods("sentiment.yaml").values():
        if method.integration.type == "AWS":
            patterns = {r.selection_pattern: r.status_code for r in method.integration.responses}
            assert patterns == {"": "200", r"4\d{2}": "400", r"5\d{2}": "500"}
            assert method.request_validator == "body"
            assert "application/json" in method.request_models


def test_the_proxy_goes_where_the_stage_says() -> None:
    document = load("proxy.json")
    assert all("${stageVariables.backend}" in m.integration.uri for m in document.api.methods)
    assert set(document.stage.variables) == {"backend"}


def test_the_pet_store_has_no_backend() -> None:
    assert {method.integration.type for method in methods("petstore.yaml").values()} == {"MOCK"}
