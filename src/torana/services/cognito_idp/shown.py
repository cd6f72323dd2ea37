"""Users as the wire shows them, and the filters of ListUsers."""

import re
from collections.abc import Callable, Iterable, Mapping

from torana.services.cognito_idp.directory import Json
from torana.services.cognito_idp.faults import invalid
from torana.services.moments import moment

_FILTER = re.compile(r'\s*([\w:.-]+)\s*(\^?=)\s*"((?:[^"\\]|\\.)*)"\s*')
_SEARCHED = (
    "username",
    "email",
    "phone_number",
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "cognito:user_status",
    "status",
    "sub",
)


def listed(profile: Mapping[str, str], only: Iterable[str] | None = None) -> list[Json]:
    """Attributes as a list; `only` those, where it is given."""
    wanted = None if only is None else set(only)
    return [
        {"Name": name, "Value": value}
        for name, value in profile.items()
        if wanted is None or name in wanted
    ]


def given(attributes: Iterable[Json] | None) -> dict[str, str]:
    """A list of attributes by name."""
    return {each["Name"]: each.get("Value") or "" for each in attributes or ()}


def shown_user(user: Json, only: Iterable[str] | None = None) -> Json:
    """A user in a list, or just made."""
    return {
        "Username": user["username"],
        "Attributes": listed(user["profile"], only),
        "UserCreateDate": moment(user["created"]),
        "UserLastModifiedDate": moment(user["modified"]),
        "Enabled": user["enabled"],
        "UserStatus": user["status"],
    }


def factors_shown(user: Json) -> Json:
    """The second factors that a user has switched on."""
    shown: Json = {}
    if user["factors"]:
        shown["UserMFASettingList"] = user["factors"]
    if user.get("preferred"):
        shown["PreferredMfaSetting"] = user["preferred"]
    return shown


def matcher(text: str) -> Callable[[Json], bool]:
    """Whether a user fits a filter such as `email ^= "a"`. Raises the service's error."""
    if not text.strip():
        return lambda user: True
    found = _FILTER.fullmatch(text)
    if found is None:
        raise invalid("Error while parsing filter.")
    name, kind, value = found[1], found[2], re.sub(r"\\(.)", r"\1", found[3])
    if name not in _SEARCHED:
        raise invalid("Invalid search attribute: " + name)

    def fits(user: Json) -> bool:
        mine = _value(user, name)
        wanted = value
        if name in ("cognito:user_status", "status"):
            mine, wanted = mine.lower(), wanted.lower()
        return mine.startswith(wanted) if kind == "^=" else mine == wanted

    return fits


def _value(user: Json, name: str) -> str:
    if name == "username":
        return user["username"]
    if name == "cognito:user_status":
        return user["status"]
    if name == "status":
        return "Enabled" if user["enabled"] else "Disabled"
    return user["profile"].get(name, "")
