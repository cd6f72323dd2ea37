"""`$input` and `$util`.

Source: API Gateway Developer Guide, "Mapping template variable reference".
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote_plus, unquote_plus

import msgspec

from torana.message import Headers
from torana.vtl.budget import LONG, Budget
from torana.vtl.errors import TemplateFailure
from torana.vtl.jsonpath import MISSING, Keys, decode, parsed, path, reach
from torana.vtl.methods import call
from torana.vtl.values import ENCODE, Callable_, json_text, text

_UNREAD = object()
_FEW = 8
"""Names and places of a path."""


class Parameters(NamedTuple):
    """What a request says beside its body."""

    path: Mapping[str, str]
    querystring: Mapping[str, list[str]]
    headers: Headers


class Input(Callable_, Mapping[str, Any]):
    """`$input`: the body and the parameters. Nothing is read before it is asked for."""

    METHODS = frozenset({"json", "path", "params"})
    __slots__ = ("_body", "_parameters", "_shared", "_value")

    def __init__(self, body: bytes, parameters: Callable[[], Parameters]) -> None:
        self._body, self._parameters = body, parameters
        self._value: Any = _UNREAD
        self._shared = False

    def __getitem__(self, name: str) -> Any:
        if name == "body":
            return self._body.decode("utf-8", "replace") or "{}"
        raise KeyError(name)

    def __iter__(self) -> Any:
        return iter(("body",))

    def __len__(self) -> int:
        return 1

    def _whole(self) -> Any:
        return self._read() if self._value is _UNREAD else self._value

    def _read(self) -> Any:
        value = self._value = decode(self._body) if self._body.strip() else {}
        return value

    def json(self, budget: Budget, expression: str = "$") -> str:
        """What the path finds, as JSON text; an empty text, quoted, where nothing is there."""
        return self._as_json(path(expression)(self._whole(), budget), budget)

    def _as_json(self, found: Any, budget: Budget) -> str:
        if found is MISSING:
            return '""'
        if self._shared and budget.changes and found.__class__ is not str:
            return json_text(found, budget)
        return ENCODE(found).decode()

    def path(self, budget: Budget, expression: str) -> Any:
        """What the path finds, as a value that can be walked and changed; null where nothing is."""
        return self._handed_out(path(expression)(self._whole(), budget))

    def _handed_out(self, found: Any) -> Any:
        kind = found.__class__
        if kind is dict or kind is list:
            # What a template got hold of it may have made to hold itself.
            self._shared = True
        return None if found is MISSING else found

    def params(self, budget: Budget, name: str | None = None) -> Any:
        """A parameter: of the path, then the query, then the headers; or all of them."""
        in_path, query, headers = self._parameters()
        if name is None:
            return {
                "path": dict(in_path),
                "querystring": {key: values[-1] for key, values in query.items()},
                "header": dict(headers.items),
            }
        if name in in_path:
            return in_path[name]
        if name in query:
            return query[name][-1]
        found = headers.all(name.lower())
        return found[-1] if found else ""


Site = Callable[[Budget, Any], Any]
"""A call in a template whose method and path are constant: of what `$input` then is."""


def site(method: str, expression: str) -> Site | None:
    """The call `json` or `path` of a path of a few names and places alone, which the template
    around pays for by its own length; of others None: what they find, cost or have wrong is seen
    when they are called. `printed` is `json` where the output alone takes it: always a text, and
    charged where it is long."""
    try:
        keys = parsed(expression).alone()
    except TemplateFailure:
        return None
    return None if keys is None or len(keys) > _FEW else _SITES[method](keys, expression)


def _json_site(keys: Keys, expression: str) -> Site:
    def json(budget: Budget, value: Any) -> Any:
        if value.__class__ is not Input:
            return call(budget, value, "json", expression)
        made = printed(budget, value)
        return made if len(made) >= LONG else budget.made(made)

    printed = _printed_site(keys, expression)
    return json


def _printed_site(keys: Keys, expression: str) -> Site:
    def printed(budget: Budget, value: Any) -> str:
        if value.__class__ is not Input:
            other = call(budget, value, "json", expression)
            return "" if other is None else text(other, budget)
        found = value._value
        if found is _UNREAD:
            found = value._read()
        if keys:
            found = reach(keys, found)
        try:
            made = (
                ENCODE(found).decode() if found.__class__ is str else value._as_json(found, budget)
            )
        except (TypeError, ValueError, AttributeError) as error:
            raise TemplateFailure("json: wrong arguments") from error
        return made if len(made) < LONG else budget.made(made)

    return printed


def _path_site(keys: Keys, expression: str) -> Site:
    def path(budget: Budget, value: Any) -> Any:
        if value.__class__ is not Input:
            return call(budget, value, "path", expression)
        found = value._value
        if found is _UNREAD:
            found = value._read()
        if keys:
            found = reach(keys, found)
        return budget.made(found) if found.__class__ is str else value._handed_out(found)

    return path


_SITES = {"json": _json_site, "path": _path_site, "printed": _printed_site}


_JAVASCRIPT = {
    "\\": "\\\\",
    "'": "\\'",
    '"': '\\"',
    "/": "\\/",
    "\b": "\\b",
    "\n": "\\n",
    "\t": "\\t",
    "\f": "\\f",
    "\r": "\\r",
}


_UNSAFE = re.compile(r"""[^ -~]|['"\\/]""")


class Util(Callable_):
    """`$util`."""

    METHODS = frozenset(
        {
            "base64Decode",
            "base64Encode",
            "escapeJavaScript",
            "parseJson",
            "urlDecode",
            "urlEncode",
        }
    )

    def escapeJavaScript(self, budget: Budget, value: Any) -> str | None:
        """For a string inside JavaScript; JSON needs its `\\'` turned back."""
        if value is None:
            return None
        shown = text(value, budget)
        budget.spend(1 + len(shown) // 16)
        return _UNSAFE.sub(_escaped, shown) if _UNSAFE.search(shown) else shown

    def parseJson(self, budget: Budget, value: str) -> Any:
        """JSON text as a value."""
        try:
            found = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError) as error:
            raise TemplateFailure(f"parseJson: {error}") from error
        budget.text -= len(value)
        budget.makes(len(value))
        return found

    def urlEncode(self, budget: Budget, value: str) -> str:
        """As a form field."""
        budget.spend(1 + len(value) // 64)
        return quote_plus(value, safe="*-._").replace("~", "%7E")

    def urlDecode(self, budget: Budget, value: str) -> str:
        """The opposite of `urlEncode`."""
        budget.spend(1 + len(value) // 64)
        return unquote_plus(value)

    def base64Encode(self, budget: Budget, value: str) -> str:
        """Of the text's UTF-8."""
        return base64.b64encode(value.encode("utf-8", "replace")).decode()

    def base64Decode(self, budget: Budget, value: str) -> str:
        """The opposite of `base64Encode`."""
        try:
            return base64.b64decode(value, validate=False).decode("utf-8", "replace")
        except (binascii.Error, ValueError) as error:
            raise TemplateFailure(f"base64Decode: {error}") from error


def _escaped(found: re.Match[str]) -> str:
    char = found[0]
    known = _JAVASCRIPT.get(char)
    if known is not None:
        return known
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02X}{units[i + 1]:02X}" for i in range(0, len(units), 2))
