import pytest

from tests.wire.asking import json_request, request
from torana.wire.catalog import Catalog
from torana.wire.model import UnknownService

CATALOG = Catalog(
    ["apigateway", "apigatewayv2", "comprehend", "sagemaker-runtime", "sts", "translate"]
)


def test_the_signature_names_the_service() -> None:
    assert CATALOG.find(request(), "sts") == "sts"


def test_the_target_names_the_service_of_an_unsigned_request() -> None:
    asked = json_request("AWSShineFrontendService_20170701.TranslateText", {})
    assert CATALOG.find(asked) == "translate"


def test_the_path_names_the_service_in_rpc_v2() -> None:
    asked = request(target="/service/Comprehend_20171127/operation/DetectSentiment")
    assert CATALOG.find(asked) == "comprehend"


@pytest.mark.parametrize(
    ("target", "name"), [("/restapis", "apigateway"), ("/v2/apis", "apigatewayv2")]
)
def test_services_that_sign_alike_are_told_by_their_paths(target: str, name: str) -> None:
    assert CATALOG.find(request("GET", target), "apigateway") == name


def test_a_service_that_is_not_there_is_none() -> None:
    assert CATALOG.find(request(), "s3") is None
    assert CATALOG.find(request()) is None


@pytest.mark.parametrize(
    ("subdomain", "service", "name"),
    [
        ("", "comprehend", "comprehend"),
        ("runtime", "sagemaker", "sagemaker-runtime"),
        ("account", "sts", "sts"),
        ("", "s3", None),
    ],
)
def test_integrations_find_services_by_endpoint(
    subdomain: str, service: str, name: str | None
) -> None:
    assert CATALOG.by_endpoint(subdomain, service) == name


@pytest.mark.parametrize("name", ["nothing", "../botocore", ".", "s3/2006-03-01"])
def test_only_botocores_services_are_known(name: str) -> None:
    with pytest.raises(UnknownService):
        Catalog([name])
