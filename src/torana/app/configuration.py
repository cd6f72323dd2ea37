"""The APIs of a store as a folder of files, and back: what a repository holds, and a review reads.

A file has one API (or domain name, usage plan, …) with everything that goes with it, so that a
change of one is a change of one file. What an instance only counts, and client certificates (their
keys are sealed for one node), stay out.
"""

from collections.abc import Callable, Iterator, Mapping
from difflib import unified_diff
from pathlib import Path
from time import time_ns
from typing import Any, cast

import msgspec
from msgspec import Struct

from torana.app.definitions import live
from torana.app.deployed import bringing_deployed
from torana.app.preview import ports
from torana.gateway.errors import InvalidApi
from torana.message import Headers, Request
from torana.model.lifecycle import Lifecycle, wrong
from torana.net.pauses import at_once
from torana.openapi.spot import SyntaxMistake
from torana.openapi.syntax import parse
from torana.openapi.yaml_dump import dump
from torana.services.apigateway import book as rest
from torana.services.apigateway.assemble import SNAPSHOT as REST_SNAPSHOT
from torana.services.apigateway.assemble import restoring, stage_of
from torana.services.apigatewayv2 import book as v2
from torana.services.apigatewayv2.snapshot import SNAPSHOT
from torana.services.audit import record
from torana.services.lifecycle.version_sets import version_set
from torana.services.ports import Call, Principal
from torana.state.store import Change, Store

Json = dict[str, Any]
Place = tuple[str, str]
"""Kind and id."""

FOLDERS: Mapping[str, tuple[str, ...]] = {
    "rest-apis": (
        rest.API,
        rest.RESOURCE,
        rest.PATH,
        rest.PART,
        rest.DEPLOYMENT,
        rest.STAGE,
    ),
    "apis": (
        v2.API,
        v2.ROUTE,
        v2.ROUTE_KEY,
        v2.ROUTE_RESPONSE,
        v2.INTEGRATION,
        v2.INTEGRATION_RESPONSE,
        v2.AUTHORIZER,
        v2.MODEL,
        v2.DEPLOYMENT,
        v2.STAGE,
    ),
    "lifecycles": (rest.LIFECYCLE,),
    "domain-names": (rest.DOMAIN, rest.MAPPING, rest.VERSION_SET, v2.RULE),
    "vpc-links": (rest.VPC_LINK, v2.VPC_LINK),
    "api-keys": (rest.KEY, rest.KEY_VALUE),
    "usage-plans": (rest.PLAN, rest.PLAN_KEY),
}
_FOLDER = {kind: folder for folder, kinds in FOLDERS.items() for kind in kinds}


class BadConfiguration(Exception):
    """A folder that cannot be taken: which file, and why."""


class Kept(Struct, frozen=True):
    """A document of the store."""

    version: int
    body: bytes


async def kept(store: Store) -> dict[Place, Kept]:
    """Everything that files are made of."""
    return {
        (kind, document.id): Kept(document.version, document.body)
        for kind in _FOLDER
        async for document in store.scan(kind)
    }


def written(documents: Mapping[Place, Kept]) -> dict[str, str]:
    """Files by their paths."""
    found: dict[str, dict[str, Json]] = {}
    for (kind, id), document in sorted(documents.items()):
        value = _readable(kind, msgspec.json.decode(document.body))
        # A key's value goes with its key.
        owner = value["id"] if kind == rest.KEY_VALUE else id.partition("/")[0]
        file = found.setdefault(f"{_FOLDER[kind]}/{owner}.yaml", {})
        file.setdefault(kind, {})[id] = value
    return {path: dump(content) for path, content in sorted(found.items())}


def _readable(kind: str, value: Json) -> Json:
    """Deployments of REST APIs keep their API as text, so that large ones are read with pauses."""
    if kind != rest.DEPLOYMENT:
        return value
    api, methods = REST_SNAPSHOT
    texts: list[str] = value[methods]
    decoded = [msgspec.json.decode(each) for each in texts]
    return {**value, api: msgspec.json.decode(value[api]), methods: decoded}


def _kept(kind: str, value: Json) -> bytes:
    """`_readable` the other way."""
    if kind == rest.DEPLOYMENT:
        api, methods = REST_SNAPSHOT
        texts = [msgspec.json.encode(each).decode() for each in value[methods]]
        value = {**value, api: msgspec.json.encode(value[api]).decode(), methods: texts}
    return msgspec.json.encode(value)


def files_of(folder: Path) -> dict[str, str]:
    """The files of a folder by their paths. Raises `OSError`."""
    return {
        f"{name}/{file.name}": file.read_text("utf-8")
        for name in FOLDERS
        for file in sorted((folder / name).glob("*.yaml"))
    }


