"""What policies would say: simulation, without doing anything.

Source: IAM API Reference, "SimulateCustomPolicy", "SimulatePrincipalPolicy".
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from torana.auth.grants import BOUNDARY, Grants, decide
from torana.auth.policy import ANYONE, Caller, MalformedPolicy, Policy, Question, evaluate, parse
from torana.services.iam.directory import Directory
from torana.services.iam.names import GROUP, USER, Json, invalid, no, page
from torana.services.ports import Call

Named = Sequence[tuple[str, str, str, Policy]]
"""Policies by id and type, with their text."""
_KEY = re.compile(r"[\w-]+:[\w./-]+")


class Simulation:
    """The operations."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def SimulateCustomPolicy(self, call: Call, params: Json) -> Json:
        named = _inputs(params["PolicyInputList"], "PolicyInputList")
        return self._simulate(params, named, Grants(), ANYONE)

    async def SimulatePrincipalPolicy(self, call: Call, params: Json) -> Json:
        source = params["PolicySourceArn"]
        named, grants, caller = self._source(source)
        named = [*named, *_inputs(params.get("PolicyInputList") or [], "PolicyInputList")]
        if params.get("CallerArn"):
            caller = Caller((params["CallerArn"],), caller.account)
        return self._simulate(params, named, grants, caller)

    def _source(self, place: str) -> tuple[Named, Grants, Caller]:
        kind, _, path = place.partition(":iam::")[2].partition(":")[2].partition("/")
        name = path.rpartition("/")[2]
        documents = self._directory.policies_of(kind, name)
        if documents is None:
            raise no({"user": USER, "group": GROUP}.get(kind, "iam-role"), name)
        named = [
            (id, said, text, policy)
            for id, said, text in documents
            if (policy := self._directory.compiled(text)) is not None
        ]
        known = self._directory.user(name) if kind == "user" else self._directory.role(name)
        grants = Grants() if known is None or kind == "group" else known.grants
        return named, grants, Caller((place,), place.split(":")[4])

    def _simulate(self, params: Json, named: Named, grants: Grants, caller: Caller) -> Json:
        bounds = params.get("PermissionsBoundaryPolicyInputList")
        boundary = grants.boundary
        if bounds:
            inputs = _inputs(bounds, "PermissionsBoundaryPolicyInputList")
            boundary = tuple(policy for _, _, _, policy in inputs)
        given = _context(params.get("ContextEntries") or [])
        context = {**grants.facts, **given}
        grants = Grants(tuple(policy for _, _, _, policy in named), boundary)
        resource: tuple[Policy, ...] = ()
        if params.get("ResourcePolicy"):
            try:
                resource = (parse(params["ResourcePolicy"], "resource"),)
            except MalformedPolicy as error:
                raise invalid(f"Invalid resource policy: {error}") from None
        wanted = sorted({key for each in named for key in context_keys(each[2])})
        results: list[Json] = []
        for action in params["ActionNames"]:
            if ":" not in action:
                raise invalid(f"Invalid Entity Action: {action}")
            for place in params.get("ResourceArns") or ["*"]:
                question = Question(action, place, caller, context)
                result = _evaluated(grants, question, resource, named)
                result["MissingContextValues"] = [
                    key for key in wanted if key.lower() not in context
                ]
                results.append({**result, "Key": f"{len(results):06d}"})
        return page(results, params, "EvaluationResults", "Key")

    async def GetContextKeysForCustomPolicy(self, call: Call, params: Json) -> Json:
        texts = params["PolicyInputList"]
        _inputs(texts, "PolicyInputList")
        return {"ContextKeyNames": sorted({key for text in texts for key in context_keys(text)})}

    async def GetContextKeysForPrincipalPolicy(self, call: Call, params: Json) -> Json:
        named, _, _ = self._source(params["PolicySourceArn"])
        texts = [*(text for _, _, text, _ in named), *(params.get("PolicyInputList") or ())]
        return {"ContextKeyNames": sorted({key for text in texts for key in context_keys(text)})}


def _evaluated(
    grants: Grants, question: Question, resource: tuple[Policy, ...], named: Named
) -> Json:
    verdict = decide(grants, question, resource)
    decision = "allowed" if verdict.allowed else "implicitDeny"
    if verdict.explicit:
        decision = "explicitDeny"
    effect = "deny" if verdict.explicit else "allow"
    result: Json = {
        "EvalActionName": question.action,
        "EvalResourceName": question.resource,
        "EvalDecision": decision,
        "MatchedStatements": [
            {"SourcePolicyId": id, "SourcePolicyType": said}
            for id, said, _, policy in named
            if evaluate([policy], question).effect == effect
        ],
    }
    if grants.boundary is not None:
        within = evaluate(grants.boundary, question).allowed
        result["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": within}
        if verdict.kind == BOUNDARY and not within:
            result["MatchedStatements"] = []
    return result


def _inputs(texts: list[str], member: str) -> Named:
    found: list[tuple[str, str, str, Policy]] = []
    for number, text in enumerate(texts, 1):
        try:
            policy = parse(text)
        except MalformedPolicy as error:
            raise invalid(f"Invalid policy in {member}: {error}") from None
        found.append((f"PolicyInputList.{number}", "IAM Policy", text, policy))
    return found


def _context(entries: list[Json]) -> dict[str, str | tuple[str, ...]]:
    found: dict[str, str | tuple[str, ...]] = {}
    for entry in entries:
        values: list[str] = entry.get("ContextKeyValues") or []
        several = str(entry.get("ContextKeyType", "")).endswith("List")
        key = str(entry.get("ContextKeyName", "")).lower()
        found[key] = tuple(values) if several else "".join(values[:1])
    return found


def context_keys(document: str) -> set[str]:
    """The condition keys that a policy speaks of, in conditions and in variables."""
    found: set[str] = set(re.findall(r"\$\{([\w-]+:[\w./-]+)", document))
    policy: Any = msgspec.json.decode(document)
    statements = policy.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:  # pyright: ignore[reportUnknownVariableType]
        for keys in statement.get("Condition", {}).values():  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
            found.update(key for key in keys if _KEY.fullmatch(key))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return found
