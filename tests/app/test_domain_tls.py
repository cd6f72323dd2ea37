"""Custom domain names with TLS of their own: certificates of ACM, security policies, mutual TLS."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from botocore.exceptions import ClientError
from websockets.asyncio.client import connect

from tests.app.socket_making import Making
from tests.gateway.websocket.test_routes import told
from tests.services.apigateway.making import Asking, Running, gateway
from torana.settings import TlsFiles

NAME = "chat.example.com"
Context = ssl.SSLContext


class Secure:
    """A gateway with TLS, a stage under a custom domain name, and clients of it."""

    def __init__(self, running: Running, authority: trustme.CA, making: Making) -> None:
        self.running, self.authority, self.making = running, authority, making
        self.port = running.node.front_port
        self.acm = Asking(running.client("acm"))

    async def certificate(self, *names: str, again: str = "") -> str:
        """Import one for the names. Its ARN."""
        issued = self.authority.issue_cert(*names)
        chain = b"".join(each.bytes() for each in issued.cert_chain_pems[1:])
        fields: dict[str, Any] = {"CertificateArn": again} if again else {}
        made = await self.acm.import_certificate(
            Certificate=issued.cert_chain_pems[0].bytes(),
            PrivateKey=issued.private_key_pem.bytes(),
            CertificateChain=chain or self.authority.cert_pem.bytes(),
            **fields,
        )
        return str(made["CertificateArn"])

    def trusting(self) -> Context:
        context = ssl.create_default_context()
        self.authority.configure_trust(context)  # pyright: ignore[reportUnknownMemberType]
        return context

    async def ask(
        self, context: Context | None = None, name: str = NAME, host: str = ""
    ) -> tuple[int, str]:
        """The status of a plain request, and the certificate that was shown."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=context or self.trusting(), server_hostname=name
        )
        try:
            fields = f"Host: {host or name}\r\nConnection: close\r\n\r\n"
            writer.write(f"GET / HTTP/1.1\r\n{fields}".encode())
            line = await reader.readline()
            shown = writer.get_extra_info("peercert")
            if not line:
                raise ConnectionResetError
            return int(line.split()[1]), shown["serialNumber"]
        finally:
            writer.transport.abort()

    async def until(self, met: Callable[[tuple[int, str]], bool]) -> None:
        """Within the second that a change may take."""
        for _ in range(50):
            try:
                if met(await self.ask()):
                    return
            except (ssl.SSLError, ConnectionError):
                pass
            await asyncio.sleep(0.02)
        pytest.fail("the change is not live")

    async def refused(self, context: Context | None = None) -> bool:
        """Whether TLS comes to nothing."""
        try:
            await self.ask(context)
        except (ssl.SSLError, ConnectionError):
            return True
        return False


@asynccontextmanager
async def secure(folder: Path) -> AsyncGenerator[Secure]:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost", "other.example.com")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    tls = TlsFiles(str(folder / "cert.pem"), str(folder / "key.pem"))
    async with gateway(folder, tls=tls) as running:
        making = Making(running.client("apigatewayv2"), running.node.front_port)
        await making.api()
        await making.mock("$default", "$context.domainName")
        await making.deploy()
        yield Secure(running, authority, making)


async def domain(at: Secure, arn: str, **fields: Any) -> None:
    configuration = {"CertificateArn": arn, "EndpointType": "REGIONAL", **fields}
    ask = at.making.ask
    await ask.create_domain_name(DomainName=NAME, DomainNameConfigurations=[configuration])
    await ask.create_api_mapping(DomainName=NAME, ApiId=at.making.id, Stage="prod")
    await at.until(lambda answer: answer[0] == 426)


async def test_a_domain_shows_its_own_certificate_and_the_renewed_one_at_once(
    tmp_path: Path,
) -> None:
    async with secure(tmp_path) as at:
        arn = await at.certificate(NAME)
        assert await at.refused()
        await domain(at, arn)
        described = (await at.acm.describe_certificate(CertificateArn=arn))["Certificate"]
        _, serial = await at.ask()
        assert int(described["Serial"].replace(":", ""), 16) == int(serial, 16)
        assert described["InUseBy"] == [f"arn:aws:apigateway:us-east-1::/domainnames/{NAME}"]
        url = f"wss://{NAME}/"
        where: Any = {"host": "127.0.0.1", "port": at.port}
        async with connect(url, ssl=at.trusting(), ping_interval=None, **where) as client:
            assert await told(client, "x") == NAME
            await at.certificate(NAME, again=arn)
            await at.until(lambda answer: answer[1] != serial)
            assert await told(client, "x") == NAME
        with pytest.raises(ClientError, match="ResourceInUseException"):
            await at.acm.delete_certificate(CertificateArn=arn)
        await at.making.ask.delete_domain_name(DomainName=NAME)
        await at.acm.delete_certificate(CertificateArn=arn)
        assert (await at.ask(name="other.example.com"))[0] == 403


async def test_a_security_policy_is_the_least_version_that_is_spoken(tmp_path: Path) -> None:
    async with secure(tmp_path) as at:
        arn = await at.certificate(NAME)
        await domain(at, arn)
        old = at.trusting()
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        assert not await at.refused(old)
        only = "SecurityPolicy_TLS13_1_3_2025_09"
        changes = [{"op": "replace", "path": "/securityPolicy", "value": only}]
        rest = Asking(at.running.client())
        await rest.update_domain_name(domainName=NAME, patchOperations=changes)
        for _ in range(50):
            if await at.refused(old):
                break
            await asyncio.sleep(0.02)
        assert await at.refused(old)
        assert not await at.refused()


async def test_mutual_tls_lets_in_only_whom_the_trust_store_knows(tmp_path: Path) -> None:
    async with secure(tmp_path) as at:
        await domain(at, await at.certificate(NAME))
        clients, s3 = trustme.CA(), Asking(at.running.client("s3"))
        await s3.create_bucket(Bucket="trust")
        await s3.put_object(Bucket="trust", Key="ca.pem", Body=clients.cert_pem.bytes())
        ask = at.making.ask
        for uri, why in (("s3://trust/none.pem", "not found"), ("/ca.pem", "s3://bucket/key")):
            with pytest.raises(ClientError, match=why):
                await ask.update_domain_name(
                    DomainName=NAME, MutualTlsAuthentication={"TruststoreUri": uri}
                )
        mutual = {"TruststoreUri": "s3://trust/ca.pem"}
        made = await ask.update_domain_name(DomainName=NAME, MutualTlsAuthentication=mutual)
        assert made["MutualTlsAuthentication"] == mutual
        for _ in range(50):
            if await at.refused():
                break
            await asyncio.sleep(0.02)
        assert await at.refused()
        stranger = at.trusting()
        trustme.CA().issue_cert("me@example.com").configure_cert(stranger)  # pyright: ignore[reportUnknownMemberType]
        assert await at.refused(stranger)
        known = at.trusting()
        clients.issue_cert("me@example.com").configure_cert(known)  # pyright: ignore[reportUnknownMemberType]
        assert (await at.ask(known))[0] == 426
        assert (await at.ask(name="other.example.com", host=NAME))[0] == 403
        await ask.update_domain_name(DomainName=NAME, MutualTlsAuthentication={"TruststoreUri": ""})
        await at.until(lambda answer: answer[0] == 426)


async def test_mutual_tls_needs_a_door_with_tls(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        with pytest.raises(ClientError, match=r"set \[tls\]"):
            await Asking(running.client()).create_domain_name(
                domainName=NAME, mutualTlsAuthentication={"truststoreUri": "s3://a/b"}
            )
