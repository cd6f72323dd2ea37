"""A policy's rules over a body: what they find is masked, put into tokens and back, or refused.

Of JSON, texts and numbers are looked at one by one, each with the name of its member as what
announces it; of a form, its values; of other text, the whole.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode

import msgspec

from torana.data_settings import Privacy, Rule
from torana.personal.fields import BadPath, path
from torana.personal.find import ALL, TYPES, Find, finder, put
from torana.personal.tokens import TokenKey, replaced

MASK = "***"
"""Stands for a field."""
_MARK = "\0"
_TEXTS = ("text/", "application/xml", "application/javascript", "application/x-ndjson")
_FORM = "application/x-www-form-urlencoded"


class Blocked(Exception):
    """A rule refuses the body. The message names what was found, never its value."""


class Unseen(Exception):
    """The body cannot be looked into."""


Apply = Callable[[list[Any], TokenKey | None], bool]
"""Changes the decoded value that a list holds; whether there was anything to change."""


class Rules:
    """The rules of one direction, ready to apply."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        """Rules for which `wrong` has nothing to say."""
        self.needs_key = any(rule.action in ("tokenise", "detokenise") for rule in rules)
        self._fields = any(rule.fields for rule in rules)
        self._apply = [_field(rule) if rule.fields else _text(rule) for rule in rules]

    def body(self, body: bytes, media: str, key: TokenKey | None) -> bytes:
        """The body as it may go on; the same one where nothing was found.

        Raises `Blocked` and `Unseen`.
        """
        if not body.strip():
            return body
        if media == _FORM:
            return self._form(body, key)
        if body.lstrip()[:1] in (b"{", b"[", b'"') or media.endswith(("/json", "+json")):
            try:
                value = msgspec.json.decode(body)
                json.loads(body, object_pairs_hook=_once)
            except (ValueError, RecursionError):
                if self._fields or media.endswith(("/json", "+json")):
                    raise Unseen("it is no JSON") from None
            else:
                root = [value]
                return msgspec.json.encode(root[0]) if self._all(root, key) else body
        if not media.startswith(_TEXTS) and not media.endswith("+xml"):
            raise Unseen(f"{media[:80]} cannot be looked into")
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            raise Unseen("it is no UTF-8") from None
        root = [text]
        return str(root[0]).encode() if self._all(root, key) else body

    def _all(self, root: list[Any], key: TokenKey | None) -> bool:
        # Every one, whatever those before it have changed.
        return sum(apply(root, key) for apply in self._apply) > 0

    def _form(self, body: bytes, key: TokenKey | None) -> bytes:
        try:
            given = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
        except ValueError:
            raise Unseen("it is no form") from None
        # One value at a time, for a form may have a name twice.
        alone = [[{name: value}] for name, value in given]
        changed = sum(self._all(root, key) for root in alone) > 0
        after = [pair for [value] in alone for pair in value.items()]
        return urlencode(after).encode() if changed else body


def _once(members: list[tuple[str, Any]]) -> None:
    """Of a name that stands twice the backend may take the one that was not looked at."""
    if len({name for name, _ in members}) != len(members):
        raise Unseen("a member stands twice")


def wrong(given: Privacy) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What cannot be: where, and why."""
    for direction in ("request", "response"):
        for index, rule in enumerate(getattr(given, direction)):
            for name, why in _wrong(rule):
                yield (direction, index, *name), why
    for index, type in enumerate(given.logs):
        if type not in TYPES and type != ALL:
            yield ("logs", index), _no_type(type)
    if given.tenant and not given.tenant.startswith("$context."):
        yield ("tenant",), "tenant must be a variable, such as $context.authorizer.claims.sub"


