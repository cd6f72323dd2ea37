"""`$input` and `$util`.

Source: API Gateway Developer Guide, "Mapping template variable reference".
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote_plus, unquote_plus

import msgspec

from torana.message import Headers
from torana.vtl.budget import Budget
from torana.vtl.errors import TemplateFailure
from torana.vtl.jsonpath import MISSING, decode, path
from torana.vtl.values import Callable_, json_text, text

_UNREAD = object()


class Input(Callable_, Mapping[str, Any]):
    """`$input`: the body and the parameters. Nothing is parsed before it is asked for."""

    METHODS = frozenset({"json", "path", "params"})
    __slots__ = ("_body", "_headers", "_path", "_query", "_shared", "_value")

    def __init__(
        self,
        body: bytes,
        *,
        path: Mapping[str, str],
        querystring: Mapping[str, list[str]],
        headers: Headers,
    ) -> None:
        self._body, self._path, self._query, self._headers = body, path, querystring, headers
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

    def _read(self) -> Any:
        if self._value is _UNREAD:
            self._value = decode(self._body) if self._body.strip() else {}
        return self._value

    def json(self, budget: Budget, expression: str = "$") -> str:
        """What the path finds, as JSON text; an empty text, quoted, where nothing is there."""
        found = path(expression)(self._read(), budget)
        if found is MISSING:
            return '""'
        if self._shared:
            return json_text(found, budget)
        return msgspec.json.encode(found).decode()

    def path(self, budget: Budget, expression: str) -> Any:
        """What the path finds, as a value that can be walked and changed; null where nothing is."""
        found = path(expression)(self._read(), budget)
        # What a template got hold of it may have made to hold itself.
        self._shared = self._shared or isinstance(found, dict | list)
        return None if found is MISSING else cast(Any, found)

    def params(self, budget: Budget, name: str | None = None) -> Any:
        """A parameter: of the path, then the query, then the headers; or all of them."""
        if name is None:
            return {
                "path": dict(self._path),
                "querystring": {key: values[-1] for key, values in self._query.items()},
                "header": dict(self._headers.items),
            }
        if name in self._path:
            return self._path[name]
        if name in self._query:
            return self._query[name][-1]
        found = self._headers.all(name.lower())
        return found[-1] if found else ""


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
