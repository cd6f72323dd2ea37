"""`$input` and `$util`.

Source: API Gateway Developer Guide, "Mapping template variable reference".
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, unquote_plus

import msgspec

from torana.message import Headers
from torana.vtl.errors import TemplateFailure
from torana.vtl.jsonpath import decode, path
from torana.vtl.values import Callable_, text

_UNREAD = object()


class Input(Callable_, Mapping[str, Any]):
    """`$input`: the body and the parameters. Nothing is parsed before it is asked for."""

    METHODS = frozenset({"json", "path", "params"})
    __slots__ = ("_body", "_headers", "_path", "_query", "_value")

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

    def __getitem__(self, name: str) -> Any:
        if name == "body":
            return self._body.decode("utf-8", "replace")
        raise KeyError(name)

    def __iter__(self) -> Any:
        return iter(("body",))

    def __len__(self) -> int:
        return 1

    def _read(self) -> Any:
        if self._value is _UNREAD:
            self._value = decode(self._body) if self._body.strip() else {}
        return self._value

    def json(self, expression: str) -> str:
        """What the path finds, as JSON text; empty where nothing is there."""
        found = path(expression)(self._read())
        return (
            ""
            if found is None and expression.strip() != "$"
            else msgspec.json.encode(found).decode()
        )

    def path(self, expression: str) -> Any:
        """What the path finds, as a value that can be walked and changed."""
        found = path(expression)(self._read())
        return "" if found is None else found

    def params(self, name: str | None = None) -> Any:
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

    def escapeJavaScript(self, value: Any) -> str | None:
        """For a string inside JavaScript; JSON needs its `\\'` turned back."""
        if value is None:
            return None
        out: list[str] = []
        for char in text(value):
            if char in _JAVASCRIPT:
                out.append(_JAVASCRIPT[char])
            elif " " <= char <= "~":
                out.append(char)
            else:
                units = char.encode("utf-16-be")
                out.extend(f"\\u{units[i]:02X}{units[i + 1]:02X}" for i in range(0, len(units), 2))
        return "".join(out)

    def parseJson(self, value: str) -> Any:
        """JSON text as a value."""
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError as error:
            raise TemplateFailure(f"parseJson: {error}") from error

    def urlEncode(self, value: str) -> str:
        """As a form field."""
        return quote_plus(value, safe="*-._")

    def urlDecode(self, value: str) -> str:
        """The opposite of `urlEncode`."""
        return unquote_plus(value)

    def base64Encode(self, value: str) -> str:
        """Of the text's UTF-8."""
        return base64.b64encode(value.encode()).decode()

    def base64Decode(self, value: str) -> str:
        """The opposite of `base64Encode`."""
        try:
            return base64.b64decode(value, validate=False).decode("utf-8", "replace")
        except binascii.Error as error:
            raise TemplateFailure(f"base64Decode: {error}") from error
