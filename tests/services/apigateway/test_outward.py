"""How stages reach their backends: VPC links, unix sockets, client certificates."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from botocore.exceptions import ClientError

from tests.services.apigateway.making import Asking, Running, gateway, told, until
from torana.message import Headers, Reply, Request
from torana.net.server import listen
from torana.settings import VpcLink

ARN = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/net/{}/50dc6c495c0c9188"


async def echo(request: Request) -> Reply:
    body = f"{request.headers.get('host')} {request.target}".encode()
    return Reply(200, Headers(), body)


async def api_to(running: Running, uri: str, **integration: Any) -> tuple[Asking, str, str]:
    """An API whose root goes to a backend."""
    ask = Asking(running.client())
    api = await ask.create_rest_api(name="outward")
    place: dict[str, Any] = {
        "restApiId": api["id"],
        "resourceId": api["rootResourceId"],
        "httpMethod": "GET",
    }
    await ask.put_method(**place, authorizationType="NONE")
    await ask.put_integration(
        **place, type="HTTP_PROXY", integrationHttpMethod="GET", uri=uri, **integration
    )
    return ask, api["id"], f"{running.door}/restapis/{api['id']}/prod/_user_request_/"


async def settled(ask: Asking, id: str) -> dict[str, Any]:
    async with asyncio.timeout(5):
        while (link := await ask.get_vpc_link(vpcLinkId=id))["status"] == "PENDING":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return link


async def test_a_vpc_link_leads_to_a_private_backend(tmp_path: Path) -> None:
    socket = str(tmp_path / "private.sock")
    private = await listen(echo, path=socket)
    links = {"orders": VpcLink(f"unix:{socket}")}
    async with gateway(tmp_path / "data", vpc_links=links) as running:
        ask = Asking(running.client())
        made = await ask.create_vpc_link(name="to orders", targetArns=[ARN.format("orders")])
        assert made["status"] == "PENDING"
        assert (await settled(ask, made["id"]))["status"] == "AVAILABLE"
        ask, api, url = await api_to(
            running,
            "http://orders.internal/v1?a=b",
            connectionType="VPC_LINK",
            connectionId="${stageVariables.link}",
        )
        await ask.create_deployment(restApiId=api, stageName="prod", variables={"link": made["id"]})
        assert (await until(url, 200)).text == "orders.internal /v1?a=b"
    await private.close()


async def test_a_link_in_use_is_not_deleted(tmp_path: Path) -> None:
    links = {"orders": VpcLink("http://127.0.0.1:1")}
    async with gateway(tmp_path, vpc_links=links) as running:
        ask = Asking(running.client())
        link = await ask.create_vpc_link(name="orders", targetArns=[ARN.format("x")])
        ask, api, _ = await api_to(
            running, "http://a/", connectionType="VPC_LINK", connectionId=link["id"]
        )
        await ask.create_deployment(restApiId=api, stageName="prod")
        with pytest.raises(ClientError, match="is referenced in"):
            await ask.delete_vpc_link(vpcLinkId=link["id"])
        await ask.delete_stage(restApiId=api, stageName="prod")
        await ask.delete_vpc_link(vpcLinkId=link["id"])
        with pytest.raises(ClientError) as wrong:
            await ask.get_vpc_link(vpcLinkId=link["id"])
        assert told(wrong.value)[0] == "NotFoundException"


async def test_a_link_that_leads_nowhere_fails_and_cannot_be_deployed(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask = Asking(running.client())
        made = await ask.create_vpc_link(name="lost", targetArns=[ARN.format("lost")])
        link = await settled(ask, made["id"])
        assert (link["status"], "[vpc_links.lost]" in link["statusMessage"]) == ("FAILED", True)
        ask, api, _ = await api_to(
            running, "http://a/", connectionType="VPC_LINK", connectionId=made["id"]
        )
        with pytest.raises(ClientError, match="not known where this VPC link leads"):
            await ask.create_deployment(restApiId=api, stageName="prod")


async def test_a_link_needs_one_load_balancer(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask = Asking(running.client())
        with pytest.raises(ClientError, match="Network Load Balancer"):
            await ask.create_vpc_link(name="a", targetArns=["arn:aws:s3:::x"])


async def test_links_are_listed_and_renamed(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask = Asking(running.client())
        made = await ask.create_vpc_link(name="a", targetArns=[ARN.format("a")])
        await settled(ask, made["id"])
        await ask.update_vpc_link(
            vpcLinkId=made["id"],
            patchOperations=[{"op": "replace", "path": "/name", "value": "b"}],
        )
        assert [each["name"] for each in (await ask.get_vpc_links())["items"]] == ["b"]


def backend_tls(folder: Path, trusted: str) -> ssl.SSLContext:
    """A backend that lets in only who shows the trusted certificate."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("backend.internal").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    file = folder / "trusted.pem"
    file.write_text(trusted)
    context.load_verify_locations(str(file))
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def test_a_stage_shows_its_client_certificate(tmp_path: Path) -> None:
    async with gateway(tmp_path / "data") as running:
        ask = Asking(running.client())
        made = await ask.generate_client_certificate(description="ours")
        id, pem = made["clientCertificateId"], made["pemEncodedCertificate"]
        assert (made["expirationDate"] - made["createdDate"]).days == 365
        backend = await listen(echo, ssl=backend_tls(tmp_path, pem))
        ask, api, url = await api_to(
            running,
            f"https://127.0.0.1:{backend.port}/safe",
            tlsConfig={"insecureSkipVerification": True},
        )
        await ask.create_deployment(restApiId=api, stageName="prod")
        await until(url, 504)
        show = [{"op": "replace", "path": "/clientCertificateId", "value": id}]
        await ask.update_stage(restApiId=api, stageName="prod", patchOperations=show)
        assert (await until(url, 200)).text == f"127.0.0.1:{backend.port} /safe"
        with pytest.raises(ClientError, match="is in use by stage"):
            await ask.delete_client_certificate(clientCertificateId=id)
        stored = b"".join(each.read_bytes() for each in (tmp_path / "data").glob("torana.db*"))
        assert b"PRIVATE KEY" not in stored
        await backend.close()


async def test_client_certificates_are_described_listed_and_deleted(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask = Asking(running.client())
        id = (await ask.generate_client_certificate())["clientCertificateId"]
        change = [{"op": "replace", "path": "/description", "value": "new"}]
        await ask.update_client_certificate(clientCertificateId=id, patchOperations=change)
        (found,) = (await ask.get_client_certificates())["items"]
        assert (found["clientCertificateId"], found["description"]) == (id, "new")
        assert "sealedKey" not in found
        await ask.delete_client_certificate(clientCertificateId=id)
        with pytest.raises(ClientError, match="Invalid Client Certificate identifier specified"):
            await ask.get_client_certificate(clientCertificateId=id)


async def test_a_certificate_nobody_vouches_for_is_refused_unless_told(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    backend = await listen(echo, ssl=context)
    uri = f"https://127.0.0.1:{backend.port}/"
    async with gateway(tmp_path) as running:
        ask, api, url = await api_to(running, uri)
        await ask.create_deployment(restApiId=api, stageName="prod")
        await until(url, 504)
        trusting, other, other_url = await api_to(
            running, uri, tlsConfig={"insecureSkipVerification": True}
        )
        await trusting.create_deployment(restApiId=other, stageName="prod")
        await until(other_url, 200)
        async with httpx.AsyncClient() as client:
            assert (await client.get(url)).status_code == 504
    await backend.close()
