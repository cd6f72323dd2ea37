"""Attributes of users: which there are, and what values they take.

Source: Cognito Developer Guide, "Working with user attributes".
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from torana.services.cognito_idp.faults import invalid

Json = dict[str, Any]

VERIFIED = {"email": "email_verified", "phone_number": "phone_number_verified"}
"""Attributes that a message can be sent to, and what says that one arrived there."""
_TEXTS = (
    "profile",
    "address",
    "birthdate",
    "gender",
    "preferred_username",
    "website",
    "picture",
    "phone_number",
    "zoneinfo",
    "locale",
    "email",
    "given_name",
    "family_name",
    "middle_name",
    "name",
    "nickname",
)
_MOST_CUSTOM = 50
_LONGEST = 2048
_EMAIL = re.compile(r"[^\s@<>\"(),:;\\]+@[^\s@<>\"(),:;\\]+")
_PHONE = re.compile(r"\+[1-9]\d{1,14}")
_CUSTOM = re.compile(r"[\w\-.]{1,20}")


def _standard(name: str, kind: str, limits: Json) -> Json:
    return {
        "Name": name,
        "AttributeDataType": kind,
        "DeveloperOnlyAttribute": False,
        "Mutable": name != "sub",
        "Required": name == "sub",
        **limits,
    }


def _length(low: int, high: int) -> Json:
    return {"StringAttributeConstraints": {"MinLength": str(low), "MaxLength": str(high)}}


def standard() -> dict[str, Json]:
    """The attributes that every pool has, by name."""
    made = {"sub": _standard("sub", "String", _length(1, 2048))}
    for name in _TEXTS:
        limits = _length(10, 10) if name == "birthdate" else _length(0, 2048)
        made[name] = _standard(name, "String", limits)
    for name in VERIFIED.values():
        made[name] = _standard(name, "Boolean", {})
    low = {"NumberAttributeConstraints": {"MinValue": "0"}}
    made["updated_at"] = _standard("updated_at", "Number", low)
    return made


def with_own(given: Iterable[Json]) -> dict[str, Json]:
    """The standard attributes, as a pool has them, and its own. Raises the service's error."""
    made = standard()
    for each in given:
        name = each.get("Name", "")
        if name in made:
            made[name] = {**made[name], **_of_standard(each, made[name])}
        else:
            added = custom(each)
            if added["Name"] in made:
                raise invalid(f"Duplicate attribute name {added['Name']}")
            made[added["Name"]] = added
    _few(made)
    return made


def _few(schema: Mapping[str, Json]) -> None:
    if sum(":" in name for name in schema) > _MOST_CUSTOM:
        raise invalid(f"A user pool has {_MOST_CUSTOM} custom attributes at most")


def _of_standard(given: Json, known: Json) -> Json:
    if given.get("AttributeDataType", known["AttributeDataType"]) != known["AttributeDataType"]:
        raise invalid(
            f"You can not change AttributeDataType or set developerOnlyAttribute for standard "
            f"schema attribute {given['Name']}"
        )
    if given.get("DeveloperOnlyAttribute"):
        raise invalid(
            f"You can not change AttributeDataType or set developerOnlyAttribute for standard "
            f"schema attribute {given['Name']}"
        )
    return {name: value for name, value in given.items() if name != "Name"}


def added(schema: dict[str, Json], given: Iterable[Json]) -> dict[str, Json]:
    """A pool's schema with further attributes. Raises the service's error."""
    made = dict(schema)
    for each in given:
        one = custom(each)
        if one["Name"] in made:
            raise invalid(f"{one['Name']}: Existing attribute already has name {one['Name']}.")
        made[one["Name"]] = one
    _few(made)
    return made


def custom(given: Json) -> Json:
    """An attribute of a pool's own. Raises the service's error."""
    name = given.get("Name", "")
    if not _CUSTOM.fullmatch(name):
        raise invalid(f"The attribute name {name!r} is missing, too long, or has other signs")
    if given.get("Required"):
        raise invalid("Required custom attributes are not supported currently.")
    kind = given.get("AttributeDataType", "String")
    prefix = "dev:custom:" if given.get("DeveloperOnlyAttribute") else "custom:"
    made: Json = {
        "Name": prefix + name,
        "AttributeDataType": kind,
        "DeveloperOnlyAttribute": bool(given.get("DeveloperOnlyAttribute")),
        "Mutable": given.get("Mutable", True),
        "Required": False,
    }
    if kind == "String":
        made["StringAttributeConstraints"] = given.get("StringAttributeConstraints") or {}
    if kind == "Number":
        made["NumberAttributeConstraints"] = given.get("NumberAttributeConstraints") or {}
    return made


def check(schema: Mapping[str, Json], values: Mapping[str, str]) -> None:
    """Raises the service's error for values that the attributes do not take."""
    for name, value in values.items():
        known = schema.get(name)
        if known is None:
            raise _unfit(name, "Attribute does not exist in the schema.")
        _check(known, value)
    email, phone = values.get("email"), values.get("phone_number")
    if email and not _EMAIL.fullmatch(email):
        raise invalid("Invalid email address format.")
    if phone and not _PHONE.fullmatch(phone):
        raise invalid("Invalid phone number format.")


def required(schema: Mapping[str, Json]) -> list[str]:
    """What every user must have, but `sub`."""
    return [name for name, each in schema.items() if each.get("Required") and name != "sub"]


def check_required(schema: Mapping[str, Json], profile: Mapping[str, str]) -> None:
    """Raises the service's error for a new user that lacks something."""
    for name in required(schema):
        if not profile.get(name):
            raise _unfit(name, "The attribute is required")


def _unfit(name: str, why: str) -> Exception:
    return invalid(f"Attributes did not conform to the schema: {name}: {why}\n")


def _check(known: Json, value: str) -> None:
    name = known["Name"]
    if len(value) > _LONGEST:
        raise _unfit(name, f"String must be no longer than {_LONGEST} characters")
    try:
        _KINDS[known["AttributeDataType"]](known, value)
    except ValueError as error:
        raise _unfit(name, str(error)) from None


def _text(known: Json, value: str) -> None:
    limits = known.get("StringAttributeConstraints", {})
    if limits.get("MinLength") and len(value) < int(limits["MinLength"]):
        raise ValueError(f"String must be at least {limits['MinLength']} characters long")
    if limits.get("MaxLength") and len(value) > int(limits["MaxLength"]):
        raise ValueError(f"String must be no longer than {limits['MaxLength']} characters")


def _number(known: Json, value: str) -> None:
    limits = known.get("NumberAttributeConstraints", {})
    if not re.fullmatch(r"-?\d{1,18}", value):
        raise ValueError("The attribute must be a number")
    if limits.get("MinValue") and int(value) < int(limits["MinValue"]):
        raise ValueError(f"Number must be no less than {limits['MinValue']}")
    if limits.get("MaxValue") and int(value) > int(limits["MaxValue"]):
        raise ValueError(f"Number must be no greater than {limits['MaxValue']}")


def _boolean(known: Json, value: str) -> None:
    del known
    if value.lower() not in ("true", "false"):
        raise ValueError("The attribute must be true or false")


def _date(known: Json, value: str) -> None:
    del known
    date.fromisoformat(value[:10])


_KINDS = {"String": _text, "Number": _number, "Boolean": _boolean, "DateTime": _date}
