"""Types of Amazon S3, CloudWatch Logs, AWS KMS and Parameter Store.

Source: AWS CloudFormation Template Reference, "AWS::S3", "AWS::Logs", "AWS::KMS", "AWS::SSM".
"""

import json
from typing import Any, cast

from torana.services.cloudformation.calls import Refused, input_of
from torana.services.cloudformation.faults import Unmade
from torana.services.cloudformation.shaping import boolean, convert
from torana.services.cloudformation.types.kind import Json, Kind, Made, Named, Task
from torana.services.cloudformation.types.plain import Row, Step, Tagging, got, plain
from torana.services.members import part, parts

_BUCKET = Row(
    "s3",
    "CreateBucket",
    "{prop.BucketName}",
    attributes={
        "Arn": "arn:aws:s3:::{prop.BucketName}",
        "DomainName": "{prop.BucketName}.s3.amazonaws.com",
        "RegionalDomainName": "{prop.BucketName}.s3.{region}.amazonaws.com",
        "DualStackDomainName": "{prop.BucketName}.s3.dualstack.{region}.amazonaws.com",
        "WebsiteURL": "http://{prop.BucketName}.s3-website-{region}.amazonaws.com",
    },
    names={"BucketName": "Bucket"},
    delete=("DeleteBucket", {"Bucket": "{ref}"}),
    see=got("s3", ("HeadBucket", {"Bucket": "{prop.BucketName}"}), "{prop.BucketName}"),
    named=Named("BucketName", 63, lower=True),
)
_BUCKET_LATER = ("Tags", "NotificationConfiguration")
_NOTICES = {
    "LambdaConfigurations": ("LambdaFunctionConfigurations", "Function", "LambdaFunctionArn"),
    "QueueConfigurations": ("QueueConfigurations", "Queue", "QueueArn"),
    "TopicConfigurations": ("TopicConfigurations", "Topic", "TopicArn"),
}


def _notices(properties: Json) -> Json:
    """What the service calls a bucket's notifications."""
    given, made = part(properties, "NotificationConfiguration"), cast(Json, {})
    for name in given:
        if name not in _NOTICES:
            raise Unmade(f"Encountered unsupported property {name}")
    for name, (member, own, target) in _NOTICES.items():
        several: list[Json] = []
        for each in parts(given, name):
            one: Json = {"Events": [each["Event"]], target: each[own]}
            rules = parts(part(part(each, "Filter"), "S3Key"), "Rules")
            if rules:
                one["Filter"] = {"Key": {"FilterRules": rules}}
            several.append(one)
        if several:
            made[member] = several
    shape = cast(Any, input_of("s3", "PutBucketNotificationConfiguration"))
    return cast(Json, convert(made, shape.members["NotificationConfiguration"]))


async def _fill_bucket(task: Task) -> None:
    tags = task.all_tags(task.properties.get("Tags"))
    # The service keeps names that begin with aws: for itself, and takes them from nobody.
    own = [{"Key": k, "Value": v} for k, v in tags.items() if not k.startswith("aws:")]
    name = task.made.id
    if own:
        await task.calls("s3", "PutBucketTagging", Bucket=name, Tagging={"TagSet": own})
    elif task.before.get("Tags"):
        await task.calls("s3", "DeleteBucketTagging", Bucket=name)
    if "NotificationConfiguration" in task.changed():
        wanted = _notices(task.properties)
        await task.calls(
            "s3",
            "PutBucketNotificationConfiguration",
            Bucket=name,
            NotificationConfiguration=wanted,
        )


async def _create_bucket(task: Task) -> Made:
    whole = task.properties
    _notices(whole)
    task.properties = {name: each for name, each in whole.items() if name not in _BUCKET_LATER}
    await _BUCKET.make(task)
    task.properties, task.before = whole, {}
    await _fill_bucket(task)
    return task.made


async def _update_bucket(task: Task) -> Made:
    await _fill_bucket(task)
    return task.made


S3: dict[str, Kind] = {
    "Bucket": Kind(
        _create_bucket,
        _BUCKET.away,
        _update_bucket,
        keeps=lambda name: name in _BUCKET_LATER,
        attributes=frozenset(_BUCKET.attributes),
        see=_BUCKET.see,
        named=_BUCKET.named,
        unique="BucketName",
    ),
}

_GROUP = {"logGroupName": "{ref}"}
LOGS: dict[str, Kind] = {
    "LogGroup": plain(
        "logs",
        "CreateLogGroup",
        "{prop.LogGroupName}",
        attributes={"Arn": "arn:aws:logs:{region}:{account}:log-group:{prop.LogGroupName}:*"},
        delete=("DeleteLogGroup", _GROUP),
        named=Named("LogGroupName", 512),
        steps=(
            Step(
                "RetentionInDays",
                (
                    "PutRetentionPolicy",
                    {**_GROUP, "retentionInDays": "{prop.RetentionInDays}"},
                ),
                ("DeleteRetentionPolicy", _GROUP),
            ),
        ),
        tags="Tags",
        tagging=Tagging(
            "TagResource",
            "UntagResource",
            {"resourceArn": "arn:aws:logs:{region}:{account}:log-group:{ref}"},
            "tags",
            "tagKeys",
        ),
    ),
}

