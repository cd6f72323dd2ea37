"""ACM through boto3."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trustme
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import serialization

from tests.services.apigateway.making import Asking, told
from tests.services.serving import client, make_router, parts, serving
from torana.services.acm.records import CERTIFICATE
from torana.services.seal import KeyFile
from torana.state.memory import MemoryStore


class Acm:
    """The service, and an authority."""

    def __init__(self, ask: Asking, store: MemoryStore) -> None:
        self.ask, self.store, self.authority = ask, store, trustme.CA()

    def issued(self, *names: str, **fields: Any) -> dict[str, bytes]:
        made = self.authority.issue_cert(*names, **fields)
        return {
            "Certificate": made.cert_chain_pems[0].bytes(),
            "PrivateKey": made.private_key_pem.bytes(),
            "CertificateChain": self.authority.cert_pem.bytes(),
        }

    async def refused(self, **fields: Any) -> str:
        with pytest.raises(ClientError) as caught:
            await self.ask.import_certificate(**fields)
        code, message = told(caught.value)
        assert code == "ValidationException"
        return message


@asynccontextmanager
async def acm(folder: Path) -> AsyncGenerator[Acm]:
    store = MemoryStore(100)
    of = msgspec.structs.replace(parts(), store=store, master=KeyFile(folder / "master.key"))
    async with serving(make_router(of=of).handle) as listener:
        yield Acm(Asking(client("acm", listener.port)), store)


async def test_a_certificate_is_imported_and_described(tmp_path: Path) -> None:
    async with acm(tmp_path) as at:
        given = at.issued("a.example.com", "*.b.example.com", common_name="a.example.com")
        arn = (await at.ask.import_certificate(**given))["CertificateArn"]
        assert arn.startswith("arn:aws:acm:eu-west-1:000000000000:certificate/")
        found = (await at.ask.describe_certificate(CertificateArn=arn))["Certificate"]
        assert (found["DomainName"], found["Status"], found["Type"]) == (
            "a.example.com",
            "ISSUED",
            "IMPORTED",
        )
        assert found["SubjectAlternativeNames"] == ["a.example.com", "*.b.example.com"]
        assert found["KeyAlgorithm"] == "EC-prime256v1"
        assert found["SignatureAlgorithm"] == "SHA256WITHECDSA"
        assert found["NotBefore"] < datetime.now(UTC) < found["NotAfter"]
        got = await at.ask.get_certificate(CertificateArn=arn)
        assert got["Certificate"].encode() == given["Certificate"]
        (listed,) = (await at.ask.list_certificates())["CertificateSummaryList"]
        assert (listed["CertificateArn"], listed["InUse"]) == (arn, False)
        assert (await at.ask.list_certificates(CertificateStatuses=["EXPIRED"]))[
            "CertificateSummaryList"
        ] == []


async def test_private_keys_are_sealed_and_never_told(tmp_path: Path) -> None:
    async with acm(tmp_path) as at:
        given = at.issued("a.example.com")
        arn = (await at.ask.import_certificate(**given))["CertificateArn"]
        secret = given["PrivateKey"].split(b"\n")[1]
        async for document in at.store.scan(CERTIFICATE):
            assert secret not in document.body
        with pytest.raises(ClientError, match="is not a private certificate"):
            await at.ask.export_certificate(CertificateArn=arn, Passphrase=b"1234")


async def test_a_certificate_is_imported_again_under_its_arn(tmp_path: Path) -> None:
    async with acm(tmp_path) as at:
        arn = (await at.ask.import_certificate(**at.issued("a.example.com")))["CertificateArn"]
        before = (await at.ask.describe_certificate(CertificateArn=arn))["Certificate"]
        await at.ask.import_certificate(CertificateArn=arn, **at.issued("a.example.com"))
        after = (await at.ask.describe_certificate(CertificateArn=arn))["Certificate"]
        assert before["Serial"] != after["Serial"]
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            await at.ask.import_certificate(CertificateArn=arn[:-1], **at.issued("b.example.com"))


async def test_what_does_not_fit_together_is_refused(tmp_path: Path) -> None:
    async with acm(tmp_path) as at:
        good, other = at.issued("a.example.com"), at.issued("b.example.com")
        assert "not the one" in await at.refused(**{**good, "PrivateKey": other["PrivateKey"]})
        assert "more than one" in await at.refused(
            **{**good, "Certificate": good["Certificate"] + other["Certificate"]}
        )
        stranger = {**good, "CertificateChain": trustme.CA().cert_pem.bytes()}
        assert "certificate chain" in await at.refused(**stranger)
        del stranger["CertificateChain"]
        assert "not a valid self signed" in await at.refused(**stranger)
        late = datetime.now(UTC) - timedelta(days=1)
        assert "at this time" in await at.refused(**at.issued("c.example.com", not_after=late))
        key = serialization.load_pem_private_key(good["PrivateKey"], None)
        locked = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
        assert "encrypted" in await at.refused(**{**good, "PrivateKey": locked})
        assert "PEM" in await at.refused(**{**good, "Certificate": b"no"})


async def test_certificates_have_tags(tmp_path: Path) -> None:
    async with acm(tmp_path) as at:
        tags = [{"Key": "team", "Value": "red"}]
        made = await at.ask.import_certificate(**at.issued("a.example.com"), Tags=tags)
        arn = made["CertificateArn"]
        more = [{"Key": "cost", "Value": "1"}]
        await at.ask.add_tags_to_certificate(CertificateArn=arn, Tags=more)
        assert (await at.ask.list_tags_for_certificate(CertificateArn=arn))["Tags"] == tags + more
        await at.ask.remove_tags_from_certificate(CertificateArn=arn, Tags=[{"Key": "team"}])
        assert (await at.ask.list_tags_for_certificate(CertificateArn=arn))["Tags"] == more


async def test_a_deleted_certificate_is_gone(tmp_path: Path) -> None:
    async with acm(tmp_path) as at:
        arn = (await at.ask.import_certificate(**at.issued("a.example.com")))["CertificateArn"]
        await at.ask.delete_certificate(CertificateArn=arn)
        for operation in ("describe_certificate", "delete_certificate"):
            with pytest.raises(ClientError, match="ResourceNotFoundException"):
                await getattr(at.ask, operation)(CertificateArn=arn)
        with pytest.raises(ClientError, match="InvalidArnException"):
            await at.ask.describe_certificate(
                CertificateArn="arn:aws:acm:eu-west-1:000000000000:other/x"
            )
