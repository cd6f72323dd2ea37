"""A client in Python: typed, and with nothing to install beside it."""

import json
import keyword
from collections.abc import Iterable
from typing import Any

from torana.portal.sdk.reading import Operation, Parameter, Sdk, members, said, words
from torana.services.apigateway.book import Json

_PROJECT = """[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = {name}
version = {version}
description = {description}
requires-python = ">=3.11"
"""

_README = """# {title}

```python
from {package} import Client

client = Client(api_key="…")
```

Every operation is a method; `ApiError` bears the status and the body of what was refused.
"""

_CLIENT = '''"""Client of {title}."""

import json
import warnings
from collections.abc import Mapping
from typing import Any, Literal, cast
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from {package} import models

BASE_URL = {base}


class ApiError(Exception):
    """The API refused: `status`, `headers`, and `body` as it came (JSON where it is some)."""

    def __init__(self, status: int, headers: Mapping[str, str], body: Any) -> None:
        super().__init__(f"{{status}}: {{body}}")
        self.status, self.headers, self.body = status, headers, body


class Client:
    """Calls the API. `api_key` is sent to those operations that want one."""

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str = BASE_URL,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
    ) -> None:
        self._api_key, self._base_url = api_key, base_url.rstrip("/")
        self._headers, self._timeout = dict(headers or {{}}), timeout

    def _call(
        self,
        verb: str,
        path: str,
        keyed: bool,
        query: Mapping[str, Any],
        headers: Mapping[str, Any],
        body: Any,
    ) -> Any:
        sent = {{name: _text(value) for name, value in headers.items() if value is not None}}
        sent = {{"Accept": "application/json", **self._headers, **sent}}
        if keyed and self._api_key is not None:
            sent["x-api-key"] = self._api_key
        content = None
        if body is not None:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        asked = [
            (name, _text(each))
            for name, value in query.items()
            if value is not None
            for each in (value if isinstance(value, (list, tuple)) else [value])
        ]
        url = self._base_url + path + (f"?{{urlencode(asked)}}" if asked else "")
        request = Request(url, data=content, method=verb, headers=sent)
        try:
            with urlopen(request, timeout=self._timeout) as reply:
                _heed(verb, path, reply.headers)
                return _read(reply.read())
        except HTTPError as error:
            with error:
                raise ApiError(error.code, dict(error.headers), _read(error.read())) from None
{methods}

def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _heed(verb: str, path: str, headers: Any) -> None:
    """Pass on what the API says of operations that are to go."""
    if headers.get("Deprecation"):
        sunset = headers.get("Sunset")
        ends = f" and ends on {{sunset}}" if sunset else ""
        warnings.warn(f"{{verb}} {{path}} is deprecated{{ends}}", DeprecationWarning, stacklevel=4)


def _read(body: bytes) -> Any:
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body
'''


class _Grammar:
    """Implements `Grammar`."""

    plain = {  # noqa: RUF012  the protocol's
        "string": "str",
        "integer": "int",
        "number": "float",
        "boolean": "bool",
        "null": "None",
        "any": "Any",
    }

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def model(self, name: str) -> str:
        return f"{self._prefix}{name}"

    def many(self, of: str) -> str:
        return f"list[{of}]"

    def map(self, of: str) -> str:
        return f"dict[str, {of}]"

    def either(self, of: Iterable[str]) -> str:
        kinds = list(dict.fromkeys(of))
        return "Any" if "Any" in kinds else " | ".join(kinds)

    def literal(self, value: Any) -> str:
        return f"Literal[{value!r}]"


def files(sdk: Sdk) -> dict[str, str]:
    """The package, with what builds it."""
    package = "_".join(words(sdk.title)) or "api"
    if not package.isidentifier() or keyword.iskeyword(package):
        package = f"api_{package}"
    methods = "".join(_method(each) for each in sdk.operations)
    title = _doc(sdk.title)
    return {
        "pyproject.toml": _PROJECT.format(
            name=json.dumps(sdk.slug),
            version=json.dumps(_version(sdk.version)),
            description=json.dumps(f"Client of {sdk.title}"),
        ),
        "README.md": _README.format(title=sdk.title, package=package),
        f"{package}/__init__.py": (
            f'"""Client of {title}."""\n\nfrom {package}.client import ApiError, Client\n\n'
            '__all__ = ["ApiError", "Client"]\n'
        ),
        f"{package}/client.py": _CLIENT.format(
            title=title, package=package, base=json.dumps(sdk.base), methods=methods
        ),
        f"{package}/models.py": _models(sdk),
        f"{package}/py.typed": "",
    }


