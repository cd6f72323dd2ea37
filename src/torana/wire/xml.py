"""XML in and out, without entities, documents types or anything else that expands."""

from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from torana.wire.faults import Malformed

_DEEPEST = 128


class Element:
    """One element: its local name, attributes, children and text."""

    __slots__ = ("attributes", "children", "name", "pieces")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[Element] = []
        self.pieces: list[str] = []

    def text(self) -> str:
        """The text directly inside."""
        return "".join(self.pieces)


def parse(data: bytes) -> Element:
    """The root element. Raises `Malformed`."""
    builder = _Builder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.StartDoctypeDeclHandler = builder.doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError:
        raise Malformed(
            "The XML you provided was not well-formed or did not validate against our published "
            "schema"
        ) from None
    if builder.root is None:
        raise Malformed("The body holds no XML element")
    return builder.root


class _Builder:
    def __init__(self) -> None:
        self.root: Element | None = None
        self.open: list[Element] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self.open) >= _DEEPEST:
            raise Malformed("The body is nested too deeply")
        element = Element(name.rpartition(":")[2], attributes)
        if self.open:
            self.open[-1].children.append(element)
        elif self.root is None:
            self.root = element
        self.open.append(element)

    def end(self, name: str) -> None:
        del name
        self.open.pop()

    def text(self, data: str) -> None:
        if self.open:
            self.open[-1].pieces.append(data)

    def doctype(self, *parts: Any) -> None:
        del parts
        raise Malformed("A document type declaration is not allowed")


def write_text(text: str) -> str:
    """Text as element content."""
    return escape(text, {"\r": "&#xD;"})


def write_attribute(name: str, value: str) -> str:
    """` name="value"`."""
    return f" {name}={quoteattr(value)}"
