"""Types of Amazon SQS and Amazon SNS.

Source: AWS CloudFormation Template Reference, "AWS::SQS" and "AWS::SNS".
"""

from typing import Any, cast

from torana.services.cloudformation.calls import Refused
from torana.services.cloudformation.shaping import text
from torana.services.cloudformation.types.kind import Json, Kind, Made, Named, Task
from torana.services.cloudformation.types.plain import Row, Tagging, got, seen

_QUEUE = Row(
    "sqs",
    "CreateQueue",
    "{out.QueueUrl}",
    delete=("DeleteQueue", {"QueueUrl": "{ref}"}),
    see=got("sqs", ("GetQueueUrl", {"QueueName": "{prop.QueueName}"}), "{out.QueueUrl}"),
    named=Named("QueueName", 80),
    tags="Tags",
    tagging=Tagging("TagQueue", "UntagQueue", {"QueueUrl": "{ref}"}),
)
_QUEUE_DEFAULTS = {
    "DelaySeconds": "0",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "VisibilityTimeout": "30",
    "SqsManagedSseEnabled": "false",
    "RedrivePolicy": "",
    "RedriveAllowPolicy": "",
}


def _settings(properties: Json, *own: str) -> dict[str, str]:
    """The properties that the service has as attributes."""
    return {name: text(each) for name, each in properties.items() if name not in own}


async def _create_queue(task: Task) -> Made:
    whole = task.properties
    own = {name: whole[name] for name in ("QueueName", "Tags") if name in whole}
    task.properties = {**own, "Attributes": _settings(whole, "QueueName", "Tags")}
    await _QUEUE.make(task)
    task.properties = whole
    arn = f"arn:aws:sqs:{task.region}:{task.account}:{whole['QueueName']}"
    attributes = {"Arn": arn, "QueueName": whole["QueueName"], "QueueUrl": task.made.id}
    task.made = Made(task.made.id, attributes)
    return task.made


async def _update_queue(task: Task) -> Made:
    was = _settings(task.before, "QueueName", "Tags")
    wanted = _settings(task.properties, "QueueName", "Tags")
    changed = {name: each for name, each in wanted.items() if was.get(name) != each}
    changed |= {name: _QUEUE_DEFAULTS.get(name, "") for name in was if name not in wanted}
    if changed:
        await task.calls("sqs", "SetQueueAttributes", QueueUrl=task.made.id, Attributes=changed)
    await _QUEUE.change(task)
    return task.made


async def _put_queue_policy(task: Task) -> Made:
    wanted = cast(list[str], task.properties.get("Queues") or [])
    for url in cast(list[str], task.before.get("Queues") or []):
        if url not in wanted:
            await _no_queue_policy(task, url)
    policy = text(task.properties["PolicyDocument"])
    for url in wanted:
        await task.calls("sqs", "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": policy})
    return Made(task.made.id or task.name(80))


async def _no_queue_policy(task: Task, url: str) -> None:
    try:
        await task.calls("sqs", "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": ""})
    except Refused as error:
        if not error.gone:
            raise


async def _drop_queue_policy(task: Task) -> None:
    for url in cast(list[str], task.properties.get("Queues") or []):
        await _no_queue_policy(task, url)


_TOPIC = Row(
    "sns",
    "CreateTopic",
    "{out.TopicArn}",
    attributes={"TopicArn": "{out.TopicArn}"},
    delete=("DeleteTopic", {"TopicArn": "{ref}"}),
    see=got(
        "sns",
        ("GetTopicAttributes", {"TopicArn": "arn:aws:sns:{region}:{account}:{prop.TopicName}"}),
        "{out.Attributes.TopicArn}",
    ),
    names={"TopicName": "Name"},
    named=Named("TopicName", 256),
    tags="Tags",
    tagging=Tagging("TagResource", "UntagResource", {"ResourceArn": "{ref}"}),
)
_TOPIC_OWN = ("TopicName", "Tags", "Subscription")


