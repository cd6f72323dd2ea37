"""Operations on parameters. Source: Systems Manager API Reference."""

import time
from importlib import import_module
from typing import Any, cast

from torana.services.apigateway.book import Book, Sheet
from torana.services.moments import moment
from torana.services.ports import Call
from torana.services.ssm.records import (
    KIND,
    LARGEST,
    MOST_VERSIONS,
    Json,
    arn,
    check_name,
    described,
    invalid,
    not_found,
    plain_name,
    the,
    version_of,
)
from torana.services.ssm.secrets import OWN_KEY, Secrets
from torana.wire.faults import ServiceError

_re2: Any = import_module("re2")
_TYPES = ("String", "StringList", "SecureString")


class Parameters:
    """Writes and reads them."""

    def __init__(self, book: Book, secrets: Secrets) -> None:
        self._book, self._secrets = book, secrets

    async def PutParameter(self, call: Call, params: Json) -> Json:
        """A new parameter, or another version of one."""
        name = params["Name"]
        check_name(name)
        wanted = _checked(params)

        async def work(sheet: Sheet) -> Json:
            return await self._put(sheet, call, name, dict(wanted), params)

        return await self._book.edit(call, work)

    async def _put(self, sheet: Sheet, call: Call, name: str, version: Json, params: Json) -> Json:
        there = await sheet.get(KIND, name)
        if there is not None and not params.get("Overwrite"):
            raise ServiceError(
                "ParameterAlreadyExists",
                "The parameter already exists. To overwrite this value, set the overwrite option "
                "in the request to true.",
                status=400,
            )
        if there is not None and params.get("Tags"):
            raise invalid(
                "Invalid request: tags and overwrite can't be used together. To create a parameter "
                "with tags, please remove overwrite flag. To update tags for an existing "
                "parameter, please use AddTagsToResource or RemoveTagsFromResource."
            )
        last: Json = version_of(there, 0) if there is not None else {}
        version["Type"] = version["Type"] or last.get("Type") or ""
        if not version["Type"]:
            raise invalid("A parameter type is required when you create a parameter.")
        for member in ("Description", "AllowedPattern", "Tier"):
            version[member] = version.get(member) or last.get(member)
        version["Tier"] = version["Tier"] or "Standard"
        _check_value(version)
        if version["Type"] == "SecureString":
            key = params.get("KeyId") or last.get("KeyId") or OWN_KEY
            value = version.pop("Value")
            version |= {"KeyId": key}
            version["Secret"] = await self._secrets.close(call, name, value, key)
        version["Version"] = last.get("Version", 0) + 1
        version["User"], version["Modified"] = call.principal.arn, time.time()
        tags = {each["Key"]: each["Value"] for each in params.get("Tags") or ()}
        document = there or {"Name": name, "Tags": tags, "Versions": []}
        document["Versions"] = [*document["Versions"], version][-MOST_VERSIONS:]
        sheet.put(KIND, name, document)
        return {"Version": version["Version"], "Tier": version["Tier"]}

    async def GetParameter(self, call: Call, params: Json) -> Json:
        """The newest version, or the one in the name's selector."""
        name, version = plain_name(params["Name"])
        found = await self._document(name)
        return {"Parameter": await self._shown(call, found, version, params)}

    async def GetParameters(self, call: Call, params: Json) -> Json:
        """Several; what is not there is told."""
        shown: list[Json] = []
        missing: list[str] = []
        for each in cast(list[str], params["Names"]):
            try:
                name, version = plain_name(each)
                shown.append(await self._shown(call, await self._document(name), version, params))
            except ServiceError as error:
                if error.code not in ("ParameterNotFound", "ParameterVersionNotFound"):
                    raise
                missing.append(each)
        return {"Parameters": shown, "InvalidParameters": missing}

    async def GetParameterHistory(self, call: Call, params: Json) -> Json:
        """Every version that is kept, the oldest first."""
        found = await self._document(plain_name(params["Name"])[0])
        shown: list[Json] = []
        for version in found["Versions"]:
            value = await self._value(call, found["Name"], version, params)
            one: Json = {**described(call, found, version), "Value": value, "Labels": []}
            del one["ARN"]
            shown.append(one)
        return {"Parameters": shown}

    async def DeleteParameter(self, call: Call, params: Json) -> Json:
        """With all its versions."""

        async def work(sheet: Sheet) -> Json:
            found = await the(sheet, plain_name(params["Name"])[0])
            sheet.delete(KIND, found["Name"])
            return {}

        return await self._book.edit(call, work)

    async def DeleteParameters(self, call: Call, params: Json) -> Json:
        """Several; what is not there is told."""

        async def work(sheet: Sheet) -> Json:
            answer: Json = {"DeletedParameters": [], "InvalidParameters": []}
            for name in cast(list[str], params["Names"]):
                if await sheet.get(KIND, name) is None:
                    answer["InvalidParameters"].append(name)
                elif name not in answer["DeletedParameters"]:
                    sheet.delete(KIND, name)
                    answer["DeletedParameters"].append(name)
            return answer

        return await self._book.edit(call, work)

    async def _document(self, name: str) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await sheet.get(KIND, name)
            if found is None:
                raise not_found()
            return found

        return await self._book.read(work)

    async def _shown(self, call: Call, found: Json, wanted: int, params: Json) -> Json:
        version = version_of(found, wanted)
        shown = await shown_value(self._secrets, call, found, version, params)
        if wanted:
            shown["Selector"] = f":{wanted}"
        return shown

    async def _value(self, call: Call, name: str, version: Json, params: Json) -> str:
        return await value_of(self._secrets, call, name, version, params)


