"""Operations of this gateway's services, asked for in process as somebody, in the wire form that a
client would use: whatever a client may not do, a stack may not do either."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast
from urllib.parse import urlencode

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator
from msgspec import Struct, field

from torana.message import Headers, Reply, Request
from torana.message import read as read_body
from torana.services.cloudformation.faults import Unmade
from torana.services.members import part
from torana.services.ports import Principal
from torana.services.reach import Reach

Json = dict[str, Any]

_LONGEST = 16 * 1024 * 1024
_READING = ("Get", "List", "Describe")
_GONE = ("NotFound", "NoSuch", "NonExistent", "DoesNotExist", "Nonexistent")


class Refused(Unmade):
    """A service's own error."""

    def __init__(self, service: str, code: str, message: str, status: int, request: str) -> None:
        super().__init__(
            f"{message} (Service: {service}, Status Code: {status}, Request ID: {request})"
            if message
            else f"{code} (Service: {service}, Status Code: {status}, Request ID: {request})"
        )
        self.code, self.message, self.status = code, message, status

    @property
    def gone(self) -> bool:
        """Whether what was asked for is not there."""
        return any(mark in self.code for mark in _GONE) or (
            # IAM, Cognito and others put it into words.
            self.code in ("ValidationException", "ValidationError", "BadRequestException")
            and any(
                said in self.message.lower()
                for said in ("not found", "not exist", "could not find")
            )
        )


@lru_cache(maxsize=64)
def model(service: str) -> ServiceModel:
    """A service's model, by botocore's name."""
    found = cast(Any, Loader()).load_service_model(service, "service-2")
    return ServiceModel(found, service)


@lru_cache(maxsize=512)
def operation(service: str, name: str) -> OperationModel:
    """An operation's model. Raises `botocore.model.OperationNotFoundError`."""
    return model(service).operation_model(name)


def input_of(service: str, name: str) -> Shape:
    """What an operation takes."""
    shape = operation(service, name).input_shape
    assert shape is not None
    return shape


class Calls(Struct, frozen=True):
    """The services, as somebody."""

    reach: Reach
    principal: Principal
    region: str
    host: str = "localhost"
    """That the addresses of what is made are at."""
    token: str = ""
    """Of the principal's session."""
    done: list[str] = field(default_factory=list[str])
    """The operations that changed something."""

    async def __call__(self, service: str, name: str, /, **params: Any) -> Json:
        """What an operation answers. Raises `Refused`, and `Unmade` for params that the operation
        does not take."""
        found = operation(service, name)
        _validate(found, params)
        request = _request(service, found, params, self.host)
        if self.token:
            request.headers.add("X-Amz-Security-Token", self.token)
        try:
            reply = await self.reach.call(service, request, 60.0, self.principal, self.region)
        except (ConnectionError, TimeoutError) as error:
            raise Unmade(f"{service}:{name} cannot be asked: {error}") from error
        answer = await _read(service, found, reply)
        if not name.startswith(_READING):
            self.done.append(name)
        return answer


def _validate(found: OperationModel, params: Json) -> None:
    if found.input_shape is None:
        return
    report = ParamValidator().validate(params, found.input_shape)
    if report.has_errors():
        raise Unmade(f"Properties validation failed: {report.generate_report()}")


def _request(service: str, found: OperationModel, params: Json, host: str) -> Request:
    protocol = cast(str, model(service).metadata["protocol"])
    made = cast(Any, create_serializer(protocol)).serialize_to_request(params, found)
    body: Any = made["body"]
    if isinstance(body, Mapping):
        body = urlencode(cast(Json, body))
    data = body.encode() if isinstance(body, str) else bytes(body or b"")
    query: Any = made["query_string"]
    text = (
        urlencode(cast(Json, query), doseq=True) if isinstance(query, Mapping) else str(query or "")
    )
    path = cast(str, made["url_path"])
    target = f"{path}{'&' if '?' in path else '?'}{text}" if text else path
    headers = Headers([("Host", host), *((k, str(v)) for k, v in made["headers"].items())])
    return Request(cast(str, made["method"]), target, headers, data)


async def _read(service: str, found: OperationModel, reply: Reply) -> Json:
    body = await read_body(reply.body, _LONGEST)
    protocol = cast(str, model(service).metadata["protocol"])
    fields = {name.lower(): value for name, value in reply.headers}
    parsed: Json = cast(Any, create_parser(protocol)).parse(
        {"status_code": reply.status, "headers": fields, "body": body},
        None if found.has_streaming_output else found.output_shape,
    )
    if reply.status >= 300:
        error = part(parsed, "Error")
        asked = str(part(parsed, "ResponseMetadata").get("RequestId") or "")
        code, said = str(error.get("Code") or ""), str(error.get("Message") or "")
        raise Refused(model(service).service_id.hyphenize(), code, said, reply.status, asked)
    if found.has_streaming_output:
        parsed["Body"] = body
    parsed.pop("ResponseMetadata", None)
    return parsed
