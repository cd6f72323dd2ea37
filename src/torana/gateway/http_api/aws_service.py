"""First-class integrations: an action of an AWS service, with parameters taken from the request.

Requests are written by botocore, as any client of the service writes them, and answered by this
gateway's service of that name or by AWS.
Source: Developer Guide, "Create AWS service integrations for HTTP APIs".
"""

from typing import Any, cast

import msgspec
from botocore.exceptions import ParamValidationError
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.serialize import create_serializer

from torana.gateway.address import with_query
from torana.gateway.contract import AwsCall, Context, Integration
from torana.gateway.errors import GatewayError, InvalidApi
from torana.gateway.function import method_arn
from torana.gateway.http_api.compiled import HttpCompiled
from torana.gateway.http_api.sources import source
from torana.gateway.upstream import buffer
from torana.message import Headers, Reply, Request
from torana.model.http_subtypes import SUBTYPES, Subtype

# botocore comes without types of its serializers.
# pyright: basic

Params = dict[str, Any]


def build(to: HttpCompiled) -> Integration:
    """Reads the service's model once. Raises `InvalidApi`."""
    name = to.integration.integration_subtype or ""
    subtype = SUBTYPES.get(name)
    if subtype is None:
        raise InvalidApi(f"there is no integration subtype {name!r}")
    sources = {
        key: source(value, reply=False) for key, value in to.integration.request_parameters.items()
    }
    write = _writer(subtype)
    prefix, call = _model(subtype.service).endpoint_prefix, to.ports.aws
    region, timeout = to.ports.region, to.integration.timeout_in_millis / 1000
    credentials = to.integration.credentials_arn

    async def aws_service(ctx: Context) -> Reply:
        params = {key: value for key, get in sources.items() if (value := get(ctx, None))}
        where = params.pop("Region", region)
        request = write(params, ctx)
        try:
            source, caller = method_arn(ctx, to), ctx.principal.identity
            asked = AwsCall(
                prefix, where, "", request, credentials, timeout, source=source, caller=caller
            )
            reply = await call(asked)
        except TimeoutError as error:
            raise GatewayError("INTEGRATION_TIMEOUT", detail=str(error)) from error
        except ConnectionError as error:
            raise GatewayError("INTEGRATION_FAILURE", detail=str(error)) from error
        ctx.integration_status = reply.status
        reply = await buffer(reply)
        kind = reply.headers.get("content-type") or "application/json"
        return Reply(reply.status, Headers([("Content-Type", kind)]), reply.body)

    return aws_service


def _model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def _writer(subtype: Subtype) -> "Any":
    model = _model(subtype.service)
    operation = model.operation_model(subtype.operation)
    serializer = create_serializer(model.resolved_protocol, include_validation=True)
    shape_of = _SHAPERS.get(subtype.operation, _shaped)

    def write(params: Params, ctx: Context) -> Request:
        try:
            members = shape_of(params, operation)
            made = serializer.serialize_to_request(members, operation)
        except (ParamValidationError, ValueError) as error:
            raise GatewayError("BAD_REQUEST_PARAMETERS", detail=str(error)) from error
        return _request(made, ctx)

    return write


def _request(made: dict[str, Any], ctx: Context) -> Request:
    body, query = made["body"] or b"", made["query_string"] or {}
    target = with_query(made["url_path"], {name: [str(each)] for name, each in query.items()})
    items = [*made["headers"].items(), ("X-Amzn-Trace-Id", ctx.trace_id)]
    data = body.encode() if isinstance(body, str) else body
    return Request(made["method"], target, Headers(items), data, ctx.request.peer)


def _shaped(params: Params, operation: OperationModel) -> Params:
    """Texts as what the operation takes. Raises `ValueError`."""
    members = cast(Any, operation.input_shape).members
    found: Params = {}
    for key, value in params.items():
        name = key if key in members else key[:1].lower() + key[1:]
        if name not in members:
            raise ValueError(f"{operation.name} has no parameter {key}")
        found[name] = _value(value, members[name])
    return found


def _event(params: Params, operation: OperationModel) -> Params:
    """One event of PutEvents."""
    entries = cast(Any, operation.input_shape).members["Entries"].member.members
    return {"Entries": [{key: _value(value, entries[key]) for key, value in params.items()}]}


_SHAPERS = {"PutEvents": _event}


def _value(text: str, shape: Shape) -> Any:
    kind = shape.type_name
    if kind in ("integer", "long"):
        return int(text)
    if kind == "boolean":
        return text.lower() == "true"
    if kind == "blob":
        return text.encode()
    if kind in ("structure", "map"):
        return msgspec.json.decode(text)
    if kind == "list":
        stripped = text.strip()
        if stripped.startswith("["):
            return msgspec.json.decode(stripped)
        return [each.strip() for each in text.split(",")]
    if kind == "timestamp":
        return text if not text.isdecimal() else int(text)
    return text