def _method(operation: Operation) -> str:
    grammar = _Grammar("models.")
    names = _Names({"self", "body", "cast", "models", "quote"})
    named = [(each, names.of(words(each.name))) for each in operation.parameters]
    body = operation.body
    first = [f"{name}: {said(each.schema, grammar)}" for each, name in named if each.required]
    if body is not None and operation.body_required:
        first.append(f"body: {said(body, grammar)}")
    last = [
        _optional(name, said(each.schema, grammar)) for each, name in named if not each.required
    ]
    if body is not None and not operation.body_required:
        last.append(_optional("body", said(body, grammar)))
    signature = ", ".join(["self", *first, *(["*", *last] if last else [])])
    answer = said(operation.answer, grammar) if operation.answer is not None else "Any"
    called = (
        f"self._call({json.dumps(operation.verb)}, {_path(operation.path, named)}, "
        f"{operation.keyed}, {_dict(named, 'query')}, {_dict(named, 'header')}, "
        f"{'body' if body is not None else 'None'})"
    )
    lines = [
        "",
        f"    def {_Names(set()).of(operation.words)}({signature}) -> {answer}:",
        f'        """{_doc(operation.summary or f"{operation.verb} {operation.path}")}"""',
    ]
    if operation.deprecated:
        lines[2] = lines[2][:-3] + ' Deprecated."""'
    returned = called if answer == "Any" else f"cast({json.dumps(answer)}, {called})"
    return "\n".join([*lines, f"        return {returned}", ""])


def _optional(name: str, kind: str) -> str:
    return f"{name}: {kind} = None" if kind == "Any" else f"{name}: {kind} | None = None"


def _path(path: str, named: list[tuple[Parameter, str]]) -> str:
    """An expression; greedy variables keep their slashes."""
    text = json.dumps(path)
    for each, name in named:
        if each.where == "path":
            for variable, safe in ((f"{{{each.name}}}", ""), (f"{{{each.name}+}}", "/")):
                quoted = f'" + quote(_text({name}), safe={safe!r}) + "'
                text = text.replace(json.dumps(variable)[1:-1], quoted)
    return text.removesuffix(' + ""')


def _dict(named: list[tuple[Parameter, str]], where: str) -> str:
    pairs = [f"{json.dumps(each.name)}: {name}" for each, name in named if each.where == where]
    return "{" + ", ".join(pairs) + "}"


class _Names:
    """Identifiers of one place."""

    def __init__(self, taken: set[str]) -> None:
        self._taken = taken

    def of(self, words: Iterable[str]) -> str:
        """`pet_order`."""
        base = "_".join(words) or "value"
        base = base if base[0].isalpha() else f"_{base}"
        base = f"{base}_" if keyword.iskeyword(base) else base
        name, count = base, 2
        while name in self._taken:
            name, count = f"{base}_{count}", count + 1
        self._taken.add(name)
        return name


def _models(sdk: Sdk) -> str:
    parts = [
        '"""Models, as they travel in JSON."""',
        "from __future__ import annotations\n\n"
        "from typing import Any, Literal, NotRequired, TypeAlias, TypedDict",
    ]
    parts += [_model(name, schema) for name, schema in sdk.models.items()]
    return "\n\n".join(parts) + "\n"


def _model(name: str, schema: Json) -> str:
    grammar, found = _Grammar(""), members(schema)
    if found is None:
        return f"{name}: TypeAlias = {json.dumps(said(schema, grammar))}"
    told = _doc(str(schema.get("description") or name))
    kinds = {
        each: said(own, grammar) if required else f"NotRequired[{said(own, grammar)}]"
        for each, (own, required) in found.items()
    }
    if all(each.isidentifier() and not keyword.iskeyword(each) for each in kinds):
        rows = [f"    {each}: {kind}" for each, kind in kinds.items()]
        return "\n".join([f"class {name}(TypedDict):", f'    """{told}"""', "", *rows])
    pairs = ", ".join(f"{json.dumps(each)}: {json.dumps(kind)}" for each, kind in kinds.items())
    return f"{name} = TypedDict({json.dumps(name)}, {{{pairs}}})"


def _doc(text: str) -> str:
    """In a docstring of one line."""
    line = " ".join(text.split()).replace("\\", "\\\\").replace('"', "'")
    return line if line.endswith((".", "!", "?")) or not line else f"{line}."


def _version(text: str) -> str:
    """One that packages may have."""
    numbers = [each for each in text.split(".") if each.isdigit()]
    return ".".join(numbers[:3]) or "0"