def documents(files: Mapping[str, str]) -> dict[Place, bytes]:
    """What files say. Raises `BadConfiguration`."""
    found: dict[Place, bytes] = {}
    for path, text in files.items():
        try:
            content = parse(text, path).value
        except SyntaxMistake as error:
            raise BadConfiguration(f"{path}:{error.spot.line}: {error}") from error
        for place, body in _documents(path, content):
            if place in found:
                raise BadConfiguration(f"{path}: {place[0]} {place[1]} stands in two files")
            found[place] = body
    return found


def _documents(path: str, content: Any) -> Iterator[tuple[Place, bytes]]:
    kinds = FOLDERS[path.partition("/")[0]]
    if not isinstance(content, dict):
        raise BadConfiguration(f"{path}: it must be a mapping of kinds")
    for kind, of_kind in cast(dict[str, Any], content).items():
        if kind not in kinds or not isinstance(of_kind, dict):
            raise BadConfiguration(f"{path}: {kind!r} is none of {', '.join(kinds)}")
        for id, value in cast(dict[str, Any], of_kind).items():
            try:
                yield (kind, id), _kept(kind, value)
            except (KeyError, TypeError) as error:
                raise BadConfiguration(f"{path}: {kind} {id}: {error!r}") from error


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """A unified diff, file by file, in lines."""
    for path in sorted({*before, *after}):
        old, new = before.get(path, ""), after.get(path, "")
        if old != new:
            yield from unified_diff(
                old.splitlines(),
                new.splitlines(),
                path if path in before else "/dev/null",
                path if path in after else "/dev/null",
                lineterm="",
            )


def check(found: Mapping[Place, bytes]) -> None:
    """Compile every stage. Raises `BadConfiguration` for what cannot be served."""
    values = {place: msgspec.json.decode(body) for place, body in found.items()}
    nobody = ports()
    for (kind, id), stage in values.items():
        api = id.partition("/")[0]
        try:
            if kind in _CHECKS:
                if (why := _CHECKS[kind](stage)) is not None:
                    raise BadConfiguration(f"{kind} {id}: {why}")
            elif kind == rest.STAGE:
                deployed = values[rest.DEPLOYMENT, f"{api}/{stage['deploymentId']}"]
                alone = {key: each for key, each in stage.items() if key not in _ELSEWHERE}
                live(at_once(restoring(deployed)), stage_of(alone), nobody)
            elif kind == v2.STAGE and stage.get("DeploymentId"):
                deployed = values[v2.DEPLOYMENT, f"{api}/{stage['DeploymentId']}"][SNAPSHOT]
                at_once(bringing_deployed(deployed, stage, nobody))
        except (InvalidApi, KeyError, TypeError, AttributeError, msgspec.MsgspecError) as error:
            why = f"no {error}" if isinstance(error, KeyError) else str(error)
            what = f"{kind} {id} is wrong" if kind in _CHECKS else f"stage {id} cannot be served"
            raise BadConfiguration(f"{what}: {why}") from error


def _lifecycle(value: Json) -> str | None:
    """Why a version cannot have this life, or None. Raises `msgspec.ValidationError`."""
    return next((why for _, why in wrong(msgspec.convert(value, Lifecycle))), None)


_CHECKS: Mapping[str, Callable[[Json], str | None]] = {
    rest.LIFECYCLE: _lifecycle,
    rest.VERSION_SET: lambda value: version_set(value).wrong(),
}
"""By kind: why a document of it cannot be, or None."""
_ELSEWHERE = ("webAclArn", "clientCertificateId", "canarySettings")
"""Of stages: what stands in no file, or has a check of its own when it is served."""


async def apply(store: Store, found: Mapping[Place, bytes], account: str) -> int:
    """Make the store say what files say, in one commit; how many documents have changed.

    Raises `Conflict` when others change them meanwhile, and what the store raises.
    """
    there = await kept(store)
    edits: list[tuple[str, str, bytes | None, bytes | None]] = []
    changes: list[Change] = []
    for place in sorted({*there, *found}):
        before, body = there.get(place), found.get(place)
        same = before is not None and body is not None and _same(before.body, body)
        if not same:
            changes.append(Change(*place, before.version if before else 0, body))
            edits.append((*place, before.body if before else None, body))
    if changes:
        await store.commit([*changes, record(_call(account), "torana", edits)])
    return len(changes)


def _same(one: bytes, other: bytes) -> bool:
    return one == other or msgspec.json.decode(one) == msgspec.json.decode(other)


def _call(account: str) -> Call:
    """Who applies: whoever may write the store."""
    who = Principal(account, f"arn:aws:iam::{account}:root", account)
    return Call("Apply", who, "", f"{time_ns():x}", 0.0, Request("", "", Headers()))
