"""Parameter Store through boto3: versions, paths, secrets, tags, refusals."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic

from collections.abc import Generator

import pytest
from botocore.exceptions import ClientError

from tests.services.running import Clients, services
from torana.state.memory import MemoryStore

pytestmark = pytest.mark.timeout(180)
STORE = MemoryStore(100)


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Generator[Clients]:
    with services(tmp_path_factory.mktemp("ssm"), store=STORE) as made:
        yield made


def test_a_parameter_has_versions(clients: Clients) -> None:
    ssm = clients("ssm")
    tags = [{"Key": "team", "Value": "red"}]
    assert ssm.put_parameter(Name="/v/a", Value="1", Type="String", Tags=tags)["Version"] == 1
    with pytest.raises(ClientError, match="ParameterAlreadyExists"):
        ssm.put_parameter(Name="/v/a", Value="2", Type="String")
    assert ssm.put_parameter(Name="/v/a", Value="2", Overwrite=True)["Version"] == 2
    assert ssm.get_parameter(Name="/v/a")["Parameter"]["Value"] == "2"
    first = ssm.get_parameter(Name="/v/a:1")["Parameter"]
    assert (first["Value"], first["Selector"]) == ("1", ":1")
    assert ssm.get_parameter(Name=first["ARN"])["Parameter"]["Value"] == "2"
    history = ssm.get_parameter_history(Name="/v/a")["Parameters"]
    assert [each["Value"] for each in history] == ["1", "2"]
    kept = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="/v/a")
    assert kept["TagList"] == tags
    with pytest.raises(ClientError, match="ParameterVersionNotFound"):
        ssm.get_parameter(Name="/v/a:9")
    ssm.delete_parameter(Name="/v/a")
    with pytest.raises(ClientError, match="ParameterNotFound"):
        ssm.get_parameter(Name="/v/a")


def test_parameters_are_found_by_path_and_by_what_they_are(clients: Clients) -> None:
    ssm = clients("ssm")
    for name in ("/p/a", "/p/b", "/p/deep/c", "plain"):
        ssm.put_parameter(Name=name, Value=name, Type="String")
    near = ssm.get_parameters_by_path(Path="/p")["Parameters"]
    assert [each["Name"] for each in near] == ["/p/a", "/p/b"]
    pages = ssm.get_paginator("get_parameters_by_path").paginate(
        Path="/p", Recursive=True, PaginationConfig={"PageSize": 2}
    )
    assert [e["Value"] for page in pages for e in page["Parameters"]] == [
        *("/p/a", "/p/b", "/p/deep/c"),
    ]
    named = [{"Key": "Name", "Option": "Contains", "Values": ["lai"]}]
    found = ssm.describe_parameters(ParameterFilters=named)["Parameters"]
    assert [each["Name"] for each in found] == ["plain"]
    assert "Value" not in found[0]
    several = ssm.get_parameters(Names=["/p/a", "/nowhere"])
    assert several["InvalidParameters"] == ["/nowhere"]
    gone = ssm.delete_parameters(Names=["/p/a", "/p/b", "/p/deep/c", "plain", "/nowhere"])
    assert len(gone["DeletedParameters"]) == 4


async def _kept(name: str) -> bytes:
    found = await STORE.get("ssm-parameter", name)
    assert found is not None
    return found.body


async def test_secret_values_are_sealed_and_opened_for_who_may(clients: Clients) -> None:
    ssm, kms = clients("ssm"), clients("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    for name, more in (("/s/own", {}), ("/s/key", {"KeyId": key})):
        ssm.put_parameter(Name=name, Value="hush-hush", Type="SecureString", **more)
        assert b"hush-hush" not in await _kept(name)
        assert "hush" not in ssm.get_parameter(Name=name)["Parameter"]["Value"]
        opened = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]
        assert opened["Value"] == "hush-hush"
    kms.disable_key(KeyId=key)
    with pytest.raises(ClientError, match="InvalidKeyId"):
        ssm.get_parameter(Name="/s/key", WithDecryption=True)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"Name": "aws-own"}, "No access to reserved parameter name"),
        ({"Name": "a/b"}, "fully qualified name"),
        ({"Name": "a b"}, "Parameter name"),
        ({"Value": "x" * 4097}, "maximum parameter value of 4096"),
        ({"AllowedPattern": "[0-9]+"}, "ParameterPatternMismatch"),
        ({"DataType": "aws:ec2:image"}, "data type is not supported"),
        ({"Policies": "[]"}, "not supported here"),
        ({"Name": "/".join(["", *"abcdefghijklmnop"])}, "HierarchyLevelLimitExceeded"),
    ],
)
def test_parameters_that_cannot_be_are_refused(
    clients: Clients, asked: dict[str, str], said: str
) -> None:
    with pytest.raises(ClientError, match=said):
        clients("ssm").put_parameter(**{"Name": "ok", "Value": "x", "Type": "String", **asked})
