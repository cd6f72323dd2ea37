"""Building bots through boto3: what is kept, listed, versioned, refused."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false
# pyright: reportTypedDictNotRequiredAccess=false

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.services.lex.bots import ROLE, Builder, new_bot, prompt
from tests.services.serving import called, client, make_router, parts, serving
from torana.model.bot import Learned, Understood


async def learning(capability: str, items: Sequence[Any], timeout: float) -> list[Any]:
    """Knows how much there was to learn, and learns nothing."""
    if capability == "intent_recognition":
        return [Understood() for _ in items]
    assert capability == "intent_training"
    counts = [sum(len(each.utterances) for each in item.grammar.intents) for item in items]
    return [Learned(count, 1.0, "" if count != 1 else "too little") for count in counts]


@pytest.fixture
async def models() -> AsyncGenerator[Any]:
    async with serving(make_router(of=parts(learning)).handle) as listener:
        yield client("lexv2-models", listener.port)


async def draft(models: Any, name: str = "Bot") -> Builder:
    return await called(new_bot, models=models, name=name)  # type: ignore[return-value]


async def test_a_bot_is_made_with_its_test_alias_and_its_tags(models: Any) -> None:
    made = await called(
        models.create_bot,
        botName="Bot",
        roleArn=ROLE,
        dataPrivacy={"childDirected": False},
        idleSessionTTLInSeconds=60,
        botTags={"team": "a"},
    )
    assert made["botStatus"] in ("Creating", "Available")
    id = made["botId"]
    found = await called(models.describe_bot, botId=id)
    assert (found["botName"], found["idleSessionTTLInSeconds"]) == ("Bot", 60)
    aliases = await called(models.list_bot_aliases, botId=id)
    assert [each["botAliasId"] for each in aliases["botAliasSummaries"]] == ["TSTALIASID"]
    arn = f"arn:aws:lex:eu-west-1:000000000000:bot/{id}"
    await called(models.tag_resource, resourceARN=arn, tags={"env": "x"})
    await called(models.untag_resource, resourceARN=arn, tagKeys=["team"])
    assert (await called(models.list_tags_for_resource, resourceARN=arn))["tags"] == {"env": "x"}
    changed = await called(
        models.update_bot,
        botId=id,
        botName="Other",
        roleArn=ROLE,
        dataPrivacy={"childDirected": True},
        idleSessionTTLInSeconds=90,
    )
    assert (changed["botName"], changed["dataPrivacy"]) == ("Other", {"childDirected": True})
    with pytest.raises(ClientError, match="in use"):
        await draft(models, "Other")


async def test_lists_are_filtered_sorted_and_cut_into_pages(models: Any) -> None:
    for name in ("Alpha", "Beta", "Alps"):
        await draft(models, name)
    listed = await called(
        models.list_bots,
        filters=[{"name": "BotName", "values": ["Al"], "operator": "CO"}],
        sortBy={"attribute": "BotName", "order": "Descending"},
        maxResults=1,
    )
    assert [each["botName"] for each in listed["botSummaries"]] == ["Alps"]
    rest = await called(
        models.list_bots,
        filters=[{"name": "BotName", "values": ["Al"], "operator": "CO"}],
        sortBy={"attribute": "BotName", "order": "Descending"},
        nextToken=listed["nextToken"],
    )
    assert [each["botName"] for each in rest["botSummaries"]] == ["Alpha"]


async def test_a_locale_brings_a_fallback_intent_and_is_built_in_the_background(
    models: Any,
) -> None:
    made = await draft(models)
    listed = await called(models.list_intents, **made.where)
    assert [each["parentIntentSignature"] for each in listed["intentSummaries"]] == [
        "AMAZON.FallbackIntent"
    ]
    await called(made.intent, name="Greet", utterances=["hello", "hi"])
    built = await called(models.build_bot_locale, **made.where)
    assert built["botLocaleStatus"] == "Building"
    waiter = models.get_waiter("bot_locale_built")
    await called(waiter.wait, **made.where, WaiterConfig={"Delay": 1})
    found = await called(models.describe_bot_locale, **made.where)
    assert (found["botLocaleStatus"], found["intentsCount"]) == ("Built", 2)
    assert found["lastBuildSubmittedDateTime"] is not None
    await called(made.intent, name="Part", utterances=["bye", "so long"])
    found = await called(models.describe_bot_locale, **made.where)
    assert found["botLocaleStatus"] == "NotBuilt"


async def test_what_cannot_be_built_says_why(models: Any) -> None:
    made = await draft(models)
    await called(made.intent, name="Greet", utterances=["hello {Name}", "hi"])
    await called(models.build_bot_locale, **made.where)
    found = await failed(models, made)
    assert "'hello {Name}' names no slot" in found["failureReasons"][0]
    other = await draft(models, "Other")
    await called(other.intent, name="Greet", utterances=["hello"])
    await called(models.build_bot_locale, **other.where)
    assert (await failed(models, other))["failureReasons"] == ["too little"]


async def failed(models: Any, made: Builder) -> dict[str, Any]:
    for _ in range(100):
        found = await called(models.describe_bot_locale, **made.where)
        if found["botLocaleStatus"] == "Failed":
            return found
    raise AssertionError(found["botLocaleStatus"])


async def test_versions_keep_what_the_draft_was(models: Any) -> None:
    made = await draft(models)
    intent = await called(made.intent, name="Greet", utterances=["hello", "hi"])
    specification = {"en_US": {"sourceBotVersion": "DRAFT"}}
    with pytest.raises(ClientError, match="is not built"):
        await called(
            models.create_bot_version,
            botId=made.bot,
            botVersionLocaleSpecification=specification,
        )
    await called(made.build)
    version = await called(
        models.create_bot_version, botId=made.bot, botVersionLocaleSpecification=specification
    )
    assert version["botVersion"] == "1"
    await called(models.get_waiter("bot_version_available").wait, botId=made.bot, botVersion="1")
    await called(models.delete_intent, intentId=intent, **made.where)
    kept = await called(models.list_intents, **{**made.where, "botVersion": "1"})
    assert {each["intentName"] for each in kept["intentSummaries"]} == {"Greet", "FallbackIntent"}
    alias = await called(
        models.create_bot_alias, botId=made.bot, botAliasName="live", botVersion="1"
    )
    with pytest.raises(ClientError, match="in use") as failure:
        await called(models.delete_bot_version, botId=made.bot, botVersion="1")
    assert failure.value.response["Error"]["Code"] == "ConflictException"
    named = {"botId": made.bot, "botAliasId": alias["botAliasId"]}
    await called(models.update_bot_alias, **named, botAliasName="old", botVersion="DRAFT")
    assert (await called(models.describe_bot_alias, **named))["botAliasName"] == "old"
    await called(models.delete_bot_version, botId=made.bot, botVersion="1")
    await called(models.delete_bot_alias, **named)
    versions = await called(models.list_bot_versions, botId=made.bot)
    assert [each["botVersion"] for each in versions["botVersionSummaries"]] == ["DRAFT"]
    await called(models.delete_bot, botId=made.bot)
    with pytest.raises(models.exceptions.ResourceNotFoundException):
        await called(models.describe_bot, botId=made.bot)


async def test_slots_and_their_types_are_kept(models: Any) -> None:
    made = await draft(models)
    type = await called(made.type, name="Size", values={"big": ["large"]}, strategy="OriginalValue")
    intent = await called(made.intent, name="Order", utterances=["order {Size}", "order"])
    slot = await called(made.slot, intent=intent, name="Size", type=type)
    listed = (await called(models.list_slots, intentId=intent, **made.where))["slotSummaries"]
    assert [(each["slotName"], each["slotConstraint"]) for each in listed] == [("Size", "Required")]
    found = await called(models.describe_slot, slotId=slot, intentId=intent, **made.where)
    assert found["valueElicitationSetting"]["promptSpecification"]["maxRetries"] == 1
    with pytest.raises(ClientError, match="in use"):
        await called(models.delete_slot_type, slotTypeId=type, **made.where)
    await called(
        models.update_slot,
        slotId=slot,
        intentId=intent,
        slotName="Amount",
        slotTypeId="AMAZON.Number",
        valueElicitationSetting={"slotConstraint": "Optional"},
        **made.where,
    )
    await called(models.delete_slot_type, slotTypeId=type, **made.where)
    assert (await called(models.list_slot_types, **made.where))["slotTypeSummaries"] == []
    await called(models.delete_slot, slotId=slot, intentId=intent, **made.where)
    builtin = await called(models.list_built_in_slot_types, localeId="de_DE")
    names = [each["slotTypeSignature"] for each in builtin["builtInSlotTypeSummaries"]]
    assert names == ["AMAZON.AlphaNumeric", "AMAZON.EmailAddress", "AMAZON.FreeFormInput"]


NEXT = {"dialogAction": {"type": "StartIntent"}, "intent": {"name": "Other"}}
INDEX = "arn:aws:kendra:eu-west-1:000000000000:index/" + "a" * 36
UPDATES = {"enabled": True, "fulfillmentUpdatesSpecification": {"active": True}}
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"kendraConfiguration": {"kendraIndex": INDEX}}, "kendra"),
    ({"intentClosingSetting": {"nextStep": NEXT}}, "nextStep"),
    ({"parentIntentSignature": "AMAZON.QnAIntent"}, "QnAIntent"),
    ({"fulfillmentCodeHook": UPDATES}, "fulfillmentUpdates"),
]


@pytest.mark.parametrize(("more", "words"), REFUSED)
async def test_what_the_dialogue_does_not_heed_is_refused(
    models: Any, more: dict[str, Any], words: str
) -> None:
    made = await draft(models)
    with pytest.raises(ClientError, match=words) as failure:
        await called(models.create_intent, intentName="X", **more, **made.where)
    assert failure.value.response["Error"]["Code"] == "ValidationException"


async def test_slots_that_cannot_be_understood_are_refused(models: Any) -> None:
    made = await draft(models)
    intent = await called(made.intent, name="Order", utterances=["order"])
    wanted = {"slotConstraint": "Required", "promptSpecification": prompt("?")}
    for type, more, words in (
        ("AMAZON.Ocean", wanted, "not understood here"),
        ("AMAZON.Number", {"slotConstraint": "Required"}, "promptSpecification"),
        ("ABCDEFGHI1", wanted, "does not exist"),
    ):
        with pytest.raises(ClientError, match=words):
            await called(
                models.create_slot,
                slotName="S",
                slotTypeId=type,
                intentId=intent,
                valueElicitationSetting=more,
                **made.where,
            )
    with pytest.raises(ClientError, match="regular expression"):
        await called(
            models.create_slot_type,
            slotTypeName="T",
            parentSlotTypeSignature="AMAZON.AlphaNumeric",
            valueSelectionSetting={
                "resolutionStrategy": "OriginalValue",
                "regexFilter": {"pattern": "(a"},
            },
            **made.where,
        )
