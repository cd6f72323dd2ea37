"""botocore's service models as typed data, and our own in the same form. The only place that knows
where they are kept.

botocore's are read from the installed package's data files, without importing botocore's code.
"""

import gzip
import importlib.util
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import msgspec
from msgspec import Struct, field, structs


class XmlNamespace(Struct, frozen=True):
    """An `xmlns` attribute."""

    uri: str = ""
    prefix: str = ""


class Ref(Struct, frozen=True, rename="camel"):
    """The use of a shape: by a member, a list, a map, an operation."""

    shape: str
    location: str = ""
    location_name: str = ""
    query_name: str = ""
    flattened: bool = False
    xml_attribute: bool = False
    xml_namespace: XmlNamespace | None = None
    timestamp_format: str = ""
    jsonvalue: bool = False
    streaming: bool = False
    eventpayload: bool = False
    result_wrapper: str = ""


class ErrorTrait(Struct, frozen=True, rename="camel"):
    """How an error travels."""

    code: str = ""
    http_status_code: int = 0
    sender_fault: bool = False


class Shape(Struct, frozen=True, rename="camel"):
    """A type and its constraints."""

    type: str
    members: dict[str, Ref] = {}
    required: tuple[str, ...] = ()
    member: Ref | None = None
    key: Ref | None = None
    value: Ref | None = None
    min: float | None = None
    max: float | None = None
    pattern: str = ""
    enum: tuple[str, ...] = ()
    payload: str = ""
    location_name: str = ""
    flattened: bool = False
    timestamp_format: str = ""
    xml_namespace: XmlNamespace | None = None
    exception: bool = False
    fault: bool = False
    error: ErrorTrait | None = None
    document: bool = False
    eventstream: bool = False
    streaming: bool = False
    sensitive: bool = False
    sparse: bool = False
    union: bool = False


class Http(Struct, frozen=True, rename="camel"):
    """The REST binding of an operation; RPC services have POST and /."""

    method: str = "POST"
    request_uri: str = "/"
    response_code: int = 200


class Operation(Struct, frozen=True, rename="camel"):
    """What a service can be asked."""

    name: str
    http: Http = Http()
    input: Ref | None = None
    output: Ref | None = None
    errors: tuple[Ref, ...] = ()
    deprecated: bool = False
    compression: dict[str, list[str]] | None = field(name="requestcompression", default=None)
    """Set where a request may come compressed."""
    authtype: str = ""
    """`none`: clients do not sign it."""


class Metadata(Struct, frozen=True, rename="camel"):
    """What a service is called, here and there."""

    api_version: str
    endpoint_prefix: str
    protocol: str
    service_id: str = ""
    service_full_name: str = ""
    signing_name: str = ""
    target_prefix: str = ""
    json_version: str = "1.0"
    protocols: tuple[str, ...] = ()
    xml_namespace: str = ""
    global_endpoint: str = ""
    aws_query_compatible: dict[str, str] | None = None

    def signs_as(self) -> str:
        """The service of the credential scope."""
        return self.signing_name or self.endpoint_prefix

    def speaks(self) -> tuple[str, ...]:
        """Every protocol, the preferred one first."""
        return self.protocols or (self.protocol,)


class Service(Struct, frozen=True):
    """A whole service model."""

    metadata: Metadata
    operations: Mapping[str, Operation]
    shapes: Mapping[str, Shape]


class _Head(Struct):
    metadata: Metadata


class UnknownService(Exception):
    """There is no model of that name."""


_OPEN = frozenset({("sqs", "QueueAttributeName")})
"""Enumerations that the service does not hold its clients to: `ReceiveMessage` takes the names of
message attributes under it, and wrong names are refused with the service's own errors."""

OWN = Path(__file__).parent / "models"
"""Services that botocore does not know. Its clients do once this folder is in `AWS_DATA_PATH`."""

_service = msgspec.json.Decoder(Service)
_head = msgspec.json.Decoder(_Head)


_OWN = frozenset(each.name for each in OWN.iterdir())


@lru_cache(maxsize=1)
def _folder() -> Path:
    spec = importlib.util.find_spec("botocore")
    if spec is None or not spec.submodule_search_locations:
        raise UnknownService("botocore is not installed: it carries the service models")
    return Path(spec.submodule_search_locations[0]) / "data"


def _text(name: str) -> bytes:
    """The newest version of a model, uncompressed. Raises `UnknownService`."""
    folder = OWN / name if name in _OWN else _folder() / name
    found = sorted(folder.glob("*/service-2.json*")) if name.isascii() else []
    found = [file for file in found if file.name in ("service-2.json", "service-2.json.gz")]
    if not found or "/" in name or name.startswith("."):
        raise UnknownService(f"there is no service model named {name!r}")
    data = found[-1].read_bytes()
    return gzip.decompress(data) if found[-1].suffix == ".gz" else data


def load(name: str) -> Service:
    """A service's model by its botocore name, such as `comprehend`. Raises `UnknownService`."""
    service = _service.decode(_text(name))
    # A few operations carry a version in their name; clients know them by their key.
    operations = {key: structs.replace(each, name=key) for key, each in service.operations.items()}
    shapes = {
        key: structs.replace(shape, enum=()) if (name, key) in _OPEN else shape
        for key, shape in service.shapes.items()
    }
    return structs.replace(service, operations=operations, shapes=shapes)


def load_metadata(name: str) -> Metadata:
    """Only the head of a model, for routing. Raises `UnknownService`."""
    return _head.decode(_text(name)).metadata
