"""Documents and what must come of them, as data: the model's fields, or mistakes with lines."""

from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
import yaml

from torana.openapi import Document, InvalidDocument, Mistake, read


class Case(msgspec.Struct, forbid_unknown_fields=True):
    """`mistakes` and `warnings` are whole lists of `LINE RULE`, with `: part of the message`."""

    name: str
    document: str
    file: str = "api.yaml"
    basepath: Any = "ignore"
    api: dict[str, Any] | None = None
    """Fields that the API must have, by the service's names; methods by `VERB /path`."""
    stage: dict[str, Any] | None = None
    mistakes: list[str] = []
    warnings: list[str] = []


def _load() -> list[Any]:
    params: list[Any] = []
    for file in sorted((Path(__file__).parent / "cases").glob("*.yaml")):
        for case in msgspec.convert(yaml.safe_load(file.read_text()), list[Case]):
            params.append(pytest.param(case, id=f"{file.stem}: {case.name}"))
    return params


@pytest.mark.parametrize("case", _load())
def test_a_document_reads_as_the_case_says(case: Case) -> None:
    document, mistakes = _read(case)
    _agree(case.mistakes, mistakes)
    if document is not None:
        _agree(case.warnings, document.warnings)
        _contains(_api(document), case.api or {}, "api")
        _contains(
            msgspec.json.decode(msgspec.json.encode(document.stage)), case.stage or {}, "stage"
        )
    else:
        assert case.mistakes, "\n".join(str(mistake) for mistake in mistakes)


def _wicked(source: str) -> str | None:
    return "a wicked template" if "wicked" in source else None


def _read(case: Case) -> tuple[Document | None, tuple[Mistake, ...]]:
    basepath = case.basepath
    try:
        return read(case.document, case.file, check_template=_wicked, basepath=basepath), ()
    except InvalidDocument as error:
        return None, error.mistakes


def _agree(wanted: list[str], found: tuple[Mistake, ...]) -> None:
    """The same lines and rules in the same order, and the words that a case names."""
    heads = [f"{mistake.line} {mistake.rule}" for mistake in found]
    assert heads == [line.partition(":")[0] for line in wanted], "\n".join(map(str, found))
    for line, mistake in zip(wanted, found, strict=True):
        assert line.partition(":")[2].strip() in str(mistake)


def _api(document: Document) -> dict[str, Any]:
    api = msgspec.json.decode(msgspec.json.encode(document.api), type=dict[str, Any])
    api["methods"] = {f"{m['httpMethod']} {m['path']}": m for m in api["methods"]}
    return api


def _contains(whole: Any, part: Any, where: str) -> None:
    """Everything a case names is there; lists and leaves are equal."""
    if not isinstance(part, dict):
        assert whole == part, where
        return
    assert isinstance(whole, dict), where
    for key, inner in cast(dict[str, Any], part).items():
        assert key in whole, f"{where}.{key} is not there"
        _contains(whole[key], inner, f"{where}.{key}")