async def _create_topic(task: Task) -> Made:
    whole = task.properties
    own = {name: whole[name] for name in ("TopicName", "Tags") if name in whole}
    task.properties = {**own, "Attributes": _settings(whole, *_TOPIC_OWN)}
    await _TOPIC.make(task)
    task.properties, task.before = whole, {}
    task.made = Made(task.made.id, {"TopicArn": task.made.id, "TopicName": whole["TopicName"]})
    await _subscriptions(task)
    return task.made


async def _subscriptions(task: Task) -> None:
    was = cast(list[Json], task.before.get("Subscription") or [])
    wanted = cast(list[Json], task.properties.get("Subscription") or [])
    gone = [(each["Protocol"], each["Endpoint"]) for each in was if each not in wanted]
    if gone:
        out = await task.calls("sns", "ListSubscriptionsByTopic", TopicArn=task.made.id)
        for each in out.get("Subscriptions") or ():
            if (each["Protocol"], each["Endpoint"]) in gone:
                arn = each["SubscriptionArn"]
                await task.calls("sns", "Unsubscribe", SubscriptionArn=arn)
    for each in wanted:
        if each not in was:
            await task.calls("sns", "Subscribe", TopicArn=task.made.id, **each)


async def _set(task: Task, operation: str, *own: str, **where: str) -> None:
    """Attributes one by one, as the service takes them."""
    was, wanted = _settings(task.before, *own), _settings(task.properties, *own)
    for name in {**was, **wanted}:
        if was.get(name) != wanted.get(name):
            more: dict[str, Any] = {"AttributeName": name, "AttributeValue": wanted.get(name, "")}
            await task.calls("sns", operation, **where, **more)


async def _update_topic(task: Task) -> Made:
    await _set(task, "SetTopicAttributes", *_TOPIC_OWN, TopicArn=task.made.id)
    await _subscriptions(task)
    await _TOPIC.change(task)
    return task.made


_SUBSCRIPTION = Row(
    "sns",
    "Subscribe",
    "{out.SubscriptionArn}",
    attributes={"Arn": "{out.SubscriptionArn}"},
    fixed={"ReturnSubscriptionArn": "true"},
    delete=("Unsubscribe", {"SubscriptionArn": "{ref}"}),
    see=seen(
        "sns",
        ("ListSubscriptionsByTopic", {"TopicArn": "{prop.TopicArn}"}),
        "Subscriptions",
        "{out.SubscriptionArn}",
        {"Protocol": "{prop.Protocol}", "Endpoint": "{prop.Endpoint}"},
    ),
)
_SUBSCRIBED = ("TopicArn", "Protocol", "Endpoint")


async def _subscribe(task: Task) -> Made:
    whole = task.properties
    own = {name: whole[name] for name in _SUBSCRIBED if name in whole}
    task.properties = {**own, "Attributes": _settings(whole, *_SUBSCRIBED)}
    await _SUBSCRIPTION.make(task)
    task.properties = whole
    return task.made


async def _resubscribe(task: Task) -> Made:
    where = {"SubscriptionArn": task.made.id}
    await _set(task, "SetSubscriptionAttributes", *_SUBSCRIBED, **where)
    return task.made


SQS: dict[str, Kind] = {
    "Queue": Kind(
        _create_queue,
        _QUEUE.away,
        _update_queue,
        keeps=lambda name: name not in ("QueueName", "FifoQueue"),
        attributes=frozenset({"Arn", "QueueName", "QueueUrl"}),
        see=_QUEUE.see,
        named=_QUEUE.named,
        unique="QueueName",
    ),
    "QueuePolicy": Kind(_put_queue_policy, _drop_queue_policy, _put_queue_policy),
}
SNS: dict[str, Kind] = {
    "Topic": Kind(
        _create_topic,
        _TOPIC.away,
        _update_topic,
        keeps=lambda name: name not in ("TopicName", "FifoTopic"),
        attributes=frozenset({"TopicArn", "TopicName"}),
        see=_TOPIC.see,
        named=_TOPIC.named,
        unique="TopicName",
    ),
    "Subscription": Kind(
        _subscribe,
        _SUBSCRIPTION.away,
        _resubscribe,
        keeps=lambda name: name not in _SUBSCRIBED,
        attributes=frozenset({"Arn"}),
        see=_SUBSCRIPTION.see,
    ),
}
