"""Types of AWS IAM.

Source: AWS CloudFormation Template Reference, "AWS::IAM".
"""

from collections.abc import Iterable
from typing import Any, cast

from torana.services.cloudformation.calls import Refused
from torana.services.cloudformation.shaping import text
from torana.services.cloudformation.types.kind import Json, Kind, Made, Named, Task, refuse
from torana.services.cloudformation.types.plain import Row, Tagging, got, plain

_S = "iam"
_APART = ("ManagedPolicyArns", "Policies", "Groups", "PermissionsBoundary")


async def _quietly(task: Task, name: str, **params: Any) -> None:
    """What is not there any more need not be taken away."""
    try:
        await task.calls(_S, name, **params)
    except Refused as error:
        if not error.gone:
            raise


def _inline(properties: Json) -> dict[str, Any]:
    policies = cast(list[Json], properties.get("Policies") or [])
    return {str(each["PolicyName"]): each.get("PolicyDocument") for each in policies}


class Entity:
    """Users, groups and roles: what they have besides their own members."""

    def __init__(self, name: str, row: Row) -> None:
        self._name, self._key, self._row = name, f"{name}Name", row

    async def create(self, task: Task) -> Made:
        """With all its policies."""
        refuse(task.properties, "LoginProfile")
        whole = task.properties
        task.properties = self._own(whole)
        if whole.get("PermissionsBoundary"):
            task.properties["PermissionsBoundary"] = whole["PermissionsBoundary"]
        await self._row.make(task)
        task.properties, task.before = whole, {}
        await self._rest(task)
        return task.made

    async def update(self, task: Task) -> Made:
        """In place."""
        refuse(task.properties, "LoginProfile")
        whole, before = task.properties, task.before
        task.properties, task.before = self._own(whole), self._own(before)
        trust = "AssumeRolePolicyDocument"
        document = task.properties.pop(trust, None)
        if document != task.before.pop(trust, None):
            await self._call(task, "UpdateAssumeRolePolicy", PolicyDocument=text(document))
        await self._row.change(task)
        task.properties, task.before = whole, before
        boundary = whole.get("PermissionsBoundary")
        if boundary != before.get("PermissionsBoundary"):
            verb = f"Put{self._name}" if boundary else f"Delete{self._name}"
            more: Json = {"PermissionsBoundary": boundary} if boundary else {}
            await self._call(task, f"{verb}PermissionsBoundary", **more)
        await self._rest(task)
        return task.made

    async def delete(self, task: Task) -> None:
        """With what the template gave it."""
        task.before, task.properties = task.properties, {}
        await self._rest(task, quietly=True)
        task.properties = task.before
        await self._row.away(task)

    def _own(self, properties: Json) -> Json:
        return {name: each for name, each in properties.items() if name not in _APART}

    async def _call(self, task: Task, name: str, *, quietly: bool = False, **params: Any) -> None:
        params[self._key] = task.made.id
        if quietly:
            await _quietly(task, name, **params)
        else:
            await task.calls(_S, name, **params)

    async def _rest(self, task: Task, *, quietly: bool = False) -> None:
        was, wanted, name = task.before, task.properties, self._name
        for arn in _gone(was.get("ManagedPolicyArns"), wanted.get("ManagedPolicyArns")):
            await self._call(task, f"Detach{name}Policy", quietly=True, PolicyArn=arn)
        for arn in _gone(wanted.get("ManagedPolicyArns"), was.get("ManagedPolicyArns")):
            await self._call(task, f"Attach{name}Policy", PolicyArn=arn)
        old, new = _inline(was), _inline(wanted)
        for policy in _gone(old, new):
            await self._call(task, f"Delete{name}Policy", quietly=True, PolicyName=policy)
        for policy, document in new.items():
            if old.get(policy) != document:
                await self._call(
                    task, f"Put{name}Policy", PolicyName=policy, PolicyDocument=text(document)
                )
        for group in _gone(was.get("Groups"), wanted.get("Groups")):
            await self._call(task, "RemoveUserFromGroup", quietly=True, GroupName=group)
        for group in _gone(wanted.get("Groups"), was.get("Groups")):
            await self._call(task, "AddUserToGroup", quietly=quietly, GroupName=group)

    def kind(self) -> Kind:
        """The type."""
        return Kind(
            self.create,
            self.delete,
            self.update,
            keeps=lambda name: (
                name in (*_APART, "AssumeRolePolicyDocument") or self._row.keeps(name)
            ),
            attributes=frozenset(self._row.attributes),
            see=self._row.see,
            named=self._row.named,
            unique=self._key,
        )


def _gone(was: Iterable[str] | None, wanted: Iterable[str] | None) -> list[str]:
    kept = set(wanted or ())
    return [each for each in was or () if each not in kept]


def _entity(name: str, attributes: dict[str, str], **more: Any) -> Kind:
    key = f"{name}Name"
    row = Row(
        _S,
        f"Create{name}",
        f"{{out.{name}.{key}}}",
        attributes={"Arn": f"{{out.{name}.Arn}}", **attributes},
        delete=(f"Delete{name}", {key: "{ref}"}),
        see=got(_S, (f"Get{name}", {key: f"{{prop.{key}}}"}), f"{{out.{name}.{key}}}"),
        named=Named(key),
        replaces=f"{key} Path",
        **more,
    )
    return Entity(name, row).kind()


_HOLDERS = {"Roles": "Role", "Users": "User", "Groups": "Group"}


def _holders(properties: Json) -> set[tuple[str, str]]:
    return {
        (kind, str(each))
        for member, kind in _HOLDERS.items()
        for each in cast(list[Any], properties.get(member) or [])
    }


