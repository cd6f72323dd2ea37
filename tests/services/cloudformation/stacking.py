"""Templates for tests, and waiting until a stack is at rest."""

import json
import time
from typing import Any

Json = dict[str, Any]


def api_template(**resources: Json) -> Json:
    """A REST API with one mocked method on a stage."""
    api = {"RestApiId": {"Ref": "Api"}}
    return {
        "Parameters": {"Stage": {"Type": "String", "Default": "prod"}},
        "Resources": {
            "Api": {
                "Type": "AWS::ApiGateway::RestApi",
                "Properties": {"Name": {"Fn::Sub": "${AWS::StackName}-api"}, "Description": "one"},
            },
            "Pets": {
                "Type": "AWS::ApiGateway::Resource",
                "Properties": {
                    **api,
                    "ParentId": {"Fn::GetAtt": ["Api", "RootResourceId"]},
                    "PathPart": "pets",
                },
            },
            "Get": {
                "Type": "AWS::ApiGateway::Method",
                "Properties": {
                    **api,
                    "ResourceId": {"Ref": "Pets"},
                    "HttpMethod": "GET",
                    "Integration": {
                        "Type": "MOCK",
                        "RequestTemplates": {"application/json": '{"statusCode": 200}'},
                        "IntegrationResponses": [{"StatusCode": 200}],
                    },
                    "MethodResponses": [{"StatusCode": 200}],
                },
            },
            "Deployment": {
                "Type": "AWS::ApiGateway::Deployment",
                "DependsOn": "Get",
                "Properties": api,
            },
            "StageOne": {
                "Type": "AWS::ApiGateway::Stage",
                "Properties": {
                    **api,
                    "DeploymentId": {"Ref": "Deployment"},
                    "StageName": {"Ref": "Stage"},
                    "Variables": {"color": "red"},
                    "MethodSettings": [
                        {"HttpMethod": "GET", "ResourcePath": "/~1pets", "ThrottlingRateLimit": 5}
                    ],
                },
            },
            **resources,
        },
        "Outputs": {"ApiId": {"Value": {"Ref": "Api"}}},
    }


def settled(client: Any, stack: str) -> Json:
    """The stack once nothing is under way."""
    while True:
        found = client.describe_stacks(StackName=stack)["Stacks"][0]
        if not found["StackStatus"].endswith("_IN_PROGRESS"):
            return found
        time.sleep(0.02)


def create(client: Any, name: str, template: Json, **more: Any) -> Json:
    """A new stack, at rest."""
    made = client.create_stack(StackName=name, TemplateBody=json.dumps(template), **more)
    return settled(client, made["StackId"])


def update(client: Any, name: str, template: Json, **more: Any) -> Json:
    """A changed stack, at rest."""
    client.update_stack(StackName=name, TemplateBody=json.dumps(template), **more)
    return settled(client, name)


def delete(client: Any, name: str) -> Json:
    """A deleted stack."""
    id = client.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    client.delete_stack(StackName=name)
    return settled(client, id)


def reasons(client: Any, stack: str) -> list[str]:
    """Why resources failed, the newest first."""
    events = client.describe_stack_events(StackName=stack)["StackEvents"]
    return [
        e.get("ResourceStatusReason", "") for e in events if e["ResourceStatus"].endswith("_FAILED")
    ]


def ids(client: Any, stack: str) -> dict[str, str]:
    """Physical ids by logical ones."""
    found = client.describe_stack_resources(StackName=stack)["StackResources"]
    return {e["LogicalResourceId"]: e["PhysicalResourceId"] for e in found}