_KEY_OWN = ("KeyPolicy", "EnableKeyRotation", "Enabled", "PendingWindowInDays")
_KEY = Row(
    "kms",
    "CreateKey",
    "{out.KeyMetadata.KeyId}",
    attributes={"KeyId": "{out.KeyMetadata.KeyId}", "Arn": "{out.KeyMetadata.Arn}"},
    names={"Key": "TagKey", "Value": "TagValue"},
    update=("UpdateKeyDescription", {"KeyId": "{ref}"}),
    resets={"Description": ""},
    tags="Tags",
    tagging=Tagging(
        "TagResource", "UntagResource", {"KeyId": "{ref}"}, key="TagKey", value="TagValue"
    ),
)


def _check_policy(task: Task) -> None:
    """Every key here has the policy that leaves permissions to IAM."""
    given: Any = task.properties.get("KeyPolicy")
    if given is None:
        return
    document = cast(Json, json.loads(given) if isinstance(given, str) else given)
    root = f"arn:aws:iam::{task.account}:root"
    for each in parts(document, "Statement"):
        usual = each.get("Principal") in ({"AWS": root}, {"AWS": task.account})
        if not (usual and each.get("Effect") == "Allow" and not each.get("Condition")):
            raise Unmade(
                "KeyPolicy is not supported here, but for the one that allows the account itself: "
                "permissions on keys are those of IAM"
            )


def _key_properties(properties: Json) -> Json:
    return {name: each for name, each in properties.items() if name not in _KEY_OWN}


async def _turn_key(task: Task) -> None:
    changed = task.changed()
    key = {"KeyId": task.made.id}
    if "EnableKeyRotation" in changed:
        on = boolean(task.properties.get("EnableKeyRotation", False))
        await task.calls("kms", "EnableKeyRotation" if on else "DisableKeyRotation", **key)
    if "Enabled" in changed:
        on = boolean(task.properties.get("Enabled", True))
        await task.calls("kms", "EnableKey" if on else "DisableKey", **key)


async def _create_key(task: Task) -> Made:
    _check_policy(task)
    whole = task.properties
    task.properties = _key_properties(whole)
    await _KEY.make(task)
    task.properties, task.before = whole, {}
    await _turn_key(task)
    return task.made


async def _update_key(task: Task) -> Made:
    _check_policy(task)
    whole, before = task.properties, task.before
    task.properties, task.before = _key_properties(whole), _key_properties(before)
    await _KEY.change(task)
    task.properties, task.before = whole, before
    await _turn_key(task)
    return task.made


async def _delete_key(task: Task) -> None:
    days = int(task.properties.get("PendingWindowInDays") or 30)
    try:
        await task.calls("kms", "ScheduleKeyDeletion", KeyId=task.made.id, PendingWindowInDays=days)
    except Refused as error:
        if not error.gone and error.code != "KMSInvalidStateException":
            raise


async def _see_keys(task: Task) -> set[str]:
    """Those with this stack's tags."""
    wanted = task.all_tags(None)
    found: set[str] = set()
    for key in (await task.calls("kms", "ListKeys", Limit=1000))["Keys"]:
        out = await task.calls("kms", "ListResourceTags", KeyId=key["KeyId"])
        tags = {each["TagKey"]: each["TagValue"] for each in out["Tags"]}
        if wanted.items() <= tags.items():
            found.add(key["KeyId"])
    return found


KMS: dict[str, Kind] = {
    "Key": Kind(
        _create_key,
        _delete_key,
        _update_key,
        keeps=lambda name: name in _KEY_OWN or _KEY.keeps(name),
        attributes=frozenset(_KEY.attributes),
        see=_see_keys,
    ),
    "Alias": plain(
        "kms",
        "CreateAlias",
        "{prop.AliasName}",
        delete=("DeleteAlias", {"AliasName": "{ref}"}),
        update=("UpdateAlias", {"AliasName": "{ref}"}),
        replaces="AliasName",
        unique="AliasName",
    ),
}

SSM: dict[str, Kind] = {
    "Parameter": plain(
        "ssm",
        "PutParameter",
        "{prop.Name}",
        attributes={"Type": "{prop.Type}", "Value": "{prop.Value}"},
        delete=("DeleteParameter", {"Name": "{ref}"}),
        update=("PutParameter", {"Overwrite": "true"}),
        whole=True,
        replaces="Name",
        named=Named("Name", 512),
        see=got("ssm", ("GetParameter", {"Name": "{prop.Name}"}), "{out.Parameter.Name}"),
        tags="Tags",
        tagging=Tagging(
            "AddTagsToResource",
            "RemoveTagsFromResource",
            {"ResourceType": "Parameter", "ResourceId": "{ref}"},
        ),
    ),
}
