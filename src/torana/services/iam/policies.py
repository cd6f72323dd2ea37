"""Managed policies and their versions.

Source: IAM API Reference.
"""

from collections.abc import AsyncIterator
from time import time

from torana.services.apigateway.book import Sheet
from torana.services.iam.documents import checked, small
from torana.services.iam.managed import MANAGED
from torana.services.iam.names import (
    GROUP,
    POLICY,
    ROLE,
    USER,
    Json,
    arn,
    encoded,
    exists,
    in_use,
    missing,
    moment,
    page,
)
from torana.services.iam.shelf import Shelf, extras, find_policy, keep, made
from torana.services.ports import Call
from torana.wire.faults import ServiceError

_SIZE, _VERSIONS = 6144, 5


class Policies:
    """The operations."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def CreatePolicy(self, call: Call, params: Json) -> Json:
        name = params["PolicyName"]
        document = _document(params)

        async def work(sheet: Sheet) -> Json:
            if await sheet.get(POLICY, name.lower()) is not None:
                raise exists(
                    f"A policy called {name} already exists. Duplicate names are not allowed."
                )
            policy = made(POLICY, name, params.get("Path"), params.get("Tags"))
            policy["Description"] = params.get("Description") or ""
            policy["Updated"] = policy["Created"]
            policy["Versions"] = {"v1": {"Document": document, "Created": policy["Created"]}}
            policy["Default"], policy["Last"] = "v1", 1
            keep(sheet, POLICY, policy)
            return {"Policy": shown_policy(call, policy, 0, 0)}

        return await self._shelf.edit(call, work)

    async def GetPolicy(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            policy = await find_policy(sheet, call, params["PolicyArn"])
            uses, bounds = await counted(sheet, params["PolicyArn"])
            shown = shown_policy(call, policy, uses, bounds)
            if policy["Description"]:
                shown["Description"] = policy["Description"]
            return {"Policy": shown}

        return await self._shelf.read(work)

    async def ListPolicies(self, call: Call, params: Json) -> Json:
        scope, prefix = params.get("Scope") or "All", params.get("PathPrefix") or "/"

        async def work(sheet: Sheet) -> Json:
            uses, bounds = await _all_counted(sheet)
            found: list[Json] = []
            async for policy in _all(sheet, scope):
                place = policy_arn(call, policy)
                attached, bounding = uses.get(place, 0), bounds.get(place, 0)
                if not policy["Path"].startswith(prefix):
                    continue
                if params.get("OnlyAttached") and not attached:
                    continue
                if params.get("PolicyUsageFilter") == "PermissionsBoundary" and not bounding:
                    continue
                found.append(shown_policy(call, policy, attached, bounding, brief=True))
            return page(found, params, "Policies", "Arn")

        return await self._shelf.read(work)

    async def DeletePolicy(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            policy = await own_policy(sheet, call, params)
            if any(await counted(sheet, params["PolicyArn"])):
                raise in_use("Cannot delete a policy attached to entities.")
            if len(policy["Versions"]) > 1:
                raise in_use(
                    "This policy has more than one version. Before you delete a policy, you must "
                    "delete the policy's versions. The default version is deleted with the policy."
                )
            sheet.delete(POLICY, policy["Name"].lower())
            return {}

        return await self._shelf.edit(call, work)

    async def CreatePolicyVersion(self, call: Call, params: Json) -> Json:
        document = _document(params)

        async def work(sheet: Sheet) -> Json:
            policy = await own_policy(sheet, call, params)
            if len(policy["Versions"]) >= _VERSIONS:
                raise ServiceError(
                    "LimitExceeded",
                    f"A managed policy can have up to {_VERSIONS} versions. Before you create a "
                    "new version, you must delete an existing version.",
                    status=409,
                )
            policy["Last"] += 1
            id = f"v{policy['Last']}"
            policy["Versions"][id] = {"Document": document, "Created": time()}
            if params.get("SetAsDefault"):
                policy["Default"] = id
            policy["Updated"] = time()
            keep(sheet, POLICY, policy)
            return {"PolicyVersion": _shown_version(policy, id)}

        return await self._shelf.edit(call, work)

    async def GetPolicyVersion(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            policy = await find_policy(sheet, call, params["PolicyArn"])
            id = _version(policy, params)
            return {"PolicyVersion": _shown_version(policy, id, whole=True)}

        return await self._shelf.read(work)

    async def ListPolicyVersions(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            policy = await find_policy(sheet, call, params["PolicyArn"])
            found = [_shown_version(policy, id) for id in policy["Versions"]]
            return page(found, params, "Versions", "VersionId")

        return await self._shelf.read(work)

    async def SetDefaultPolicyVersion(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            policy = await own_policy(sheet, call, params)
            policy["Default"], policy["Updated"] = _version(policy, params), time()
            keep(sheet, POLICY, policy)
            return {}

        return await self._shelf.edit(call, work)

    async def DeletePolicyVersion(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            policy = await own_policy(sheet, call, params)
            id = _version(policy, params)
            if id == policy["Default"]:
                raise in_use("Cannot delete the default version of a policy.")
            del policy["Versions"][id]
            keep(sheet, POLICY, policy)
            return {}

        return await self._shelf.edit(call, work)

    async def ListEntitiesForPolicy(self, call: Call, params: Json) -> Json:
        policy, wanted = params["PolicyArn"], params.get("EntityFilter")
        prefix, usage = params.get("PathPrefix") or "/", params.get("PolicyUsageFilter")

        async def work(sheet: Sheet) -> Json:
            await find_policy(sheet, call, policy)
            found: Json = {"IsTruncated": False}
            for kind, said in ((USER, "User"), (GROUP, "Group"), (ROLE, "Role")):
                names: list[Json] = []
                async for _, entity in sheet.scan(kind):
                    bound = entity.get("Boundary") == policy
                    fits = (
                        bound
                        if usage == "PermissionsBoundary"
                        else (policy in entity.get("Attached", ()) or (bound and usage is None))
                    )
                    if fits and entity["Path"].startswith(prefix):
                        names.append({f"{said}Name": entity["Name"], f"{said}Id": entity["Id"]})
                found[f"Policy{said}s"] = names if wanted in (None, said) else []
            return found

        return await self._shelf.read(work)


async def own_policy(sheet: Sheet, call: Call, params: Json) -> Json:
    """A managed policy that may be changed. Raises the service's errors."""
    if params["PolicyArn"] in MANAGED:
        raise ServiceError("AccessDenied", "AWS managed policies cannot be changed", status=403)
    return await find_policy(sheet, call, params["PolicyArn"])


