"""What `torana import`, `deploy` and `export` do for HTTP APIs."""

from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from torana.cli.gateway import ask, client
from torana.openapi import InvalidDocument
from torana.openapi.opened import opened
from torana.openapi.read import is_http

SERVICE = "apigatewayv2"


def is_document(text: str, name: str) -> bool:
    """Whether a document says that it is of an HTTP API; what is none is not."""
    try:
        return is_http(opened(text, name))
    except InvalidDocument:
        return False


def is_there(data: Path, api: str) -> bool:
    """Whether an id is of an HTTP API."""
    try:
        found: dict[str, Any] = client(data, SERVICE).get_api(ApiId=api)
    except ClientError:
        return False
    return found["ProtocolType"] == "HTTP"


def imported(data: Path, text: str, api: str | None, *, fail_on_warnings: bool) -> dict[str, Any]:
    """A new API, or `api` written over."""
    v2 = client(data, SERVICE)
    given = {"Body": text, "FailOnWarnings": fail_on_warnings}
    return ask(v2.reimport_api, ApiId=api, **given) if api else ask(v2.import_api, **given)


def deployed(data: Path, api: str, stage: str, variables: dict[str, str], description: str) -> str:
    """The id of a deployment to a stage, which is made if it is not there."""
    v2 = client(data, SERVICE)
    given = {"Description": description} if description else {}
    names = [each["StageName"] for each in ask(v2.get_stages, ApiId=api)["Items"]]
    place = {"ApiId": api, "StageName": stage}
    if stage not in names:
        ask(v2.create_stage, **place, StageVariables=variables)
    elif variables:
        ask(v2.update_stage, **place, StageVariables=variables)
    return ask(v2.create_deployment, **place, **given)["DeploymentId"]


def exported(data: Path, api: str, stage: str, *, as_yaml: bool, plain: bool) -> bytes:
    """What a stage serves as OpenAPI."""
    found = ask(
        client(data, SERVICE).export_api,
        ApiId=api,
        StageName=stage,
        Specification="OAS30",
        OutputType="YAML" if as_yaml else "JSON",
        IncludeExtensions=not plain,
    )
    return found["body"].read()
