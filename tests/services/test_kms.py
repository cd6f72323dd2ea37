"""Keys through boto3: what they encrypt, how long they do, and what is kept of them."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.services.apigateway.making import told
from tests.services.running import services
from torana.services.seal import KeyFile


@pytest.fixture(scope="module")
def kms(tmp_path_factory: pytest.TempPathFactory) -> Generator[Any]:
    folder = tmp_path_factory.mktemp("kms")
    with services(folder) as clients:
        yield clients("kms")
    assert (folder / "master.key").stat().st_mode & 0o777 == 0o600


def key(kms: Any, **options: Any) -> str:
    return kms.create_key(**options)["KeyMetadata"]["KeyId"]


def refused(operation: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as failure:
        operation(**params)
    return told(failure.value)


def test_what_is_encrypted_is_decrypted_by_whoever_has_the_context(kms: Any) -> None:
    id = key(kms)
    context = {"tenant": "a", "b": "c"}
    made = kms.encrypt(KeyId=id, Plaintext=b"secret", EncryptionContext=context)
    assert b"secret" not in made["CiphertextBlob"]
    same = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=context)
    assert (same["Plaintext"], same["KeyId"]) == (b"secret", made["KeyId"])
    for other in ({}, {"tenant": "b", "b": "c"}):
        blob = made["CiphertextBlob"]
        code, _ = refused(kms.decrypt, CiphertextBlob=blob, EncryptionContext=other)
        assert code == "InvalidCiphertextException"


def test_a_ciphertext_that_was_changed_is_none(kms: Any) -> None:
    blob = kms.encrypt(KeyId=key(kms), Plaintext=b"secret")["CiphertextBlob"]
    for place in (0, 5, 18, 25, len(blob) - 1):
        changed = blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :]
        assert refused(kms.decrypt, CiphertextBlob=changed)[0] == "InvalidCiphertextException"


def test_another_key_than_the_ciphertexts_is_the_wrong_one(kms: Any) -> None:
    blob = kms.encrypt(KeyId=key(kms), Plaintext=b"x")["CiphertextBlob"]
    code, _ = refused(kms.decrypt, CiphertextBlob=blob, KeyId=key(kms))
    assert code == "IncorrectKeyException"


def test_data_keys_come_plain_and_encrypted(kms: Any) -> None:
    id = key(kms)
    made = kms.generate_data_key(KeyId=id, KeySpec="AES_256")
    assert len(made["Plaintext"]) == 32
    assert kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == made["Plaintext"]
    alone = kms.generate_data_key_without_plaintext(KeyId=id, NumberOfBytes=7)
    assert "Plaintext" not in alone
    assert len(kms.decrypt(CiphertextBlob=alone["CiphertextBlob"])["Plaintext"]) == 7
    assert refused(kms.generate_data_key, KeyId=id)[0] == "ValidationException"
    assert len(kms.generate_random(NumberOfBytes=9)["Plaintext"]) == 9


def test_an_alias_leads_to_its_key_and_may_lead_to_another(kms: Any) -> None:
    first, second = key(kms), key(kms)
    kms.create_alias(AliasName="alias/a", TargetKeyId=first)
    assert kms.describe_key(KeyId="alias/a")["KeyMetadata"]["KeyId"] == first
    assert refused(kms.create_alias, AliasName="alias/a", TargetKeyId=first)[0] == (
        "AlreadyExistsException"
    )
    blob = kms.encrypt(KeyId="alias/a", Plaintext=b"x")["CiphertextBlob"]
    kms.update_alias(AliasName="alias/a", TargetKeyId=second)
    listed = kms.list_aliases(KeyId=second)["Aliases"]
    assert [each["AliasName"] for each in listed] == ["alias/a"]
    assert kms.describe_key(KeyId=listed[0]["AliasArn"])["KeyMetadata"]["KeyId"] == second
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    moved = kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId="alias/a")
    assert moved["SourceKeyId"].endswith(first)
    assert moved["KeyId"].endswith(second)
    kms.delete_alias(AliasName="alias/a")
    code, message = refused(kms.describe_key, KeyId="alias/a")
    assert code == "NotFoundException"
    assert message == "Alias arn:aws:kms:eu-west-1:000000000000:alias/a is not found."
    assert refused(kms.create_alias, AliasName="a", TargetKeyId=first)[0] == "ValidationException"
    assert refused(kms.create_alias, AliasName="alias/aws/s3", TargetKeyId=first)[0] == (
        "InvalidAliasNameException"
    )


def test_rotated_keys_go_on_decrypting_what_they_encrypted_before(kms: Any) -> None:
    id = key(kms)
    before = kms.encrypt(KeyId=id, Plaintext=b"old")["CiphertextBlob"]
    kms.rotate_key_on_demand(KeyId=id)
    after = kms.encrypt(KeyId=id, Plaintext=b"new")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=before)["Plaintext"] == b"old"
    assert kms.decrypt(CiphertextBlob=after)["Plaintext"] == b"new"
    assert before[17:19] != after[17:19]
    assert [each["RotationType"] for each in kms.list_key_rotations(KeyId=id)["Rotations"]] == [
        "ON_DEMAND"
    ]
    assert kms.get_key_rotation_status(KeyId=id)["KeyRotationEnabled"] is False
    kms.enable_key_rotation(KeyId=id, RotationPeriodInDays=90)
    assert kms.get_key_rotation_status(KeyId=id)["RotationPeriodInDays"] == 90
    kms.disable_key_rotation(KeyId=id)
    assert kms.get_key_rotation_status(KeyId=id)["KeyRotationEnabled"] is False


def test_keys_that_are_off_or_to_be_deleted_do_nothing(kms: Any) -> None:
    id = key(kms)
    blob = kms.encrypt(KeyId=id, Plaintext=b"x")["CiphertextBlob"]
    kms.disable_key(KeyId=id)
    assert refused(kms.decrypt, CiphertextBlob=blob)[0] == "DisabledException"
    kms.enable_key(KeyId=id)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    kms.schedule_key_deletion(KeyId=id, PendingWindowInDays=7)
    assert kms.describe_key(KeyId=id)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert refused(kms.encrypt, KeyId=id, Plaintext=b"x")[0] == "KMSInvalidStateException"
    kms.cancel_key_deletion(KeyId=id)
    assert kms.describe_key(KeyId=id)["KeyMetadata"]["KeyState"] == "Disabled"
    assert refused(kms.describe_key, KeyId="1234abcd-12ab-34cd-56ef-1234567890ab") == (
        "NotFoundException",
        "Key 'arn:aws:kms:eu-west-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab' does "
        "not exist",
    )


def test_codes_of_messages_are_verified(kms: Any) -> None:
    id = key(kms, KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    asked = {"KeyId": id, "Message": b"hello", "MacAlgorithm": "HMAC_SHA_256"}
    mac = kms.generate_mac(**asked)["Mac"]
    assert len(mac) == 32
    assert kms.verify_mac(**asked, Mac=mac)["MacValid"] is True
    wrong = {**asked, "Message": b"other"}
    assert refused(kms.verify_mac, **wrong, Mac=mac)[0] == "KMSInvalidMacException"
    assert refused(kms.encrypt, KeyId=id, Plaintext=b"x")[0] == "InvalidKeyUsageException"
    long = {**asked, "MacAlgorithm": "HMAC_SHA_512"}
    assert refused(kms.generate_mac, **long)[0] == "InvalidKeyUsageException"


@pytest.mark.parametrize(
    "options",
    [
        {"KeySpec": "RSA_2048"},
        {"Origin": "EXTERNAL"},
        {"MultiRegion": True},
        {"Policy": '{"Statement": []}'},
    ],
)
def test_what_keys_here_cannot_be_is_refused(kms: Any, options: dict[str, Any]) -> None:
    assert refused(kms.create_key, **options)[0] == "UnsupportedOperationException"


def test_dry_runs_and_tags_and_pages(kms: Any) -> None:
    id = key(kms, Tags=[{"TagKey": "a", "TagValue": "1"}], Description="d")
    assert refused(kms.encrypt, KeyId=id, Plaintext=b"x", DryRun=True)[0] == (
        "DryRunOperationException"
    )
    kms.tag_resource(KeyId=id, Tags=[{"TagKey": "b", "TagValue": "2"}])
    kms.untag_resource(KeyId=id, TagKeys=["a"])
    assert kms.list_resource_tags(KeyId=id)["Tags"] == [{"TagKey": "b", "TagValue": "2"}]
    pages = kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2})
    ids = [each["KeyId"] for page in pages for each in page["Keys"]]
    assert id in ids
    assert len(ids) == len(set(ids))
    assert '"kms:*"' in kms.get_key_policy(KeyId=id)["Policy"]


def test_another_key_file_opens_nothing(tmp_path: Path) -> None:
    sealed = KeyFile(tmp_path / "one").close(b"material")
    assert b"material" not in sealed.encode()
    with pytest.raises(ValueError, match="not sealed"):
        KeyFile(tmp_path / "two").open(sealed)
