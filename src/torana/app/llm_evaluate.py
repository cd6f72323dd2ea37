"""Versions of a prompt side by side: the same cases put to each, what came out, how good it is, how
fast, and for how much."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from torana.app.llm_prompts import Prompts
from torana.llm.detectors import by_pattern
from torana.llm.errors import LlmError
from torana.llm.output import checker
from torana.llm.prompted import Ran, run
from torana.llm.prompts import Prompt
from torana.llm.serve import Llm as Api
from torana.llm.spend import Spent
from torana.message import Headers

_MOST_CASES, _MOST_VERSIONS, _AT_ONCE = 100, 8, 8
_FRESH = Headers([("Cache-Control", "no-cache")])


class Case(Struct, frozen=True, forbid_unknown_fields=True):
    """What is put to every version."""

    variables: dict[str, Any]
    expected: Any = msgspec.UNSET
    """What should come out, exactly."""
    pattern: str = ""
    """A regular expression (RE2) that should match in what comes out."""
    schema: dict[str, Any] | None = None
    """The JSON Schema that it should be of."""


class Judge(Struct, frozen=True, forbid_unknown_fields=True):
    """A prompt that rates answers: its variables are `input`, `answer` and, if it has it,
    `expected`; its output has a number `score`."""

    prompt: str
    version: str


class Evaluation(Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked for."""

    versions: tuple[str, ...]
    cases: tuple[Case, ...]
    judge: Judge | None = None
    pattern: str = ""
    """Of cases that have none of their own."""
    schema: dict[str, Any] | None = None


Checks = dict[str, Callable[[Any], bool]]
"""Whether an answer is what it should be, by what says so."""


class BadEvaluation(Exception):
    """It cannot be done; says why."""


class Outcome(Struct, omit_defaults=True):
    """What a version made of a case."""

    answer: Any = None
    error: str = ""
    valid: bool = True
    """It is of the prompt's output schema."""
    repairs: int = 0
    matched: bool | None = None
    """It is all that it should be; None: nothing was said of that."""
    checks: dict[str, bool] = {}
    """By `expected`, `pattern` and `schema`."""
    score: float | None = None
    seconds: float = 0.0
    input: int = 0
    output: int = 0
    usd: float = 0.0


