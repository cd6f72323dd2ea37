"""Certificates that a real ACME authority issues (Pebble, where it is installed)."""

import asyncio
import json
import shutil
import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from botocore.exceptions import ClientError

from tests.services.apigateway.making import Asking, Running, gateway
from torana.settings import Acme, TlsFiles

NAME = "api.example.com"
HTTP = {"ValidationMethod": "HTTP"}
pebble = pytest.mark.skipif(
    shutil.which("pebble") is None or shutil.which("pebble-challtestsrv") is None,
    reason="pebble is not installed",
)


def free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@asynccontextmanager
async def authority(folder: Path, http: int) -> AsyncGenerator[Acme]:
    """Pebble, which looks for challenges at a port of this machine, whatever the name."""
    own = trustme.CA()
    issued = own.issue_cert("127.0.0.1", "localhost")
    issued.cert_chain_pems[0].write_to_path(folder / "pebble.pem")
    issued.private_key_pem.write_to_path(folder / "pebble.key")
    own.cert_pem.write_to_path(folder / "pebble-ca.pem")
    port, dns, control = free(), free(), free()
    config = {
        "listenAddress": f"127.0.0.1:{port}",
        "managementListenAddress": f"127.0.0.1:{free()}",
        "certificate": str(folder / "pebble.pem"),
        "privateKey": str(folder / "pebble.key"),
        "httpPort": http,
        "tlsPort": free(),
        "ocspResponderURL": "",
        "externalAccountBindingRequired": False,
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": config}))
    names = [
        *("pebble-challtestsrv", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""),
        *("-dns01", f"127.0.0.1:{dns}", "-management", f"127.0.0.1:{control}"),
        *("-http01", "", "-https01", "", "-tlsalpn01", ""),
    ]
    issuer = [
        *("pebble", "-config", str(folder / "pebble.json"), "-dnsserver", f"127.0.0.1:{dns}"),
        "-strict",
    ]
    quiet: dict[str, Any] = {"stdout": asyncio.subprocess.DEVNULL}
    quiet["stderr"] = asyncio.subprocess.DEVNULL
    quick = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
    resolver = await asyncio.create_subprocess_exec(*names, **quiet)
    server = await asyncio.create_subprocess_exec(*issuer, env=quick, **quiet)
    try:
        for _ in range(200):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except OSError:
                await asyncio.sleep(0.05)
        directory = f"https://localhost:{port}/dir"
        yield Acme(directory, True, "ops@example.com", str(folder / "pebble-ca.pem"))
    finally:
        for process in (server, resolver):
            if process.returncode is None:
                process.kill()
            await process.wait()


async def settled(acm: Asking, arn: str, before: str = "") -> dict[str, Any]:
    """A certificate that is pending no more, and another than before."""
    for _ in range(300):
        found = (await acm.describe_certificate(CertificateArn=arn))["Certificate"]
        if found["Status"] != "PENDING_VALIDATION" and found.get("Serial") != before:
            return dict(found)
        await asyncio.sleep(0.1)
    pytest.fail("the certificate is neither issued nor refused")


async def shown(running: Running, name: str) -> int:
    """The serial number of what is shown under a name."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    _, writer = await asyncio.open_connection(
        "127.0.0.1", running.node.front_port, ssl=context, server_hostname=name
    )
    try:
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.transport.abort()
    from cryptography import x509

    return x509.load_der_x509_certificate(der).serial_number


@pebble
async def test_a_certificate_is_issued_shown_and_renewed(tmp_path: Path) -> None:
    own, redirect = trustme.CA().issue_cert("localhost"), free()
    own.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    own.private_key_pem.write_to_path(tmp_path / "key.pem")
    tls = TlsFiles(str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"), redirect_port=redirect)
    async with authority(tmp_path, redirect) as acme, gateway(tmp_path, tls=tls, acme=acme) as node:
        acm, apis = Asking(node.client("acm")), Asking(node.client("apigatewayv2"))
        wanted = {"DomainName": NAME, "SubjectAlternativeNames": ["www.example.com"], **HTTP}
        arn = (await acm.request_certificate(**wanted, IdempotencyToken="one"))["CertificateArn"]
        again = await acm.request_certificate(**wanted, IdempotencyToken="one")
        assert again["CertificateArn"] == arn
        found = await settled(acm, arn)
        assert (found["Status"], found["Type"]) == ("ISSUED", "AMAZON_ISSUED")
        assert set(found["SubjectAlternativeNames"]) == {NAME, "www.example.com"}
        assert {each["ValidationStatus"] for each in found["DomainValidationOptions"]} == {
            "SUCCESS"
        }
        await apis.create_domain_name(
            DomainName=NAME,
            DomainNameConfigurations=[{"CertificateArn": arn, "EndpointType": "REGIONAL"}],
        )
        await until(node, int(found["Serial"].replace(":", ""), 16))
        await acm.renew_certificate(CertificateArn=arn)
        renewed = await settled(acm, arn, found["Serial"])
        await until(node, int(renewed["Serial"].replace(":", ""), 16))


async def until(node: Running, serial: int) -> None:
    for _ in range(100):
        if await shown(node, NAME) == serial:
            return
        await asyncio.sleep(0.05)
    pytest.fail("the certificate is not shown")


@pebble
async def test_a_name_that_is_not_ours_is_not_certified(tmp_path: Path) -> None:
    async with authority(tmp_path, free()) as acme, gateway(tmp_path, acme=acme) as node:
        acm = Asking(node.client("acm"))
        arn = (await acm.request_certificate(DomainName=NAME, **HTTP))["CertificateArn"]
        found = await settled(acm, arn)
        assert (found["Status"], found["FailureReason"]) == ("FAILED", "OTHER")
        with pytest.raises(ClientError, match="RequestInProgressException"):
            await acm.get_certificate(CertificateArn=arn)


async def test_what_cannot_be_issued_is_refused(tmp_path: Path) -> None:
    acme = Acme("https://localhost:9/dir", True)
    async with gateway(tmp_path, acme=acme) as node:
        acm = Asking(node.client("acm"))
        for fields, why in (
            ({"ValidationMethod": "DNS"}, "must be HTTP"),
            ({**HTTP, "SubjectAlternativeNames": ["*.example.com"]}, "Wildcards"),
            ({**HTTP, "KeyAlgorithm": "RSA_4096"}, "KeyAlgorithm"),
        ):
            with pytest.raises(ClientError, match=why):
                await acm.request_certificate(DomainName=NAME, **fields)
    async with gateway(tmp_path) as node:
        with pytest.raises(ClientError, match=r"set \[acme\]"):
            await Asking(node.client("acm")).request_certificate(DomainName=NAME, **HTTP)
