"""A text as the document that it holds."""

import re
from collections.abc import Mapping

from torana.openapi.mistakes import InvalidDocument, Mistake
from torana.openapi.place import Place, Sheet
from torana.openapi.spot import SyntaxMistake
from torana.openapi.syntax import parse

VARIABLES: Mapping[str, str] = {
    "AWS::Region": "us-east-1",
    "AWS::Partition": "aws",
    "AWS::AccountId": "000000000000",
}
"""What the service replaces in a definition: `${AWS::Region}` and so on."""


def opened(text: str, filename: str, variables: Mapping[str, str] = VARIABLES) -> Place:
    """The root of OpenAPI 3.0, 3.1 or Swagger 2.0, in JSON or YAML. Raises `InvalidDocument`."""
    if "${AWS::" in text:
        for name, value in variables.items():
            text = text.replace(f"${{{name}}}", value)
    try:
        parsed = parse(text, filename)
    except SyntaxMistake as error:
        at = error.spot
        mistake = Mistake(filename, at.line, at.column, "syntax", str(error))
        raise InvalidDocument((mistake,)) from None
    sheet = Sheet(parsed, filename)
    root = sheet.root()
    version = _version(root)
    if version is None:
        raise InvalidDocument(sheet.mistakes())
    sheet.version = version
    return root


def _version(root: Place) -> str | None:
    """`2.0`, `3.0` or `3.1`; notes why there is none."""
    if not isinstance(root.value, dict):
        root.fail("version", "this is no OpenAPI document: it is no mapping")
        return None
    for key in ("swagger", "openapi"):
        place = root.find(key)
        said = place and place.as_text()
        if place is None or said is None:
            continue
        match = re.fullmatch(r"2\.0" if key == "swagger" else r"(3\.[01])(?:\.[0-9]+)?", said)
        if match is not None:
            return match[1] if key == "openapi" else "2.0"
        place.fail("version", f"{key} {said[:40]!r} is not read", "swagger 2.0, openapi 3.0 or 3.1")
        return None
    root.fail("version", "this is no OpenAPI document", "it begins with openapi: or swagger:")
    return None
