"""Values for any shape of a service model, and botocore's own two ends of the wire."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Any

from botocore.awsrequest import HeadersDict, create_request_object, prepare_request_dict
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from torana.message import Headers, Reply, Request
from torana.wire.model import Ref, Service, Shape

TEXTS = (
    "plain",
    "two words",
    "ünïcode €",
    '<tag> & "quote"',
    "a,b",
    "100%",
    "a+b=c/d?e",
    "tab\tend",
)
WORDS = ("plain", "word-2", "a.b_c~d", "x" * 40)
START = datetime(2020, 2, 29, 12, 30, 15, tzinfo=UTC)


@lru_cache(maxsize=4)
def botocore_model(name: str) -> ServiceModel:
    return ServiceModel(
        Loader(include_default_extras=False).load_service_model(name, "service-2"),
        service_name=name,
    )


class Samples:
    """Makes params. `plain` values are for where text cannot be anything: paths and headers."""

    def __init__(self, service: Service, seed: int) -> None:
        self._shapes = service.shapes
        self._random = Random(seed)

    def of(self, ref: Ref | None) -> dict[str, Any]:
        return {} if ref is None else self._structure(self._shapes[ref.shape], 0)

    def _structure(self, shape: Shape, depth: int) -> dict[str, Any]:
        names = [name for name in shape.members if self._wanted(name, shape, depth)]
        if shape.union:
            names = names[:1]
        made: dict[str, Any] = {}
        for name in names:
            ref = shape.members[name]
            if ref.location == "statusCode":
                made[name] = 202
                continue
            value = self.value(ref, depth + 1, plain=bool(ref.location) or ref.xml_attribute)
            if value is not None:
                made[name] = value
        return made

    def _wanted(self, name: str, shape: Shape, depth: int) -> bool:
        ref = shape.members[name]
        if self._shapes[ref.shape].eventstream:
            return False
        if name in shape.required or ref.location == "uri" or depth == 0:
            return True
        return depth < 4 and self._random.random() < 0.7

    def value(self, ref: Ref, depth: int, *, plain: bool = False) -> Any:
        shape = self._shapes[ref.shape]
        if ref.jsonvalue and ref.location:
            return {"a": [1, "b"]}
        if shape.document:
            return {"any": [1, 2.5, None, {"x": "y"}]}
        if shape.type == "structure":
            return self._structure(shape, depth) or None
        if shape.type == "list" and shape.member is not None:
            return self._list(shape.member, depth, plain)
        if shape.type == "map" and shape.key is not None and shape.value is not None:
            value = self.value(shape.value, depth + 1, plain=plain)
            key = self.value(shape.key, depth + 1, plain=True)
            return None if value is None or key is None else {key: value}
        return self._scalar(shape, plain)

    def _list(self, member: Ref, depth: int, plain: bool) -> list[Any] | None:
        if depth > 6:
            return None
        items = [self.value(member, depth + 1, plain=plain) for _ in range(2)]
        return [item for item in items if item is not None] or None

    def _scalar(self, shape: Shape, plain: bool) -> Any:
        pick = self._random
        if shape.enum:
            return pick.choice(shape.enum)
        match shape.type:
            case "string" | "character":
                return pick.choice(WORDS if plain else TEXTS)
            case "blob":
                return pick.randbytes(pick.randint(1, 9))
            case "boolean":
                return pick.random() < 0.5
            case "float":
                return pick.randint(-1000, 1000) / 8
            case "double" | "bigdecimal":
                return pick.uniform(-1e6, 1e6)
            case "timestamp":
                return START + timedelta(seconds=pick.randint(0, 10**8))
            case "byte":
                return pick.randint(-100, 100)
            case _:
                return pick.randint(0, 30000)


def sent_by_botocore(model: OperationModel, protocol: str, params: dict[str, Any]) -> Request:
    """The request that botocore makes of params."""
    serializer: Any = create_serializer(protocol, include_validation=False)
    asked: dict[str, Any] = serializer.serialize_to_request(params, model)
    asked.setdefault("context", {})
    prepare_request_dict(asked, endpoint_url="http://localhost:8081")
    prepared: Any = create_request_object(asked).prepare()
    body = prepared.body
    if body is None:
        body = b""
    elif not isinstance(body, bytes):
        body = body.encode() if isinstance(body, str) else bytes(body.read())
    items = [(str(name), _text(value)) for name, value in prepared.headers.items()]
    return Request(
        prepared.method, prepared.url.removeprefix("http://localhost:8081"), Headers(items), body
    )


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def read_by_botocore(model: OperationModel, protocol: str, reply: Reply) -> dict[str, Any]:
    """What botocore makes of a reply, without its metadata."""
    parser: Any = create_parser(protocol)
    parser = create_parser(protocol)
    body: Any = reply.body
    answer = {
        "headers": HeadersDict(dict(reply.headers)),
        "status_code": reply.status,
        "body": Streamed(body) if model.has_streaming_output else body,
        "context": {"operation_name": model.name},
    }
    parsed: dict[str, Any] = parser.parse(answer, model.output_shape)
    parsed.pop("ResponseMetadata", None)
    return dict(plain_values(parsed))


class Streamed:
    def __init__(self, body: bytes) -> None:
        self.body = body


def plain_values(value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Moments in UTC, streams as bytes: comparable."""
    for name, item in value.items():
        yield name, plain_value(item)


def plain_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: plain_value(item) for name, item in value.items()}  # pyright: ignore
    if isinstance(value, list):
        return [plain_value(item) for item in value]  # pyright: ignore
    if isinstance(value, Streamed):
        return value.body
    return value.astimezone(UTC) if isinstance(value, datetime) else value
