"""The pages: plain HTML without a script, readable by every browser and screen reader."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from html import escape

from msgspec import Struct

from torana.message import Headers, Reply

_STYLE = """
:root { color-scheme: light dark; font: 100%/1.5 system-ui, sans-serif; }
body { margin: 0; display: grid; min-height: 100vh; place-items: center; }
main { width: min(24rem, 100% - 2rem); padding: 2rem 0; }
h1 { font-size: 1.5rem; }
label { display: block; margin-top: 1rem; font-weight: 600; }
input:not([type=radio]) { box-sizing: border-box; width: 100%; padding: .6rem; font: inherit;
  border: 1px solid #767676; border-radius: .4rem; }
button { width: 100%; margin-top: 1.5rem; padding: .7rem; font: inherit; font-weight: 600;
  border: 0; border-radius: .4rem; background: #0b57d0; color: #fff; cursor: pointer; }
button:focus-visible, input:focus-visible, a:focus-visible { outline: 3px solid #f9ab00; }
[role=alert] { padding: .7rem; border: 2px solid #b3261e; border-radius: .4rem; }
fieldset { margin-top: 1rem; border: 1px solid #767676; border-radius: .4rem; }
fieldset label { font-weight: 400; margin: .3rem 0; }
code { word-break: break-all; }
a { color: inherit; }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


class Field(Struct, frozen=True):
    """What is asked for."""

    name: str
    label: str
    kind: str = "text"
    complete: str = ""
    """What a browser may fill in by itself."""
    value: str = ""
    numeric: bool = False


class Choice(Struct, frozen=True):
    """One of several."""

    name: str
    label: str
    options: Sequence[tuple[str, str]]


class Page(Struct, frozen=True):
    """A form, and what stands around it."""

    title: str
    action: str = ""
    """Empty: no form."""
    button: str = ""
    fields: Sequence[Field | Choice] = ()
    hidden: Mapping[str, str] = {}
    error: str = ""
    says: Sequence[str] = ()
    """Paragraphs before the form."""
    shows: Mapping[str, str] = {}
    """Things to copy, by what they are called."""
    links: Sequence[tuple[str, str]] = ()
    """Addresses and texts."""


def reply(page: Page, status: int = 200, *, leads_to: str = "") -> Reply:
    """`leads_to`: the origin that sending the form may end at."""
    body = render(page).encode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self' {leads_to}; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    fields = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Cache-Control", "no-store"),
        ("Content-Security-Policy", policy),
        ("X-Frame-Options", "DENY"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
    ]
    return Reply(status, Headers(fields), body)


def render(page: Page) -> str:
    """As HTML."""
    parts = [f"<h1>{escape(page.title)}</h1>"]
    if page.error:
        parts.append(f'<p role="alert">{escape(page.error)}</p>')
    parts += [f"<p>{escape(text)}</p>" for text in page.says]
    parts += [
        f"<p>{escape(name)}<br><code>{escape(text)}</code></p>" for name, text in page.shows.items()
    ]
    if page.action:
        parts.append(_form(page))
    parts += [f'<p><a href="{escape(to)}">{escape(text)}</a></p>' for to, text in page.links]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(page.title)}</title><style>{_STYLE}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>"
    )


def _form(page: Page) -> str:
    parts = [f'<form method="post" action="{escape(page.action)}">']
    parts += [
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in page.hidden.items()
    ]
    first = True
    for each in page.fields:
        parts.append(_choice(each) if isinstance(each, Choice) else _input(each, focus=first))
        first = False
    parts.append(f'<button type="submit">{escape(page.button)}</button></form>')
    return "".join(parts)


def _input(field: Field, *, focus: bool) -> str:
    name = escape(field.name)
    also = ' inputmode="numeric" pattern="[0-9 ]*"' if field.numeric else ""
    also += " autofocus" if focus else ""
    return (
        f'<label for="{name}">{escape(field.label)}</label>'
        f'<input id="{name}" name="{name}" type="{escape(field.kind)}" required '
        f'autocomplete="{escape(field.complete or "off")}" value="{escape(field.value)}"{also}>'
    )


def _choice(choice: Choice) -> str:
    options = "".join(
        f'<label><input type="radio" name="{escape(choice.name)}" value="{escape(value)}" '
        f"required> {escape(text)}</label>"
        for value, text in choice.options
    )
    return f"<fieldset><legend>{escape(choice.label)}</legend>{options}</fieldset>"