async def _all(sheet: Sheet, scope: str) -> AsyncIterator[Json]:
    if scope in ("All", "AWS"):
        for policy in MANAGED.values():
            yield policy
    if scope in ("All", "Local"):
        async for _, policy in sheet.scan(POLICY):
            yield policy


async def counted(sheet: Sheet, policy: str) -> tuple[int, int]:
    """How many identities have a policy, and how many it bounds."""
    uses, bounds = await _all_counted(sheet)
    return uses.get(policy, 0), bounds.get(policy, 0)


async def _all_counted(sheet: Sheet) -> tuple[dict[str, int], dict[str, int]]:
    uses: dict[str, int] = {}
    bounds: dict[str, int] = {}
    for kind in (USER, GROUP, ROLE):
        async for _, entity in sheet.scan(kind):
            for policy in entity.get("Attached", ()):
                uses[policy] = uses.get(policy, 0) + 1
            if entity.get("Boundary"):
                bounds[entity["Boundary"]] = bounds.get(entity["Boundary"], 0) + 1
    return uses, bounds


def _document(params: Json) -> str:
    document = checked(params["PolicyDocument"])
    small(document, "PolicySize", _SIZE)
    return document


def _version(policy: Json, params: Json) -> str:
    id = params["VersionId"]
    if id not in policy["Versions"]:
        raise missing(
            f"Policy {params['PolicyArn']} version {id} does not exist or is not attachable."
        )
    return id


def policy_arn(call: Call, policy: Json) -> str:
    """Of the account's own, or AWS'."""
    return policy.get("Arn") or arn(call.principal.account, POLICY, policy)


def shown_policy(call: Call, policy: Json, uses: int, bounds: int, *, brief: bool = False) -> Json:
    """As the wire takes it; lists leave the tags out."""
    shown: Json = {
        "PolicyName": policy["Name"],
        "PolicyId": policy["Id"],
        "Arn": policy_arn(call, policy),
        "Path": policy["Path"],
        "DefaultVersionId": policy["Default"],
        "AttachmentCount": uses,
        "PermissionsBoundaryUsageCount": bounds,
        "IsAttachable": True,
        "CreateDate": moment(policy["Created"]),
        "UpdateDate": moment(policy["Updated"]),
    }
    return shown if brief else {**shown, **extras(policy)}


def _shown_version(policy: Json, id: str, *, whole: bool = False) -> Json:
    version = policy["Versions"][id]
    shown: Json = {
        "VersionId": id,
        "IsDefaultVersion": id == policy["Default"],
        "CreateDate": moment(version["Created"]),
    }
    if whole:
        shown["Document"] = encoded(version["Document"])
    return shown


def shown_versions(policy: Json) -> list[Json]:
    """All, whole."""
    return [_shown_version(policy, id, whole=True) for id in policy["Versions"]]