def _wrong(rule: Rule) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if rule.action == "detokenise":
        if rule.detect:
            yield ("detect",), "detokenise finds tokens by themselves: leave detect out"
    elif bool(rule.fields) == bool(rule.detect):
        yield (), "a rule needs either fields or detect"
    for index, each in enumerate(rule.fields):
        try:
            path(each)
        except BadPath as error:
            yield ("fields", index), str(error)
    for index, type in enumerate(rule.detect):
        if type not in TYPES and type != ALL:
            yield ("detect", index), _no_type(type)


def _no_type(type: str) -> str:
    return f"{type[:80]!r} is none of ALL, {', '.join(sorted(TYPES))}"


def _field(rule: Rule) -> Apply:
    paths, action = [(each, path(each)) for each in rule.fields], rule.action

    def apply(root: list[Any], key: TokenKey | None) -> bool:
        changed = False
        for name, find in paths:
            for container, at in find(root[0]):
                there = container[at]
                if there is None:
                    continue
                if action == "block":
                    raise Blocked(f"the field {name} may not be there")
                container[at] = _changed(there, action, key)
                changed = True
        return changed

    return apply


def _changed(value: Any, action: str, key: TokenKey | None) -> Any:
    if action == "mask":
        return MASK
    assert key is not None
    if action == "tokenise":
        # What is no text is kept as JSON, and marked; so is a text that begins as the mark does.
        plain = isinstance(value, str) and not value.startswith(_MARK)
        return key.token(value if plain else _MARK + msgspec.json.encode(value).decode())
    return _back(value, key)


def _back(value: Any, key: TokenKey) -> Any:
    if not isinstance(value, str):
        return value
    whole = key.value(value)
    if whole is not None and whole.startswith(_MARK):
        return msgspec.json.decode(whole[1:])
    return replaced(value, lambda token: _said_of(key.value(token)))


def _said_of(value: str | None) -> str | None:
    """As it reads within a text."""
    return value and value.removeprefix(_MARK)


def _text(rule: Rule) -> Apply:
    action = rule.action
    find: Find = finder(rule.detect) if rule.detect else lambda text: []

    def one(text: str, before: str, key: TokenKey | None) -> Any:
        if action == "detokenise":
            assert key is not None
            return _back(text, key)
        found = [each for each in find(before + text) if each.end > len(before)]
        if not found:
            return None
        if action == "block":
            raise Blocked(f"it holds personal data: {', '.join(sorted({e.type for e in found}))}")
        own = [
            msgspec.structs.replace(
                each, begin=max(0, each.begin - len(before)), end=each.end - len(before)
            )
            for each in found
        ]
        if action == "mask":
            return put(text, ((each, f"[{each.type}]") for each in own))
        assert key is not None
        return put(
            text, ((each, _changed(text[each.begin : each.end], action, key)) for each in own)
        )

    def apply(root: list[Any], key: TokenKey | None) -> bool:
        changed = False
        for container, at, name in _leaves(root):
            there = container[at]
            text = there if isinstance(there, str) else str(there)
            after = one(text, f"{name}: " if name else "", key)
            if after is not None and after != text:
                container[at] = after
                changed = True
        return changed

    return apply


def _leaves(root: list[Any]) -> list[tuple[Any, Any, str]]:
    """Every text and number, where it is, and the name of the member that it belongs to."""
    found: list[tuple[Any, Any, str]] = []
    waiting: list[tuple[Any, Any, str]] = [(root, 0, "")]
    while waiting:
        container, at, name = waiting.pop()
        there = container[at]
        if isinstance(there, dict):
            members = cast(dict[str, Any], there)
            waiting += [(members, key, _said(key)) for key in members]
        elif isinstance(there, list):
            waiting += [(there, index, name) for index in range(len(cast(list[Any], there)))]
        elif isinstance(there, str | int | float) and not isinstance(there, bool):
            found.append((container, at, name))
    return found


def _said(key: str) -> str:
    """A member's name as words: `phone_number` and `phoneNumber` announce as they do in a text."""
    words = "".join(f" {char.lower()}" if char.isupper() else char for char in key[:100])
    return words.replace("_", " ").replace("-", " ").strip()
