"""Whole stories of the control plane, told in `cases/*.yaml`: what is asked, what comes back.

A step is `do` (the operation), `with` (its params), `as` (a name for the answer), and one of
`gives` (the whole answer), `has` (some members of it) and `fails` (code and message). `$api.id` is
a member of an answer before. `${any}` stands for any value. Source of the answers: the real
service.
"""

# What YAML holds has no types.
# pyright: basic

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from tests.services.apigateway.making import Asking, gateway, told

CASES = {
    path.stem: yaml.safe_load(path.read_text())
    for path in sorted((Path(__file__).parent / "cases").glob("*.yaml"))
}
_NAME = re.compile(r"\$([a-z]\w*)\.(\w+)")


def filled(value: Any, known: dict[str, Any]) -> Any:
    """The value with what `$name.member` stands for."""
    if isinstance(value, dict):
        return {filled(key, known): filled(each, known) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, known) for each in value]
    if isinstance(value, str):
        return _NAME.sub(
            lambda found: str(known[found[1]][found[2]]) if found[1] in known else found[0], value
        )
    return value


def same(wanted: Any, found: Any) -> bool:
    """Whether they are equal where `${any}` is equal to everything."""
    if wanted == "${any}":
        return True
    if isinstance(wanted, dict) and isinstance(found, dict):
        return wanted.keys() == found.keys() and all(same(wanted[k], found[k]) for k in wanted)
    if isinstance(wanted, list) and isinstance(found, list):
        return len(wanted) == len(found) and all(map(same, wanted, found))
    return bool(wanted == found)


def unset(text: str) -> str:
    """A message without the order of its sets and sentences, which is nobody's promise."""
    start, _, rest = text.partition("detected: ")
    ordered = "; ".join(sorted(rest.split("; ")))
    return re.sub(r"set: \[([^\]]*)\]", lambda m: str(sorted(m[1].split(", "))), start + ordered)


def mistake(step: dict[str, Any], answer: Any, error: tuple[str, str] | None) -> str:
    """How what happened differs from what the step says; empty: it does not."""
    if "fails" in step:
        code, text = step["fails"]
        if error is None:
            return f"was accepted: {answer}"
        fits = code == error[0] and same(unset(text), unset(error[1]))
        return "" if fits else f"failed: {error}"
    if error is not None:
        return f"failed: {error}"
    if "gives" in step and not same(step["gives"], answer):
        return f"gave {answer}"
    wrong = {k: answer.get(k) for k, v in step.get("has", {}).items() if not same(v, answer.get(k))}
    return f"gave {wrong}" if wrong else ""


async def play(ask: Asking, steps: list[dict[str, Any]]) -> list[str]:
    known: dict[str, Any] = {}
    wrong: list[str] = []
    for number, raw in enumerate(steps, 1):
        step = filled(raw, known)
        answer: Any = None
        error: tuple[str, str] | None = None
        try:
            answer = await getattr(ask, step["do"])(**step.get("with", {}))
        except ClientError as caught:
            error = told(caught)
        found = mistake(step, answer, error)
        if found:
            wrong.append(f"step {number}: {step['do']} {step.get('with', {})}\n  {found}")
        if "as" in step:
            assert answer is not None, f"step {number}: {error}"
            known[step["as"]] = answer
    return wrong


@pytest.mark.parametrize("about", CASES)
async def test_a_story_goes_as_it_is_told(about: str, tmp_path: Path) -> None:
    wrong: list[str] = []
    async with gateway(tmp_path) as running:
        ask = Asking(running.client(validate=False))
        for name, steps in CASES[about].items():
            wrong += [f"{name}, {each}" for each in await play(ask, steps)]
    assert not wrong, "\n".join(wrong)
