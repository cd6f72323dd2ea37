"""A model of an API as one JSON Schema that needs no other."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from torana.model.rest import Json, Model

_PREFIXES = ("#/definitions/", "#/components/schemas/", "https://apigateway.amazonaws.com/")


def closed(model: Model, models: Mapping[str, Model]) -> Json:
    """The schema with every model it can reach as a definition of its own."""
    wanted: dict[str, Json] = {}
    own = _rewrite(model.schema, lambda name: _reach(name, models, wanted))
    schema = dict(own)
    if wanted:
        schema["definitions"] = {**own.get("definitions", {}), **wanted}
    return schema


def _reach(name: str, models: Mapping[str, Model], wanted: dict[str, Json]) -> None:
    if name in wanted or name not in models:
        return
    wanted[name] = {}
    wanted[name] = _rewrite(models[name].schema, lambda inner: _reach(inner, models, wanted))


def _rewrite(value: Any, reach: Callable[[str], None]) -> Any:
    """References to models, however spelled, as references to definitions."""
    if isinstance(value, list):
        return [_rewrite(item, reach) for item in cast(list[Any], value)]
    if not isinstance(value, dict):
        return value
    found = cast(Json, value)
    reference = found.get("$ref")
    if isinstance(reference, str) and reference.startswith(_PREFIXES):
        name = reference.rpartition("/")[2]
        reach(name)
        return {"$ref": f"#/definitions/{name}"}
    return {key: _rewrite(item, reach) for key, item in found.items()}
