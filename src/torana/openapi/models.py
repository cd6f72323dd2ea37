"""The models of a document: its named schemas, and names for those that stand inline."""

import re

from torana.model.rest import Model
from torana.openapi.place import Place
from torana.openapi.schemas import check, draft4, model_name

_NAME = re.compile(r"[A-Za-z0-9]+")
_NESTED = {"2.0": ("definitions",)}


class Models:
    """Collects models while the operations that use them are read."""

    def __init__(self, root: Place) -> None:
        self.found: dict[str, Model] = {}
        self._inline: dict[tuple[str | int, ...], str] = {}
        place: Place | None = root
        for key in _NESTED.get(root.sheet.version, ("components", "schemas")):
            place = place and place.find(key)
        if place is not None:
            for name, schema in place.items():
                self._add(name, schema)

    def _add(self, name: str, place: Place) -> None:
        if not _NAME.fullmatch(name):
            place.fail(
                "model-name", f"model name must be alphanumeric: {name[:100]}", "use a-z A-Z 0-9"
            )
            return
        schema = draft4(place)
        check(schema, place)
        said = place.text("description") if isinstance(place.value, dict) else ""
        self.found[name] = Model(name, schema, description=said if "$ref" not in schema else "")

    def use(self, place: Place, hint: str) -> str | None:
        """The name of the model at a place: the one it refers to, or a new one named by `hint`."""
        reference = place.find("$ref")
        if reference is not None:
            name = model_name(reference.as_text() or "")
            if name is not None:
                return name if reference.target() is not None else None
        target = place.follow()
        if target is None:
            return None
        known = self._inline.get(target.path)
        if known is not None:
            return known
        name = self._free(re.sub(r"[^A-Za-z0-9]+", "", hint) or "Model")
        self._inline[target.path] = name
        self._add(name, target)
        return name

    def _free(self, wanted: str) -> str:
        name, count = wanted, 2
        while name in self.found:
            name, count = f"{wanted}{count}", count + 1
        return name
