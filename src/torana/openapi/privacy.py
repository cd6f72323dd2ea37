"""`x-torana-privacy`: what becomes of personal data in bodies and logs, of an API or of one
operation."""

from typing import Any

from torana.data_settings import ApiPrivacy, Privacy
from torana.openapi.lifecycle import plain
from torana.openapi.place import Place
from torana.openapi.shape import make
from torana.personal.rules import wrong

EXTENSION = "x-torana-privacy"

Json = dict[str, Any]
Private = dict[str, Privacy]
"""By operation, as `ApiPrivacy.operations`."""


def note_privacy(into: Private, key: str, operation: Place) -> None:
    """Look what an operation says."""
    found = _read(operation)
    if found is not None:
        into[key] = found


def read_privacy(root: Place, operations: Private) -> ApiPrivacy | None:
    """What the document says; None when it says nothing."""
    whole = _read(root)
    return ApiPrivacy(whole, operations) if whole is not None or operations else None


def _read(of: Place) -> Privacy | None:
    place = of.extension(EXTENSION)
    if place is None:
        return None
    found: Privacy | None = make(place, Privacy, strict=True)
    for path, why in () if found is None else wrong(found):
        at = place
        for key in path:
            at = at.part(str(key)) or at
        at.fail("privacy", why)
    return found


def write_privacy(into: Json, given: ApiPrivacy | None, key: str = "") -> None:
    """Put it into a document, or that of an operation into the operation."""
    found = given and (given.operations.get(key) if key else given.whole)
    if found is not None:
        into[EXTENSION] = plain(found)
