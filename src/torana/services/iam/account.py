"""The account as a whole: its alias, its numbers, everything about who may do what.

Source: IAM API Reference.
"""

from collections.abc import AsyncIterator

from torana.services.apigateway.book import Sheet
from torana.services.iam.attached import shown_attached
from torana.services.iam.managed import MANAGED
from torana.services.iam.names import (
    ACCOUNT,
    GROUP,
    KEY,
    POLICY,
    PROFILE,
    PROVIDER,
    ROLE,
    USER,
    Json,
    encoded,
    exists,
    missing,
    page,
)
from torana.services.iam.policies import policy_arn, shown_policy, shown_versions
from torana.services.iam.roles import shown_profile, shown_role
from torana.services.iam.shelf import Shelf
from torana.services.iam.users import shown_group, shown_user
from torana.services.ports import Call

_ALIAS = "alias"
_QUOTAS = {
    "UsersQuota": 5000,
    "GroupsQuota": 300,
    "RolesQuota": 1000,
    "PoliciesQuota": 1500,
    "InstanceProfilesQuota": 1000,
    "AccessKeysPerUserQuota": 2,
    "AttachedPoliciesPerUserQuota": 10,
    "AttachedPoliciesPerGroupQuota": 10,
    "AttachedPoliciesPerRoleQuota": 10,
    "GroupsPerUserQuota": 10,
    "UserPolicySizeQuota": 2048,
    "GroupPolicySizeQuota": 5120,
    "PolicySizeQuota": 6144,
    "VersionsPerPolicyQuota": 5,
    "AssumeRolePolicySizeQuota": 2048,
}
_LISTS = {
    USER: "UserDetailList",
    GROUP: "GroupDetailList",
    ROLE: "RoleDetailList",
    POLICY: "Policies",
}
_FILTERS = {
    USER: "User",
    GROUP: "Group",
    ROLE: "Role",
    POLICY: "LocalManagedPolicy",
}


class Account:
    """The operations."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def CreateAccountAlias(self, call: Call, params: Json) -> Json:
        alias = params["AccountAlias"]

        async def work(sheet: Sheet) -> Json:
            if await sheet.get(ACCOUNT, _ALIAS) is not None:
                raise exists(f"The account alias {alias} already exists.")
            sheet.put(ACCOUNT, _ALIAS, {"Name": alias})
            return {}

        return await self._shelf.edit(call, work)

    async def DeleteAccountAlias(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await sheet.get(ACCOUNT, _ALIAS)
            if found is None or found["Name"] != params["AccountAlias"]:
                raise missing(f"The account alias {params['AccountAlias']} cannot be found.")
            sheet.delete(ACCOUNT, _ALIAS)
            return {}

        return await self._shelf.edit(call, work)

    async def ListAccountAliases(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await sheet.get(ACCOUNT, _ALIAS)
            return {"AccountAliases": [found["Name"]] if found else [], "IsTruncated": False}

        return await self._shelf.read(work)

    async def GetAccountSummary(self, call: Call, params: Json) -> Json:
        """Nobody has a password or a second factor here."""

        async def work(sheet: Sheet) -> Json:
            counts = dict.fromkeys((USER, GROUP, ROLE, POLICY, PROFILE, PROVIDER, KEY), 0)
            versions = 0
            for kind in counts:
                async for _, entity in sheet.scan(kind):
                    counts[kind] += 1
                    versions += len(entity.get("Versions", ()))
            summary = {
                **_QUOTAS,
                "Users": counts[USER],
                "Groups": counts[GROUP],
                "Roles": counts[ROLE],
                "Policies": counts[POLICY],
                "PolicyVersionsInUse": versions,
                "InstanceProfiles": counts[PROFILE],
                "Providers": counts[PROVIDER],
                "AccountAccessKeysPresent": 1,
                "AccountMFAEnabled": 0,
                "AccountPasswordPresent": 0,
                "MFADevices": 0,
                "MFADevicesInUse": 0,
            }
            return {"SummaryMap": summary}

        return await self._shelf.read(work)

    async def GetAccountAuthorizationDetails(self, call: Call, params: Json) -> Json:
        """Every identity with its policies, a page over all kinds together."""
        wanted = params.get("Filter") or [*_FILTERS.values(), "AWSManagedPolicy"]

        async def work(sheet: Sheet) -> Json:
            found = [each async for each in _details(sheet, call, wanted)]
            shown = page(found, params, "All", "Key")
            answer: Json = {name: [] for name in _LISTS.values()}
            for each in shown.pop("All"):
                answer[each["List"]].append(each["Detail"])
            return {**answer, **shown}

        return await self._shelf.read(work)


async def _details(sheet: Sheet, call: Call, wanted: list[str]) -> AsyncIterator[Json]:
    profiles = [profile async for _, profile in sheet.scan(PROFILE)]
    uses: dict[str, int] = {}
    for kind, shown in ((USER, _user), (GROUP, _group), (ROLE, _role)):
        async for id, entity in sheet.scan(kind):
            for policy in entity.get("Attached", ()):
                uses[policy] = uses.get(policy, 0) + 1
            if _FILTERS[kind] in wanted:
                detail = shown(call, entity)
                if kind == ROLE:
                    detail["InstanceProfileList"] = [
                        await shown_profile(sheet, call, each)
                        for each in profiles
                        if each.get("Role") == id
                    ]
                yield {"Key": f"{kind}/{id}", "List": _LISTS[kind], "Detail": detail}
    policies = [(id, policy) async for id, policy in sheet.scan(POLICY)]
    policies = policies if _FILTERS[POLICY] in wanted else []
    if "AWSManagedPolicy" in wanted:
        policies += [(arn, policy) for arn, policy in MANAGED.items() if arn in uses]
    for id, policy in policies:
        detail = shown_policy(call, policy, uses.get(policy_arn(call, policy), 0), 0, brief=True)
        detail["PolicyVersionList"] = shown_versions(policy)
        yield {"Key": f"{POLICY}/{id}", "List": _LISTS[POLICY], "Detail": detail}


def _inline(entity: Json) -> list[Json]:
    return [
        {"PolicyName": name, "PolicyDocument": encoded(document)}
        for name, document in entity.get("Inline", {}).items()
    ]


def _user(call: Call, user: Json) -> Json:
    return {
        **shown_user(call, user),
        "UserPolicyList": _inline(user),
        "GroupList": user.get("Groups", []),
        "AttachedManagedPolicies": shown_attached(user),
    }


def _group(call: Call, group: Json) -> Json:
    return {
        **shown_group(call, group),
        "GroupPolicyList": _inline(group),
        "AttachedManagedPolicies": shown_attached(group),
    }


def _role(call: Call, role: Json) -> Json:
    return {
        **shown_role(call, role),
        "RolePolicyList": _inline(role),
        "AttachedManagedPolicies": shown_attached(role),
    }
