"""The conformance cases of `cases/*.yaml`, each with its rule and source.

Every expected text but those of `input.yaml` was compared with Apache Velocity 1.7 and json-path
2.10 themselves.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.vtl.rendering import render
from torana.vtl import TemplateFailure, json_path
from torana.vtl.budget import Budget
from torana.vtl.jsonpath import MISSING, path

_FOLDER = Path(__file__).parent / "cases"
_TEMPLATES = sorted(file.stem for file in _FOLDER.glob("*.yaml") if file.stem != "jsonpath")


def _read(topic: str) -> dict[str, Any]:
    return yaml.safe_load((_FOLDER / f"{topic}.yaml").read_text("utf-8"))


def _cases() -> list[Any]:
    return [
        pytest.param(case, id=f"{topic}: {case['rule']}")
        for topic in _TEMPLATES
        for case in _read(topic)["cases"]
    ]


@pytest.mark.parametrize("case", _cases())
def test_a_template_renders_as_velocity_does(case: dict[str, Any]) -> None:
    assert render(case["template"], case.get("body", "{}").encode()) == case["expect"]


_PATHS = _read("jsonpath")
_DOCUMENT = json.loads(_PATHS["document"])


@pytest.mark.parametrize("case", _PATHS["cases"], ids=lambda case: case["path"])
def test_a_path_finds_what_jayway_finds(case: dict[str, Any]) -> None:
    if case.get("refused"):
        with pytest.raises(TemplateFailure):
            path(case["path"])(_DOCUMENT, Budget())
        return
    found = path(case["path"])(_DOCUMENT, Budget())
    if case.get("missing"):
        assert found is MISSING
    else:
        assert found == json.loads(case["finds"])


def test_a_path_over_bytes_answers_none_where_nothing_is() -> None:
    assert json_path("$.none")(b'{"a": 1}') is None