async def value_of(secrets: Secrets, call: Call, name: str, version: Json, params: Json) -> str:
    """A version's value: secret ones as they are kept, unless they are to be decrypted."""
    if version["Type"] != "SecureString":
        return version["Value"]
    if not params.get("WithDecryption"):
        return version["Secret"]
    return await secrets.open(call, name, version)


async def shown_value(
    secrets: Secrets, call: Call, found: Json, version: Json, params: Json
) -> Json:
    """A version with its value."""
    return {
        "Name": found["Name"],
        "Type": version["Type"],
        "Value": await value_of(secrets, call, found["Name"], version, params),
        "Version": version["Version"],
        "LastModifiedDate": moment(version["Modified"]),
        "ARN": arn(call, found["Name"]),
        "DataType": "text",
    }


def _checked(params: Json) -> Json:
    """A version without what it has from the one before. Raises the service's error."""
    if params.get("Policies"):
        raise invalid("Policies of parameters are not supported here")
    if params.get("DataType") not in (None, "text"):
        raise invalid("The following data type is not supported: " + params["DataType"])
    kind = params.get("Type") or ""
    if kind and kind not in _TYPES:
        raise invalid(
            f"1 validation error detected: Value '{kind}' at 'type' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(sorted(_TYPES))}]"
        )
    tier = params.get("Tier")
    return {
        "Type": kind,
        "Value": params["Value"],
        "Description": params.get("Description"),
        "AllowedPattern": params.get("AllowedPattern"),
        "Tier": _tier(params["Value"]) if tier == "Intelligent-Tiering" else tier,
    }


def _tier(value: str) -> str:
    return "Standard" if len(value.encode()) <= LARGEST["Standard"] else "Advanced"


def _check_value(version: Json) -> None:
    value, most = version["Value"], LARGEST[version["Tier"]]
    if not value:
        raise invalid("Value must not be empty")
    if len(value.encode()) > most:
        raise invalid(
            f"{version['Tier']} tier parameters support a maximum parameter value of {most} "
            "characters."
        )
    pattern = version.get("AllowedPattern")
    try:
        fits = not pattern or _re2.search(pattern, value) is not None
    except _re2.error:
        raise ServiceError(
            "InvalidAllowedPatternException", "The pattern is not supported here", status=400
        ) from None
    if not fits:
        raise ServiceError(
            "ParameterPatternMismatchException",
            "Parameter value, cannot be validated against allowedPattern: " + str(pattern),
            status=400,
        )
