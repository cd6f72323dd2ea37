"""Types of Amazon CloudWatch, AWS WAF and Amazon SageMaker.

Source: AWS CloudFormation Template Reference, "AWS::CloudWatch", "AWS::WAFv2", "AWS::SageMaker".
"""

from torana.services.cloudformation.calls import Refused
from torana.services.cloudformation.shaping import shaped
from torana.services.cloudformation.types.kind import Json, Kind, Made, Named, Task
from torana.services.cloudformation.types.plain import Ready, Row, Tagging, plain, seen

CLOUDWATCH: dict[str, Kind] = {
    "Alarm": plain(
        "cloudwatch",
        "PutMetricAlarm",
        "{prop.AlarmName}",
        attributes={"Arn": "arn:aws:cloudwatch:{region}:{account}:alarm:{prop.AlarmName}"},
        delete=("DeleteAlarms", {"AlarmNames": "{ref}"}),
        update=("PutMetricAlarm", {}),
        whole=True,
        replaces="AlarmName",
        named=Named("AlarmName", 255),
        tags="Tags",
        tagging=Tagging("TagResource", "UntagResource", {"ResourceARN": "{at.Arn}"}),
    ),
}


class _Item:
    """What a web ACL is made of: each has an id, and a token that its next change must show."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._row = Row(
            "wafv2",
            f"Create{name}",
            "{out.Summary.Name}|{out.Summary.Id}|{prop.Scope}",
            attributes={"Arn": "{out.Summary.ARN}", "Id": "{out.Summary.Id}"},
            see=seen(
                "wafv2",
                (f"List{name}s", {"Scope": "{prop.Scope}"}),
                f"{name}s",
                "{out.Name}|{out.Id}|{prop.Scope}",
                {"Name": "{prop.Name}"},
            ),
            named=Named("Name", 128),
            tags="Tags",
            tagging=Tagging("TagResource", "UntagResource", {"ResourceARN": "{at.Arn}"}),
            update=(f"Update{name}", {}),
            whole=True,
            replaces="Name Scope IPAddressVersion Capacity",
        )

    async def _where(self, task: Task) -> Json:
        name, id, scope = task.made.id.split("|")
        where = {"Name": name, "Id": id, "Scope": scope}
        out = await task.calls("wafv2", f"Get{self._name}", **where)
        return {**where, "LockToken": out["LockToken"]}

    async def create(self, task: Task) -> Made:
        """A new one."""
        return await self._row.make(task)

    async def update(self, task: Task) -> Made:
        """In place."""
        if task.changed() - {"Tags"}:
            own = ("Name", "Scope", "Tags", "IPAddressVersion", "Capacity")
            given = {name: each for name, each in task.properties.items() if name not in own}
            params = shaped("wafv2", f"Update{self._name}", given)
            where = await self._where(task)
            await task.calls("wafv2", f"Update{self._name}", **params, **where)
        # The tags alone are left.
        task.before = {**task.properties, "Tags": task.before.get("Tags")}
        return await self._row.change(task)

    async def delete(self, task: Task) -> None:
        """If it is there."""
        try:
            where = await self._where(task)
            await task.calls("wafv2", f"Delete{self._name}", **where)
        except Refused as error:
            if error.code != "WAFNonexistentItemException":
                raise

    def kind(self) -> Kind:
        """The type."""
        return Kind(
            self.create,
            self.delete,
            self.update,
            keeps=self._row.keeps,
            attributes=frozenset(self._row.attributes),
            see=self._row.see,
            named=self._row.named,
        )


WAFV2: dict[str, Kind] = {
    "WebACL": _Item("WebACL").kind(),
    "IPSet": _Item("IPSet").kind(),
    "RegexPatternSet": _Item("RegexPatternSet").kind(),
    "RuleGroup": _Item("RuleGroup").kind(),
    "WebACLAssociation": plain(
        "wafv2",
        "AssociateWebACL",
        "{prop.WebACLArn}|{prop.ResourceArn}",
        delete=("DisassociateWebACL", {"ResourceArn": "{prop.ResourceArn}"}),
    ),
}


def _hosting(name: str, **more: object) -> Kind:
    key = f"{name}Name"
    row = Row(
        "sagemaker",
        f"Create{name}",
        f"{{out.{name}Arn}}",
        attributes={key: f"{{prop.{key}}}"},
        delete=(f"Delete{name}", {key: f"{{at.{key}}}"}),
        named=Named(key, 63),
        tags="Tags",
        tagging=Tagging("AddTags", "DeleteTags", {"ResourceArn": "{ref}"}),
        **more,  # type: ignore[arg-type]
    )

    async def undo(task: Task) -> None:
        task.made = Made(name, {key: task.properties[key]})
        await row.away(task)

    return Kind(
        row.make,
        row.away,
        row.change,
        keeps=row.keeps,
        attributes=frozenset(row.attributes),
        named=row.named,
        undo=undo,
    )


_READY = Ready(
    ("DescribeEndpoint", {"EndpointName": "{prop.EndpointName}"}),
    "EndpointStatus",
    ("InService",),
    ("Failed",),
    "FailureReason",
)
SAGEMAKER: dict[str, Kind] = {
    "Model": _hosting("Model"),
    "EndpointConfig": _hosting("EndpointConfig"),
    "Endpoint": _hosting(
        "Endpoint",
        update=("UpdateEndpoint", {"EndpointName": "{prop.EndpointName}"}),
        replaces="EndpointName",
        ready=_READY,
    ),
}
