"""Web ACLs through boto3, and what they do to a stage's requests."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.services.apigateway.making import Asking, Running, gateway, mock, told, until

SEEN = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True}
NONE = [{"Priority": 0, "Type": "NONE"}]


def visible(name: str) -> dict[str, Any]:
    return {**SEEN, "MetricName": name}


def path_rule(text: bytes, action: dict[str, Any]) -> dict[str, Any]:
    return {
        "Name": "path",
        "Priority": 0,
        "Statement": {
            "ByteMatchStatement": {
                "SearchString": text,
                "FieldToMatch": {"QueryString": {}},
                "PositionalConstraint": "CONTAINS",
                "TextTransformations": NONE,
            }
        },
        "Action": action,
        "VisibilityConfig": visible("path"),
    }


async def made(waf: Asking, rules: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    answer = await waf.create_web_acl(
        Name="wall",
        Scope="REGIONAL",
        DefaultAction={"Allow": {}},
        VisibilityConfig=visible("wall"),
        Rules=rules,
        **more,
    )
    return answer["Summary"]


async def stage(running: Running) -> tuple[str, str]:
    """The address of a live stage, and its ARN."""
    ask = Asking(running.client())
    api = await ask.create_rest_api(name="a")
    await mock(ask, api["id"], api["rootResourceId"], {})
    await ask.create_deployment(restApiId=api["id"], stageName="prod")
    url = f"{running.door}/restapis/{api['id']}/prod/_user_request_/"
    await until(url, 200)
    return url, f"arn:aws:apigateway:us-east-1::/restapis/{api['id']}/stages/prod"


def code_of(failure: pytest.ExceptionInfo[ClientError]) -> str:
    return told(failure.value)[0]


async def test_a_stage_is_guarded_from_the_association_until_its_end(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        waf = Asking(running.client("wafv2"))
        url, arn = await stage(running)
        own = {"Block": {"CustomResponse": {"ResponseCode": 418}}}
        acl = await made(waf, [path_rule(b"evil", {"Block": {}})])
        await waf.associate_web_acl(WebACLArn=acl["ARN"], ResourceArn=arn)
        refused = await until(f"{url}?evil", 403)
        assert refused.json() == {"message": "Forbidden"}
        assert refused.headers["x-amzn-errortype"] == "ForbiddenException"
        await until(f"{url}?good", 200)
        shown = await waf.get_web_acl_for_resource(ResourceArn=arn)
        assert shown["WebACL"]["Rules"][0]["Statement"]["ByteMatchStatement"]["SearchString"] == (
            b"evil"
        )
        listed = await waf.list_resources_for_web_acl(
            WebACLArn=acl["ARN"], ResourceType="API_GATEWAY"
        )
        assert listed["ResourceArns"] == [arn]
        place = {"Name": "wall", "Scope": "REGIONAL", "Id": acl["Id"]}
        with pytest.raises(ClientError) as failure:
            await waf.delete_web_acl(**place, LockToken=acl["LockToken"])
        assert code_of(failure) in ("WAFAssociatedItemException", "WAFOptimisticLockException")
        token = (await waf.get_web_acl(**place))["LockToken"]
        changed = await waf.update_web_acl(
            **place,
            LockToken=token,
            DefaultAction={"Allow": {}},
            VisibilityConfig=visible("wall"),
            Rules=[path_rule(b"evil", own)],
        )
        await until(f"{url}?evil", 418)
        with pytest.raises(ClientError) as failure:
            await waf.delete_web_acl(**place, LockToken=token)
        assert code_of(failure) == "WAFOptimisticLockException"
        await waf.disassociate_web_acl(ResourceArn=arn)
        await until(f"{url}?evil", 200)
        await waf.delete_web_acl(**place, LockToken=changed["NextLockToken"])
        assert (await waf.list_web_acls(Scope="REGIONAL"))["WebACLs"] == []


async def test_an_ip_set_that_changes_is_heeded_at_once(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        waf = Asking(running.client("wafv2"))
        url, arn = await stage(running)
        place = {"Name": "bad", "Scope": "REGIONAL"}
        made_set = (
            await waf.create_ip_set(**place, IPAddressVersion="IPV4", Addresses=["192.0.2.0/24"])
        )["Summary"]
        refer: dict[str, Any] = {
            "Name": "ips",
            "Priority": 1,
            "Statement": {"IPSetReferenceStatement": {"ARN": made_set["ARN"]}},
            "Action": {"Block": {}},
            "VisibilityConfig": visible("ips"),
        }
        acl = await made(waf, [refer])
        await waf.associate_web_acl(WebACLArn=acl["ARN"], ResourceArn=arn)
        await until(url, 200)
        changed = await waf.update_ip_set(
            **place,
            Id=made_set["Id"],
            Addresses=["127.0.0.0/8"],
            LockToken=made_set["LockToken"],
        )
        await until(url, 403)
        with pytest.raises(ClientError) as failure:
            await waf.delete_ip_set(**place, Id=made_set["Id"], LockToken=changed["NextLockToken"])
        assert code_of(failure) == "WAFAssociatedItemException"


async def test_who_asks_too_often_is_told_and_sampled(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        waf = Asking(running.client("wafv2"))
        url, arn = await stage(running)
        rate: dict[str, Any] = {
            "Name": "rate",
            "Priority": 0,
            "Statement": {
                "RateBasedStatement": {
                    "Limit": 10,
                    "AggregateKeyType": "IP",
                    "EvaluationWindowSec": 60,
                }
            },
            "Action": {"Block": {}},
            "VisibilityConfig": visible("rate"),
        }
        acl = await made(waf, [rate])
        await waf.associate_web_acl(WebACLArn=acl["ARN"], ResourceArn=arn)
        async with httpx.AsyncClient() as client, asyncio.timeout(10):
            while (await client.get(url, headers={"x-api-key": "hidden"})).status_code != 403:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        keys = await waf.get_rate_based_statement_managed_keys(
            Scope="REGIONAL", WebACLName="wall", WebACLId=acl["Id"], RuleName="rate"
        )
        assert keys["ManagedKeysIPV4"]["Addresses"] == ["127.0.0.1"]
        window = {
            "StartTime": datetime.now(UTC) - timedelta(minutes=5),
            "EndTime": datetime.now(UTC) + timedelta(minutes=5),
        }
        async with asyncio.timeout(10):
            while True:
                found = await waf.get_sampled_requests(
                    WebAclArn=acl["ARN"],
                    RuleMetricName="rate",
                    Scope="REGIONAL",
                    TimeWindow=window,
                    MaxItems=5,
                )
                if found["SampledRequests"]:
                    break
                await asyncio.sleep(0.1)
        sample = found["SampledRequests"][0]
        assert sample["Action"] == "BLOCK"
        assert sample["Request"]["ClientIP"] == "127.0.0.1"
        assert {"Name": "x-api-key", "Value": "***"} in sample["Request"]["Headers"]


async def test_rules_that_cannot_be_evaluated_are_refused_in_the_services_words(
    tmp_path: Path,
) -> None:
    async with gateway(tmp_path) as running:
        waf = Asking(running.client("wafv2"))
        rule = path_rule(b"x", {"Captcha": {}})
        with pytest.raises(ClientError) as failure:
            await made(waf, [rule])
        assert code_of(failure) == "WAFInvalidParameterException"
        answer: Any = failure.value.response
        assert answer["Field"] == "RULE_ACTION"
        with pytest.raises(ClientError) as failure:
            await waf.create_ip_set(
                Name="s", Scope="CLOUDFRONT", IPAddressVersion="IPV4", Addresses=[]
            )
        assert code_of(failure) == "WAFInvalidParameterException"
        with pytest.raises(ClientError) as failure:
            await waf.get_web_acl(
                Name="no", Scope="REGIONAL", Id="12345678-1234-1234-1234-123456789012"
            )
        assert code_of(failure) == "WAFNonexistentItemException"
        await made(waf, [])
        with pytest.raises(ClientError) as failure:
            await made(waf, [])
        assert code_of(failure) == "WAFDuplicateItemException"


async def test_managed_groups_are_listed_described_and_weighed(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        waf = Asking(running.client("wafv2"))
        listed = await waf.list_available_managed_rule_groups(Scope="REGIONAL")
        names = [each["Name"] for each in listed["ManagedRuleGroups"]]
        assert "AWSManagedRulesCommonRuleSet" in names
        described = await waf.describe_managed_rule_group(
            VendorName="AWS", Name="AWSManagedRulesSQLiRuleSet", Scope="REGIONAL"
        )
        assert described["Rules"][0] == {"Name": "SQLi_QUERYARGUMENTS", "Action": {"Block": {}}}
        managed: dict[str, Any] = {
            "Name": "core",
            "Priority": 0,
            "Statement": {
                "ManagedRuleGroupStatement": {
                    "VendorName": "AWS",
                    "Name": "AWSManagedRulesCommonRuleSet",
                }
            },
            "OverrideAction": {"None": {}},
            "VisibilityConfig": visible("core"),
        }
        weighed = await waf.check_capacity(Scope="REGIONAL", Rules=[managed])
        assert weighed["Capacity"] == 700


async def test_a_rule_group_and_tags_through_their_life(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        waf = Asking(running.client("wafv2"))
        place = {"Name": "g", "Scope": "REGIONAL"}
        with pytest.raises(ClientError) as failure:
            await waf.create_rule_group(
                **place,
                Capacity=1,
                VisibilityConfig=visible("g"),
                Rules=[path_rule(b"x", {"Block": {}})],
            )
        assert code_of(failure) == "WAFLimitsExceededException"
        group = (
            await waf.create_rule_group(
                **place,
                Capacity=50,
                VisibilityConfig=visible("g"),
                Rules=[path_rule(b"x", {"Block": {}})],
                Tags=[{"Key": "team", "Value": "a"}],
            )
        )["Summary"]
        read = await waf.get_rule_group(ARN=group["ARN"])
        assert read["RuleGroup"]["LabelNamespace"] == "awswaf:000000000000:rulegroup:g:"
        await waf.tag_resource(ResourceARN=group["ARN"], Tags=[{"Key": "b", "Value": "2"}])
        await waf.untag_resource(ResourceARN=group["ARN"], TagKeys=["team"])
        tags = await waf.list_tags_for_resource(ResourceARN=group["ARN"])
        assert tags["TagInfoForResource"]["TagList"] == [{"Key": "b", "Value": "2"}]


async def test_what_is_judged_is_logged_as_configured(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        waf, logs = Asking(running.client("wafv2")), running.client("logs")
        url, arn = await stage(running)
        acl = await made(waf, [path_rule(b"evil", {"Block": {}})])
        await waf.associate_web_acl(WebACLArn=acl["ARN"], ResourceArn=arn)
        group = "arn:aws:logs:us-east-1:000000000000:log-group:aws-waf-logs-wall"
        wanted: dict[str, Any] = {
            "ResourceArn": acl["ARN"],
            "LogDestinationConfigs": [group],
            "RedactedFields": [{"SingleHeader": {"Name": "X-Name"}}, {"QueryString": {}}],
            "LoggingFilter": {
                "DefaultBehavior": "DROP",
                "Filters": [
                    {
                        "Behavior": "KEEP",
                        "Requirement": "MEETS_ANY",
                        "Conditions": [{"ActionCondition": {"Action": "BLOCK"}}],
                    }
                ],
            },
        }
        await waf.put_logging_configuration(LoggingConfiguration=wanted)
        listed = await waf.list_logging_configurations(Scope="REGIONAL")
        assert [each["ResourceArn"] for each in listed["LoggingConfigurations"]] == [acl["ARN"]]
        found = await waf.get_logging_configuration(ResourceArn=acl["ARN"])
        assert wanted.items() <= found["LoggingConfiguration"].items()
        lines: list[dict[str, Any]] = []
        async with httpx.AsyncClient(
            headers={"X-Name": "ada", "Authorization": "Bearer x"}
        ) as asking:
            for _ in range(100):
                assert (await asking.get(f"{url}?good")).status_code == 200
                await asking.get(f"{url}?evil")
                try:
                    told_of: Any = await asyncio.to_thread(
                        logs.filter_log_events, logGroupName="aws-waf-logs-wall"
                    )
                except ClientError:
                    continue
                lines = [json.loads(each["message"]) for each in told_of["events"]]
                if lines:
                    break
                await asyncio.sleep(0.05)
        assert {each["action"] for each in lines} == {"BLOCK"}
        assert lines[0]["terminatingRuleId"] == "path"
        assert lines[0]["httpSourceId"].endswith(":prod")
        assert lines[0]["httpRequest"]["args"] == "REDACTED"
        shown = {each["name"].lower(): each["value"] for each in lines[0]["httpRequest"]["headers"]}
        assert (shown["x-name"], shown["authorization"]) == ("REDACTED", "REDACTED")
        assert shown["host"].startswith("127.0.0.1")
        shown_acl = await waf.get_web_acl(Name="wall", Scope="REGIONAL", Id=acl["Id"])
        assert "Logging" not in shown_acl["WebACL"]
        await waf.delete_logging_configuration(ResourceArn=acl["ARN"])
        with pytest.raises(ClientError) as failure:
            await waf.get_logging_configuration(ResourceArn=acl["ARN"])
        assert code_of(failure) == "WAFNonexistentItemException"
        refused: list[dict[str, Any]] = [
            {"LogDestinationConfigs": [group.replace("aws-waf-logs-", "")]},
            {"LogDestinationConfigs": ["arn:aws:s3:::aws-waf-logs-x"]},
            {"RedactedFields": [{"Body": {}}]},
        ]
        for bad in refused:
            with pytest.raises(ClientError) as failure:
                await waf.put_logging_configuration(LoggingConfiguration={**wanted, **bad})
            assert code_of(failure) == "WAFInvalidParameterException"
