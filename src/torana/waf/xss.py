"""Cross-site scripting: whether a text would run script in a page it is written into.

The text is looked at as content of a page and as what leaves an attribute's value.
Patterns are RE2's, so none takes longer than the text is long.
"""

# pyright: basic

import html
import re
from typing import Any

import re2

_TAGS = (
    "applet|base|bgsound|embed|foreignobject|frame|frameset|iframe|ilayer|import|isindex|layer|"
    "link|listener|math|meta|noscript|object|script|style|svg|vmlframe|xss"
)
_GAP = r"[\s\x00/]"
_CONTENT = [
    # A tag that runs or loads something.
    rf"<{_GAP}*(?:[a-z0-9]+:)?(?:{_TAGS})(?:[\s\x00/>:]|$)",
    # Any tag with an event handler, a scripted style or a scripted address.
    rf"<[a-z!?/%][^>]*?[\s\x00/\"'`]on[a-z]{{3,24}}{_GAP}*=",
    r"<[a-z][^>]*[\s/\"'](?:style|filter)\s*=[^>]*(?:expression\s*\(|behaviou?r\s*:|-moz-binding|@import|javascript:)",
    r"<[a-z][^>]*[\s/\"'](?:href|src|action|formaction|data|from|to|values|by|dynsrc|lowsrc|background|poster|xlink:href|srcdoc)\s*=\s*[\"'`]?[\x00-\x20]*(?:j[\x00-\x20]*a[\x00-\x20]*v[\x00-\x20]*a|vb[\x00-\x20]*s|live)[\x00-\x20]*s?[\x00-\x20]*c[\x00-\x20]*r[\x00-\x20]*i[\x00-\x20]*p[\x00-\x20]*t[\x00-\x20]*:",
    r"<[a-z][^>]*=\s*[\"']?\s*data:(?:text/html|image/svg|application/x)",
    r"<!(?:entity|doctype|\[cdata)|<!--\[if|<\?(?:import|xml-stylesheet)|<%[!=@]?",
]
_ATTRIBUTE = [
    # Out of a value, into a handler.
    rf"^[^<>\"'`]*[\"'`][^<>]*?[\s\x00/\"'`]?\bon[a-z]{{3,24}}{_GAP}*=\s*[^\s=]",
    rf"^\s*on(?:abort|animation[a-z]+|blur|change|click|dblclick|drag[a-z]*|error|focus[a-z]*|hashchange|input|key[a-z]+|load[a-z]*|message|mouse[a-z]+|page[a-z]+|pointer[a-z]+|popstate|resize|scroll|select|submit|toggle|touch[a-z]+|transition[a-z]+|unload|wheel){_GAP}*=\s*[^\s=]",
    r"^[\x00-\x20\"']*(?:javascript|vbscript|livescript)[\x00-\x20]*:[\x00-\x20]*[^\s]",
    r"^[\x00-\x20\"']*data:(?:text/html|image/svg\+xml|application/xhtml\+xml)",
    r"[\"'`]\s*(?:;|\+|-|\*|/|,|\)|\}|\|\||&&)\s*(?:alert|confirm|prompt|eval|settimeout|setinterval|fetch|document|window|location|self|top|this|parent|function)\s*[.(\[=`]",
]
_SCRIPT = [
    r"(?:document|window|self|top|parent|frames|this)\s*(?:\.|\[)\s*[\"'`]?(?:cookie|location|write|writeln|domain|eval|alert|innerhtml|execscript|localstorage)",
    r"\b(?:alert|confirm|prompt|eval|settimeout|setinterval|fromcharcode|execscript|importscripts)\s*(?:\(|`)\s*[^)\s]{0,40}[\)`]",
    r"\bset(?:timeout|interval)\s*\(|\bstring\s*\.\s*fromcharcode\s*\(|\.\s*(?:constructor|__proto__)\s*[.(\[]",
    r"\bexpression\s*\([^)]*\)|@import\s+[\"'u]|-moz-binding\s*:\s*url",
]


def _all(patterns: list[str]) -> Any:
    options = re2.Options()
    options.case_sensitive = False
    options.dot_nl = True
    options.log_errors = False
    return re2.compile("|".join(f"(?:{each})" for each in patterns), options=options)


_DANGEROUS = _all([*_CONTENT, *_ATTRIBUTE, *_SCRIPT])
_HINTS = re.compile(r"[<=:(`]|&#|%3c", re.IGNORECASE)


def is_xss(value: bytes) -> bool:
    """Whether a page with this text in it would run script that the text brings."""
    text = value.decode("utf-8", "replace")
    if not _HINTS.search(text):
        return False
    if _DANGEROUS.search(text) is not None:
        return True
    if "&" not in text:
        return False
    return _DANGEROUS.search(html.unescape(text)) is not None