async def _put_policy(task: Task) -> Made:
    """An inline policy of several."""
    name, document = task.properties["PolicyName"], text(task.properties["PolicyDocument"])
    task.made = Made(task.made.id or task.name(128))
    gone = _holders(task.before) - _holders(task.properties)
    if task.before and task.before["PolicyName"] != name:
        gone = _holders(task.before)
    for kind, holder in sorted(gone):
        more = {f"{kind}Name": holder, "PolicyName": task.before["PolicyName"]}
        await _quietly(task, f"Delete{kind}Policy", **more)
    for kind, holder in sorted(_holders(task.properties)):
        more = {f"{kind}Name": holder, "PolicyName": name, "PolicyDocument": document}
        await task.calls(_S, f"Put{kind}Policy", **more)
    return task.made


async def _drop_policy(task: Task) -> None:
    for kind, holder in sorted(_holders(task.properties)):
        more = {f"{kind}Name": holder, "PolicyName": task.properties["PolicyName"]}
        await _quietly(task, f"Delete{kind}Policy", **more)


async def _attach(task: Task) -> None:
    was, wanted = _holders(task.before), _holders(task.properties)
    for kind, holder in sorted(was - wanted):
        more = {f"{kind}Name": holder, "PolicyArn": task.made.id}
        await _quietly(task, f"Detach{kind}Policy", **more)
    for kind, holder in sorted(wanted - was):
        more = {f"{kind}Name": holder, "PolicyArn": task.made.id}
        await task.calls(_S, f"Attach{kind}Policy", **more)


_MANAGED = Row(
    _S,
    "CreatePolicy",
    "{out.Policy.Arn}",
    attributes={"PolicyArn": "{out.Policy.Arn}", "PolicyId": "{out.Policy.PolicyId}"},
    delete=("DeletePolicy", {"PolicyArn": "{ref}"}),
    names={"ManagedPolicyName": "PolicyName"},
    named=Named("ManagedPolicyName", 128),
)


def _without_holders(properties: Json) -> Json:
    return {name: each for name, each in properties.items() if name not in _HOLDERS}


async def _create_managed(task: Task) -> Made:
    whole = task.properties
    task.properties = _without_holders(whole)
    await _MANAGED.make(task)
    task.properties, task.before = whole, {}
    await _attach(task)
    return task.made


async def _versions(task: Task) -> list[str]:
    """Those that may be deleted, the oldest first."""
    out = await task.calls(_S, "ListPolicyVersions", PolicyArn=task.made.id)
    rest = [each for each in out["Versions"] if not each["IsDefaultVersion"]]
    return [each["VersionId"] for each in sorted(rest, key=lambda each: each["CreateDate"])]


async def _update_managed(task: Task) -> Made:
    if "PolicyDocument" in task.changed():
        old = await _versions(task)
        if len(old) >= 4:
            await task.calls(_S, "DeletePolicyVersion", PolicyArn=task.made.id, VersionId=old[0])
        await task.calls(
            _S,
            "CreatePolicyVersion",
            PolicyArn=task.made.id,
            PolicyDocument=text(task.properties["PolicyDocument"]),
            SetAsDefault=True,
        )
    await _attach(task)
    return task.made


async def _delete_managed(task: Task) -> None:
    whole = task.properties
    task.before, task.properties = whole, {}
    await _attach(task)
    task.properties = whole
    try:
        for version in await _versions(task):
            await _quietly(task, "DeletePolicyVersion", PolicyArn=task.made.id, VersionId=version)
    except Refused as error:
        if not error.gone:
            raise
    await _MANAGED.away(task)


async def _undo_managed(task: Task) -> None:
    path = task.properties.get("Path") or "/"
    name = task.properties["ManagedPolicyName"]
    task.made = Made(f"arn:aws:iam::{task.account}:policy{path}{name}")
    await _delete_managed(task)


TYPES: dict[str, Kind] = {
    "Role": _entity(
        "Role",
        {"RoleId": "{out.Role.RoleId}"},
        update=("UpdateRole", {"RoleName": "{ref}"}),
        resets={"Description": "", "MaxSessionDuration": 3600},
        tags="Tags",
        tagging=Tagging("TagRole", "UntagRole", {"RoleName": "{ref}"}),
    ),
    "User": _entity(
        "User",
        {},
        tags="Tags",
        tagging=Tagging("TagUser", "UntagUser", {"UserName": "{ref}"}),
    ),
    "Group": _entity("Group", {}),
    "Policy": Kind(
        _put_policy, _drop_policy, _put_policy, attributes=frozenset({"Id"}), undo=_drop_policy
    ),
    "ManagedPolicy": Kind(
        _create_managed,
        _delete_managed,
        _update_managed,
        keeps=lambda name: name == "PolicyDocument" or name in _HOLDERS,
        attributes=frozenset(_MANAGED.attributes),
        see=got(
            _S,
            ("GetPolicy", {"PolicyArn": "arn:aws:iam::{account}:policy/{prop.ManagedPolicyName}"}),
            "{out.Policy.Arn}",
        ),
        named=_MANAGED.named,
        unique="ManagedPolicyName",
        undo=_undo_managed,
    ),
    "AccessKey": plain(
        _S,
        "CreateAccessKey",
        "{out.AccessKey.AccessKeyId}",
        attributes={"SecretAccessKey": "{out.AccessKey.SecretAccessKey}"},
        delete=("DeleteAccessKey", {"UserName": "{prop.UserName}", "AccessKeyId": "{ref}"}),
        refused=("Serial", "Status"),
    ),
}
