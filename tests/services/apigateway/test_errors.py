"""What the control plane refuses, in the service's words.

Source of the texts: answers of the real service.
"""

from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from tests.services.apigateway.making import Asking, gateway, mock, told

Case = tuple[str, dict[str, Any], str, str]


def cases(api: str, root: str, pets: str, greedy: str) -> list[Case]:
    """Operation, params, code and message."""
    there: dict[str, Any] = {"restApiId": api, "resourceId": pets, "httpMethod": "GET"}
    nowhere = {**there, "resourceId": "nowhere"}
    no_method = {**there, "httpMethod": "PUT"}
    replace = "replace"

    def patch(path: str, value: str = "x", op: str = replace) -> list[dict[str, str]]:
        return [{"op": op, "path": path, "value": value}]

    return [
        ("get_rest_api", {"restApiId": "gone"}, "NotFoundException",
         "Invalid API identifier specified 000000000000:gone"),
        ("create_rest_api", {"name": "x", "description": ""}, "BadRequestException",
         "Description cannot be an empty string"),
        ("create_rest_api", {"name": "x", "minimumCompressionSize": 10485761},
         "BadRequestException",
         "Invalid minimum compression size, must be between 0 and 10485760"),
        ("create_rest_api",
         {"name": "x", "endpointConfiguration": {"types": ["EDGE", "REGIONAL"]}},
         "BadRequestException", "Cannot create an api with multiple Endpoint Types."),
        ("update_rest_api", {"restApiId": api, "patchOperations": patch("/name", "")},
         "BadRequestException", "Name cannot be empty"),
        ("create_resource", {"restApiId": api, "parentId": "gone", "pathPart": "a"},
         "NotFoundException", "Invalid Resource identifier specified"),
        ("create_resource", {"restApiId": api, "parentId": root, "pathPart": "pets"},
         "ConflictException", "Another resource with the same parent already has this name: pets"),
        ("create_resource", {"restApiId": api, "parentId": root, "pathPart": "{id}"},
         "BadRequestException",
         "A sibling ({proxy+}) of this resource already has a variable path part -- "
         "only one is allowed"),
        ("create_resource", {"restApiId": api, "parentId": greedy, "pathPart": "a"},
         "BadRequestException",
         "Cannot create a child of a resource with a greedy path variable: {proxy+}"),
        ("update_resource",
         {"restApiId": api, "resourceId": pets, "patchOperations": patch("/invalid")},
         "BadRequestException",
         "Invalid patch path  '/invalid' specified for op 'replace'. "
         "Must be one of: [/parentId, /pathPart]"),
        ("update_resource",
         {"restApiId": api, "resourceId": pets, "patchOperations": patch("/pathPart", op="remove")},
         "BadRequestException",
         "Invalid patch path  '/pathPart' specified for op 'remove'. "
         "Please choose supported operations"),
        ("update_resource",
         {"restApiId": api, "resourceId": pets, "patchOperations": patch("/parentId", pets)},
         "BadRequestException", "Resources cannot be cyclical."),
        ("get_method", nowhere, "NotFoundException", "Invalid Resource identifier specified"),
        ("get_method", no_method, "NotFoundException", "Invalid Method identifier specified"),
        ("put_method", {**there, "httpMethod": "WRONG", "authorizationType": "NONE"},
         "BadRequestException",
         "Invalid HttpMethod specified. Valid options are "
         "GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY"),
        ("put_method", {**no_method, "authorizationType": "CUSTOM", "authorizerId": "gone"},
         "BadRequestException",
         "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or "
         "COGNITO_USER_POOLS requires a valid authorizer."),
        ("put_method", {**no_method, "authorizationType": "NONE",
                        "requestParameters": {"method.request.wrong.a": True}},
         "BadRequestException", "Invalid parameter name specified"),
        ("put_method", {**no_method, "authorizationType": "NONE",
                        "requestParameters": {"method.request.header.a": True,
                                              "method.request.querystring.a": True}},
         "BadRequestException",
         "Parameter names must be unique across querystring, header and path"),
        ("put_method", {**no_method, "authorizationType": "NONE",
                        "requestModels": {"application/json": "petModel"}},
         "BadRequestException", "Invalid model identifier specified: petModel"),
        ("get_integration", {**there, "httpMethod": "POST"}, "NotFoundException",
         "Invalid Integration identifier specified"),
        ("create_model", {"restApiId": api, "name": "m", "contentType": "application/json",
                          "schema": "[]"},
         "BadRequestException",
         "Model schema must have at least 1 property or array items defined"),
        ("get_model", {"restApiId": api, "modelName": "MySchema"}, "NotFoundException",
         "Invalid model name specified: MySchema"),
        ("get_request_validator", {"restApiId": api, "requestValidatorId": "gone"},
         "NotFoundException", "Invalid Request Validator identifier specified"),
        ("get_stage", {"restApiId": api, "stageName": "gone"}, "NotFoundException",
         "Invalid stage identifier specified"),
        ("create_stage", {"restApiId": api, "stageName": "s", "deploymentId": "gone"},
         "BadRequestException", "Deployment id does not exist"),
    ]  # fmt: skip


async def test_every_refusal_is_worded_as_the_services(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask = Asking(running.client())
        made = await ask.create_rest_api(name="pets")
        api, root = made["id"], made["rootResourceId"]
        place = {"restApiId": api, "parentId": root}
        pets = (await ask.create_resource(**place, pathPart="pets"))["id"]
        greedy = (await ask.create_resource(**place, pathPart="{proxy+}"))["id"]
        await mock(ask, api, pets, {})
        await ask.put_method(
            restApiId=api, resourceId=pets, httpMethod="POST", authorizationType="NONE"
        )
        wrong: list[str] = []
        for operation, params, code, message in cases(api, root, pets, greedy):
            try:
                await getattr(ask, operation)(**params)
                wrong.append(f"{operation} {params}: was accepted")
            except ClientError as error:
                if told(error) != (code, message):
                    wrong.append(f"{operation} {params}: {told(error)}")
        assert not wrong, "\n".join(wrong)
