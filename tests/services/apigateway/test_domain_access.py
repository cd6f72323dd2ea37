"""Private custom domain names, and which VPC endpoints may use them."""

from pathlib import Path

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.services.apigateway.making import Asking, gateway, mock, told, until

NAME = "api.internal"
PRIVATE = {"types": ["PRIVATE"]}


async def served(ask: Asking, name: str) -> None:
    """An API that answers under a private name."""
    api = (await ask.create_rest_api(name="a"))["id"]
    root = (await ask.get_resources(restApiId=api))["items"][0]["id"]
    await mock(ask, api, root, "hello")
    await ask.create_deployment(restApiId=api, stageName="prod")
    await ask.create_base_path_mapping(domainName=name, restApiId=api, stage="prod")


async def test_a_private_name_answers_while_an_endpoint_may_use_it(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask = Asking(running.client())
        made = await ask.create_domain_name(domainName=NAME, endpointConfiguration=PRIVATE)
        assert made["domainNameArn"].endswith(f":/domainnames/{NAME}+{made['domainNameId']}")
        await served(ask, NAME)
        async with httpx.AsyncClient() as client:
            assert (await client.get(running.door, headers={"Host": NAME})).status_code == 403
        association = await ask.create_domain_name_access_association(
            domainNameArn=made["domainNameArn"],
            accessAssociationSourceType="VPCE",
            accessAssociationSource="vpce-0123456789abcdef0",
            tags={"a": "b"},
        )
        assert association["tags"] == {"a": "b"}
        await until(running.door, 200, "hello", Host=NAME)
        listed = await ask.get_domain_name_access_associations(resourceOwner="SELF")
        assert listed["items"] == [association]
        arn = association["domainNameAccessAssociationArn"]
        await ask.delete_domain_name_access_association(domainNameAccessAssociationArn=arn)
        await until(running.door, 403, Host=NAME)
        assert (await ask.get_domain_name_access_associations())["items"] == []


async def test_what_cannot_be_associated_is_refused(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask = Asking(running.client())
        made = await ask.create_domain_name(domainName=NAME, endpointConfiguration=PRIVATE)
        place = {"domainNameArn": made["domainNameArn"], "accessAssociationSourceType": "VPCE"}
        source = {"accessAssociationSource": "vpce-0123456789abcdef0"}
        await ask.create_domain_name_access_association(**place, **source)
        for given, code in (
            ({**place, **source}, "ConflictException"),
            ({**place, "accessAssociationSource": "vpc-1"}, "BadRequestException"),
            ({**place, **source, "domainNameArn": "arn:aws:x"}, "BadRequestException"),
        ):
            with pytest.raises(ClientError) as error:
                await ask.create_domain_name_access_association(**given)
            assert told(error.value)[0] == code
        with pytest.raises(ClientError) as error:
            await ask.reject_domain_name_access_association(
                domainNameAccessAssociationArn="arn:aws:x", domainNameArn=made["domainNameArn"]
            )
        assert told(error.value)[0] == "NotFoundException"


@pytest.mark.parametrize(
    "given",
    [
        {"certificateBody": "x"},
        {"endpointAccessMode": "STRICT"},
        {"policy": "{}"},
        {"policy": "{}", "endpointConfiguration": PRIVATE},
    ],
)
async def test_what_a_name_asks_for_in_vain_is_refused(
    tmp_path: Path, given: dict[str, object]
) -> None:
    async with gateway(tmp_path) as running:
        ask = Asking(running.client())
        with pytest.raises(ClientError, match="BadRequest"):
            await ask.create_domain_name(domainName="a.example.com", **given)
