"""Stored things as the service shows them."""

import base64
from datetime import UTC, datetime
from typing import Any

import msgspec

from torana.model.function import FunctionVersion
from torana.services.lambda_.book import Book
from torana.services.lambda_.records import Alias, Config, Record

Json = dict[str, Any]


def moment(at: float) -> str:
    """Unix time in the service's spelling."""
    found = datetime.fromtimestamp(at, UTC)
    return found.strftime("%Y-%m-%dT%H:%M:%S.") + f"{found.microsecond // 1000:03d}+0000"


def digest(hexadecimal: str) -> str:
    """A code's SHA-256 as the service shows it."""
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()


def configuration(book: Book, record: Record, config: Config, qualifier: str = "") -> Json:
    """A FunctionConfiguration. `qualifier`: as which it was asked for."""
    shown: Json = {
        **_common(config.runtime, config.handler, config.role, config.timeout, config.memory),
        "FunctionName": record.name,
        "FunctionArn": book.arn(record.name, qualifier),
        "CodeSize": config.code_size,
        "Description": config.description,
        "LastModified": moment(config.modified),
        "CodeSha256": digest(config.code_sha256),
        "Version": config.version,
        "RevisionId": config.revision,
        "Architectures": list(config.architectures),
        "EphemeralStorage": {"Size": config.storage},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{record.name}"},
    }
    if config.environment:
        plain = msgspec.json.decode(book.seal.open(config.environment))
        shown["Environment"] = {"Variables": plain}
    if config.layers:
        shown["Layers"] = [{"Arn": arn} for arn in config.layers]
    if config.dead_letter:
        shown["DeadLetterConfig"] = {"TargetArn": config.dead_letter}
    return shown


def fixed(version: FunctionVersion, qualifier: str = "") -> Json:
    """The configuration of a function of the configuration file."""
    return {
        **_common(
            version.runtime, version.handler, version.role, int(version.timeout), version.memory
        ),
        "FunctionName": version.name,
        "FunctionArn": f"{version.arn}:{qualifier}" if qualifier else version.arn,
        "CodeSize": 0,
        "Description": "Defined in the gateway's configuration file",
        "LastModified": moment(0),
        "CodeSha256": version.revision,
        "Version": version.version,
        "RevisionId": version.revision,
        "EphemeralStorage": {"Size": version.storage},
        "Environment": {"Variables": version.environment},
    }


def _common(runtime: str, handler: str, role: str, timeout: int, memory: int) -> Json:
    return {
        "Runtime": runtime,
        "Handler": handler,
        "Role": role,
        "Timeout": timeout,
        "MemorySize": memory,
        "TracingConfig": {"Mode": "PassThrough"},
        "PackageType": "Zip",
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
    }


def alias(book: Book, record: Record, found: Alias) -> Json:
    """An AliasConfiguration."""
    shown: Json = {
        "AliasArn": book.arn(record.name, found.name),
        "Name": found.name,
        "FunctionVersion": found.version,
        "Description": found.description,
        "RevisionId": found.revision,
    }
    if found.weights:
        shown["RoutingConfig"] = {"AdditionalVersionWeights": found.weights}
    return shown


def page(items: list[Json], params: Json, key: str) -> Json:
    """A page of a list, by `Marker` and `MaxItems`."""
    start = int(params["Marker"]) if str(params.get("Marker") or "").isdigit() else 0
    limit = min(int(params.get("MaxItems") or 50), 50)
    shown: Json = {key: items[start : start + limit]}
    if start + limit < len(items):
        shown["NextMarker"] = str(start + limit)
    return shown
