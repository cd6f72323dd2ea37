"""Developer portals by the service's own operations: made, ordered, published, taken away."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.services.apigateway.making import Asking, told
from tests.services.serving import client, make_router, serving

CONTENT = {
    "DisplayName": "Pets for developers",
    "Theme": {
        "CustomColors": dict.fromkeys(
            (
                "AccentColor",
                "BackgroundColor",
                "ErrorValidationColor",
                "HeaderColor",
                "NavigationColor",
                "TextColor",
            ),
            "#114488",
        )
    },
}
PORTAL: dict[str, Any] = {
    "Authorization": {"None": {}},
    "EndpointConfiguration": {"None": {}},
    "PortalContent": CONTENT,
}


async def refused(ask: Asking, operation: str, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        await getattr(ask, operation)(**params)
    return told(error.value)


async def deployed(rest: Asking) -> str:
    """A REST API with `GET /` in the stage `prod`."""
    api = (await rest.create_rest_api(name="Pets"))["id"]
    root = (await rest.get_resources(restApiId=api))["items"][0]["id"]
    place = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    await rest.put_method(**place, authorizationType="NONE")
    await rest.put_integration(**place, type="MOCK")
    await rest.create_deployment(restApiId=api, stageName="prod")
    return api


async def test_the_pages_of_a_product_and_their_order() -> None:
    async with serving(make_router().handle) as listener:
        ask = Asking(client("apigatewayv2", listener.port))
        rest = Asking(client("apigateway", listener.port))
        api = await deployed(rest)
        product = await ask.create_portal_product(DisplayName="Pets", Tags={"team": "zoo"})
        id, arn = product["PortalProductId"], product["PortalProductArn"]
        assert arn == f"arn:aws:apigateway:eu-west-1:000000000000:/portalproducts/{id}"
        assert (await ask.get_tags(ResourceArn=arn))["Tags"] == {"team": "zoo"}
        named: dict[str, Any] = {"PortalProductId": id}

        content = {"Title": "Start", "Body": "# Hello"}
        text = await ask.create_product_page(**named, DisplayContent=content)
        parts = {"RestApiId": api, "Stage": "prod", "Path": "/", "Method": "GET"}
        where: dict[str, Any] = {"RestEndpointIdentifier": {"IdentifierParts": parts}}
        endpoint = await ask.create_product_rest_endpoint_page(**named, **where)
        assert endpoint["TryItState"] == "DISABLED"
        assert endpoint["DisplayContent"]["OperationName"] == "/"
        again = await refused(ask, "create_product_rest_endpoint_page", **named, **where)
        assert again[1] == "The product has this REST endpoint already"
        parts["Method"] = "PUT"
        wrong = await refused(ask, "create_product_rest_endpoint_page", **named, **where)
        assert wrong == ("BadRequestException", "Invalid REST endpoint specified: PUT /")
        page = {**named, "ProductRestEndpointPageId": endpoint["ProductRestEndpointPageId"]}
        renamed = await ask.update_product_rest_endpoint_page(
            **page,
            TryItState="ENABLED",
            DisplayContent={"Overrides": {"OperationName": "All pets", "Body": "Lists them."}},
        )
        assert renamed["DisplayContent"]["OperationName"] == "All pets"
        raw = await ask.get_product_rest_endpoint_page(**page, IncludeRawDisplayContent="true")
        assert raw["RawDisplayContent"] == '{"OperationName":"All pets","Body":"Lists them."}'
        [listed] = (await ask.list_product_rest_endpoint_pages(**named))["Items"]
        assert (listed["OperationName"], listed["TryItState"]) == ("All pets", "ENABLED")
        [title] = (await ask.list_product_pages(**named))["Items"]
        assert title["PageTitle"] == "Start"

        sections = [
            {
                "SectionName": "Animals",
                "ProductRestEndpointPageArns": [endpoint["ProductRestEndpointPageArn"]],
            }
        ]
        order = {"Contents": sections, "OverviewPageArn": text["ProductPageArn"]}
        updated = await ask.update_portal_product(**named, DisplayOrder=order)
        assert updated["DisplayOrder"] == {**order, "ProductPageArns": []}
        strange: dict[str, Any] = {"Contents": [], "OverviewPageArn": f"{arn}/productpages/none"}
        wrong = await refused(ask, "update_portal_product", **named, DisplayOrder=strange)
        assert wrong[1].startswith("Invalid product page ARN specified")

        await ask.delete_product_page(**named, ProductPageId=text["ProductPageId"])
        after = await ask.get_portal_product(**named)
        assert "OverviewPageArn" not in after["DisplayOrder"]
        await ask.delete_portal_product(**named)
        assert (await ask.list_portal_products())["Items"] == []


async def test_the_life_of_a_portal_with_a_product() -> None:
    async with serving(make_router().handle) as listener:
        ask = Asking(client("apigatewayv2", listener.port))
        product = await ask.create_portal_product(DisplayName="Pets")
        named, arn = {"PortalProductId": product["PortalProductId"]}, product["PortalProductArn"]
        made = await ask.create_portal(**PORTAL, IncludedPortalProductArns=[arn])
        portal = {"PortalId": made["PortalId"]}
        assert made["PublishStatus"] == "DISABLED"
        assert (await refused(ask, "delete_portal_product", **named))[0] == "BadRequestException"
        await ask.publish_portal(**portal, Description="first")
        found = await ask.get_portal(**portal)
        assert (found["PublishStatus"], found["LastPublishedDescription"]) == ("PUBLISHED", "first")
        [only] = (await ask.list_portals())["Items"]
        assert only["PortalContent"] == CONTENT
        assert (await refused(ask, "delete_portal", **portal))[0] == "BadRequestException"
        await ask.disable_portal(**portal)
        assert (await refused(ask, "disable_portal", **portal))[0] == "ConflictException"
        await ask.update_portal(**portal, IncludedPortalProductArns=[])
        await ask.delete_portal(**portal)
        assert (await refused(ask, "get_portal", **portal))[0] == "NotFoundException"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"Authorization": {}}, "exactly one of CognitoConfig and None"),
        (
            {
                "Authorization": {
                    "CognitoConfig": {
                        "AppClientId": "c",
                        "UserPoolArn": "arn:aws:cognito-idp:us-east-1:000000000000:userpool/none",
                        "UserPoolDomain": "https://pets.auth.us-east-1.amazoncognito.com",
                    }
                }
            },
            "Invalid user pool ARN",
        ),
        (
            {
                "EndpointConfiguration": {
                    "AcmManaged": {"CertificateArn": "arn:aws:acm:x", "DomainName": "a.example"}
                }
            },
            "[portal] host",
        ),
        ({"IncludedPortalProductArns": ["arn:aws:apigateway:nothing"]}, "portal product ARN"),
        ({"LogoUri": "https://a.example/b.png"}, "LogoUri is not supported"),
        ({"RumAppMonitorName": "a"}, "RumAppMonitorName is not supported"),
    ],
)
async def test_what_is_not_there_is_refused(changed: dict[str, Any], why: str) -> None:
    async with serving(make_router().handle) as listener:
        ask = Asking(client("apigatewayv2", listener.port))
        code, message = await refused(ask, "create_portal", **{**PORTAL, **changed})
        assert (code, why in message) == ("BadRequestException", True), message
