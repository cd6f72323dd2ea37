"""Versions of a prompt side by side: the same cases put to each, what came out, how good it is, how
fast, and for how much."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from torana.app.llm_prompts import Prompts
from torana.llm.errors import LlmError
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
        room = asyncio.Semaphore(_AT_ONCE)
        rows = await asyncio.gather(
            *(
                asyncio.gather(*(self._try(prompt, case, judge, room) for prompt in prompts))
                for case in asked.cases
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
        self, prompt: Prompt, case: Case, judge: Prompt | None, room: asyncio.Semaphore
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
            if case.expected is not msgspec.UNSET:
                outcome.matched = ran.value == case.expected
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