class Bench:
    """Evaluates."""

    def __init__(self, api: Api, prompts: Prompts) -> None:
        self._api, self._prompts = api, prompts

    def listed(self) -> list[dict[str, Any]]:
        """Every prompt that can be called."""
        seen = {id(each): each for each in self._prompts.shelf.values()}
        return [
            {
                "name": each.name,
                "version": each.version,
                "model": each.given.model,
                "variables": sorted(each.variables),
                "output": each.given.output,
            }
            for each in sorted(seen.values(), key=lambda each: (each.name, each.version))
        ]

    async def evaluate(self, name: str, asked: Evaluation) -> dict[str, Any]:
        """Sums by version, and every case's outcomes. Raises `BadEvaluation`."""
        prompts = [self._find(name, version) for version in asked.versions]
        judge = self._find(asked.judge.prompt, asked.judge.version) if asked.judge else None
        if not 1 <= len(prompts) <= _MOST_VERSIONS or not 1 <= len(asked.cases) <= _MOST_CASES:
            raise BadEvaluation(f"versions: 1 to {_MOST_VERSIONS}; cases: 1 to {_MOST_CASES}")
        checks = [_checks(case, asked) for case in asked.cases]
        room = asyncio.Semaphore(_AT_ONCE)
        rows = await asyncio.gather(
            *(
                asyncio.gather(*(self._try(each, case, check, judge, room) for each in prompts))
                for case, check in zip(asked.cases, checks, strict=True)
            )
        )
        return {
            "prompt": name,
            "versions": {
                version: _sums([row[at] for row in rows])
                for at, version in enumerate(asked.versions)
            },
            "cases": [
                {
                    "variables": case.variables,
                    "outcomes": dict(zip(asked.versions, row, strict=True)),
                }
                for case, row in zip(asked.cases, rows, strict=True)
            ],
        }

    def _find(self, name: str, version: str) -> Prompt:
        found = self._prompts.shelf.get((name, version))
        if found is None:
            raise BadEvaluation(f"there is no prompt {name}/{version}")
        return found

    async def _try(
        self,
        prompt: Prompt,
        case: Case,
        checks: Checks,
        judge: Prompt | None,
        room: asyncio.Semaphore,
    ) -> Outcome:
        spent = list[Spent]()
        async with room:
            started = time.monotonic()
            try:
                ran = await run(self._api, prompt, case.variables, _FRESH, spent.append)
            except LlmError as error:
                return Outcome(error=error.message, valid=False)
            outcome = Outcome(ran.value, ran.wrong, not ran.wrong, ran.repairs)
            outcome.seconds = round(time.monotonic() - started, 4)
            outcome.input = sum(each.input for each in spent)
            outcome.output = sum(each.output for each in spent)
            outcome.usd = sum(each.usd or 0.0 for each in spent)
            if checks:
                outcome.checks = {name: check(ran.value) for name, check in checks.items()}
                outcome.matched = all(outcome.checks.values())
            if judge is not None and outcome.valid:
                outcome.score, outcome.error = await self._judge(judge, case, ran)
            return outcome

    async def _judge(self, judge: Prompt, case: Case, ran: Ran) -> tuple[float | None, str]:
        given: dict[str, Any] = {"input": case.variables, "answer": ran.value}
        if "expected" in judge.variables:
            given["expected"] = None if case.expected is msgspec.UNSET else case.expected
        try:
            rated = await run(self._api, judge, given, _FRESH)
            return float(rated.value["score"]), ""
        except LlmError as error:
            return None, f"the judge: {error.message}"
        except (KeyError, TypeError, ValueError):
            return None, "the judge gave no score"


def _checks(case: Case, asked: Evaluation) -> Checks:
    """Raises `BadEvaluation`."""
    found: Checks = {}
    pattern = case.pattern or asked.pattern
    schema = asked.schema if case.schema is None else case.schema
    if case.expected is not msgspec.UNSET:
        found["expected"] = lambda value: value == case.expected
    try:
        if pattern:
            finds = by_pattern(pattern, "")
            found["pattern"] = lambda value: any(finds(_text(value)))
        if schema is not None:
            wrong = checker(schema)
            found["schema"] = lambda value: not wrong(_told(value))
    except ValueError as error:
        raise BadEvaluation(str(error)) from error
    return found


def _told(value: Any) -> Any:
    """Also what a prompt without a schema said, as JSON where it is some."""
    text = _text(value)
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _text(value: Any) -> str:
    match value:
        case {"output": str() as text, **rest} if not rest:
            return text
        case _:
            return msgspec.json.encode(value).decode()


def _sums(found: Sequence[Outcome]) -> dict[str, Any]:
    answered = [each for each in found if not (each.error and not each.valid and not each.seconds)]
    seconds = sorted(each.seconds for each in answered)
    matched = [each.matched for each in found if each.matched is not None]
    scores = [each.score for each in found if each.score is not None]
    return {
        "cases": len(found),
        "failed": len(found) - len(answered),
        "valid": sum(each.valid for each in found) / len(found),
        "repairs": sum(each.repairs for each in found),
        "checks": _shares([each.checks for each in found]),
        "matched": sum(matched) / len(matched) if matched else None,
        "score": sum(scores) / len(scores) if scores else None,
        "seconds": {
            "median": seconds[len(seconds) // 2] if seconds else None,
            "most": seconds[-1] if seconds else None,
        },
        "input": sum(each.input for each in found),
        "output": sum(each.output for each in found),
        "usd": round(sum(each.usd for each in found), 9),
    }


def _shares(checks: Sequence[dict[str, bool]]) -> dict[str, float]:
    """Of answers that passed, by check."""
    names = sorted({name for each in checks for name in each})
    said = {name: [each[name] for each in checks if name in each] for name in names}
    return {name: sum(each) / len(each) for name, each in said.items()}
