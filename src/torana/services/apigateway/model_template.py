"""`GetModelTemplate`: a mapping template that gives something of a model's form, to begin with.

Source: API Gateway API reference, "GetModelTemplate", and Developer Guide, "Data models for REST
APIs": 42, `foo` and true stand for values, a loop for an array.
"""

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from torana.services.apigateway.apis import the_api
from torana.services.apigateway.book import PART, Book, Json, Sheet
from torana.services.apigateway.faults import bad, not_found
from torana.services.ports import Call

_DEEPEST = 20
_VALUES = {"string": '"foo"', "number": "1.1", "integer": "42", "boolean": "true", "null": "null"}


class ModelTemplates:
    """The operation that writes a template."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def GetModelTemplate(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            models = {
                part["name"]: part async for _, part in sheet.scan(PART, f"{api['id']}/model/")
            }
            name = params["modelName"]
            if name not in models:
                raise not_found(f"Invalid model name specified: {name}")
            schemas = {
                each: msgspec.json.decode(part.get("schema") or "{}")
                for each, part in models.items()
            }
            return {"value": template(schemas[name], schemas)}

        return await self._book.read(work)


def template(schema: Json, schemas: Mapping[str, Json]) -> str:
    """A template for a schema. Raises the service's error for one without an end."""
    body = _Writing(schemas, schema).value(schema, "$inputRoot", 0)
    return f"#set($inputRoot = $input.path('$'))\n{body}"


class _Writing:
    def __init__(self, schemas: Mapping[str, Json], root: Json) -> None:
        self._schemas, self._root = schemas, root

    def value(self, schema: Json, source: str, depth: int) -> str:
        """What gives a value of a schema; `source` is where the template finds the input."""
        if depth > _DEEPEST:
            raise bad("The model refers to itself: no template can be generated for it")
        reference = schema.get("$ref")
        if isinstance(reference, str):
            return self.value(self._referred(reference), source, depth + 1)
        kind: Any = schema.get("type", "object")
        if isinstance(kind, list):
            kinds = cast(list[str], kind)
            kind = next((each for each in kinds if each != "null"), "null")
        if kind == "object":
            return self._object(schema, source, depth)
        if kind == "array":
            return self._array(schema, source, depth)
        return _VALUES.get(str(kind), "null")

    def _referred(self, reference: str) -> Json:
        name = reference.rpartition("/")[2]
        own = self._root.get("definitions", {})
        found = own.get(name) if reference.startswith("#") else self._schemas.get(name)
        if not isinstance(found, dict):
            raise bad(f"Invalid model reference specified: {reference}")
        return cast(Json, found)

    def _object(self, schema: Json, source: str, depth: int) -> str:
        pad = "  " * depth
        properties: dict[str, Json] = schema.get("properties") or {}
        members = [
            f'{pad}  "{name}" : {self.value(each, f"{source}.{name}", depth + 1)}'
            for name, each in properties.items()
        ]
        return "{\n" + ",\n".join(members) + f"\n{pad}}}" if members else "{ }"

    def _array(self, schema: Json, source: str, depth: int) -> str:
        items: Any = schema.get("items") or {}
        one = self.value(cast(Json, items) if isinstance(items, dict) else {}, "$elem", depth + 1)
        return (
            "[\n##TODO: Update this foreach loop to reference array from input json\n"
            f"#foreach($elem in {source})\n{'  ' * (depth + 1)}{one}"
            "#if($foreach.hasNext),#end\n#end\n" + "  " * depth + "]"
        )
