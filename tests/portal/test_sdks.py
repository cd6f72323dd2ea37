"""Generated clients, by their own languages' tools, calling an API that is there."""

import asyncio
import importlib
import io
import json
import os
import shutil
import sys
import zipfile
from pathlib import Path
from subprocess import run
from typing import Any

import pytest

from tests.app.test_serve_command import ROOT
from tests.portal.making import PETS
from tests.services.serving import serving
from torana.message import Headers, Reply, Request, read
from torana.openapi import read as read_document
from torana.openapi import write
from torana.portal.sdk import archive
from torana.portal.sdk.reading import reading

TSC = ROOT / "web/node_modules/.bin/tsc"
USE = """
import { ApiError, Client, type Pet } from "./client.js";

const notices: string[] = [];
const client = new Client({
  apiKey: "k3y", baseUrl: process.argv[2], onDeprecated: (operation) => notices.push(operation),
});
const pet: Pet = await client.getPet({ petId: "a/b", detail: "all" });
const added: Pet = await client.addPet({ id: "7", name: pet.name });
let refused = 0;
try {
  await client.getPet({ petId: "none" });
} catch (error) {
  if (error instanceof ApiError) refused = error.status;
}
console.log(JSON.stringify([pet, added, refused, notices]));
"""


def document(base: str = "http://127.0.0.1:1") -> dict[str, Any]:
    found = read_document(PETS, "pets")
    made = json.loads(write(found.api, found.stage, extensions=()))
    return {**made, "servers": [{"url": base}]}


def unpacked(folder: Path, language: str, base: str) -> Path:
    name, content = archive(document(base), language)
    zipfile.ZipFile(io.BytesIO(content)).extractall(folder)
    return folder / name.removesuffix(".zip")


async def shop(request: Request) -> Reply:
    """Pets, for those with a key; answers with what it was asked."""
    fields = Headers([("Content-Type", "application/json")])
    if request.headers.get("x-api-key") != "k3y":
        return Reply(403, fields, b'{"message": "Forbidden"}')
    if request.method == "POST":
        return Reply(200, fields, await read(request.body, 1000))
    if request.target == "/pets/none":
        return Reply(404, fields, b'{"message": "gone"}')
    fields.add("Deprecation", "@1780272000")
    return Reply(200, fields, json.dumps({"id": request.target, "name": "Rex"}).encode())


async def test_the_python_client_calls_the_api(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(shop) as listener:
        base = f"http://127.0.0.1:{listener.port}"
        folder = str(unpacked(tmp_path, "python", base))
        monkeypatch.setattr(sys, "path", [folder, *sys.path])
        made = importlib.import_module("pet_shop")

        def use() -> tuple[Any, Any, int]:
            client = made.Client(api_key="k3y")
            with pytest.warns(DeprecationWarning, match="GET /pets/a%2Fb is deprecated"):
                pet = client.get_pet("a/b", detail="all")
            added = client.add_pet({"id": "7", "name": pet["name"]})
            with pytest.raises(made.ApiError) as error:
                made.Client().get_pet("1")
            return pet, added, error.value.status

        pet, added, refused = await asyncio.to_thread(use)
    assert pet == {"id": "/pets/a%2Fb?detail=all", "name": "Rex"}
    assert (added, refused) == ({"id": "7", "name": "Rex"}, 403)
    monkeypatch.delitem(sys.modules, "pet_shop")


async def test_the_typescript_client_is_sound_and_calls_the_api(tmp_path: Path) -> None:
    if not TSC.exists() or shutil.which("node") is None:
        if os.environ.get("TORANA_REQUIRE_SERVICES") == "1":
            pytest.fail("there is no TypeScript here: `make web/node_modules` installs it")
        pytest.skip("there is no TypeScript here: `make web/node_modules` installs it")
    async with serving(shop) as listener:
        base = f"http://127.0.0.1:{listener.port}"
        package = unpacked(tmp_path, "typescript", base)
        use = USE.replace("process.argv[2]", json.dumps(base))
        (package / "src/use.ts").write_text(use.replace("console.log", "globalThis.console.log"))

        def work() -> str:
            built = run([TSC, "-p", package], capture_output=True, text=True, check=False)
            assert built.returncode == 0, built.stdout
            command = ["node", str(package / "dist/use.js")]
            return run(command, capture_output=True, text=True, check=True).stdout

        said = json.loads(await asyncio.to_thread(work))
    assert said[0] == {"id": "/pets/a%2Fb?detail=all", "name": "Rex"}
    assert said[1:3] == [{"id": "7", "name": "Rex"}, 404]
    assert said[3] == ["GET /pets/a%2Fb"]


def test_words_that_languages_keep_for_themselves_are_no_trouble() -> None:
    strange: dict[str, Any] = {
        "info": {"title": 'The "class" */ API', "version": "x"},
        "servers": [{"url": "https://a.example/b"}],
        "paths": {
            "/{class}/{rest+}": {
                "get": {
                    "operationId": "import",
                    "description": 'Says """ and */',
                    "parameters": [{"name": "self", "in": "query", "schema": {"type": "integer"}}],
                    "responses": {
                        "200": {
                            "content": {
                                "application/json": {"schema": {"$ref": "#/components/schemas/2-a"}}
                            }
                        }
                    },
                }
            }
        },
        "components": {
            "schemas": {
                "2-a": {"type": "object", "properties": {"from": {"type": "string"}, "x-y": {}}}
            }
        },
    }
    assert set(reading(strange).models) == {"Model2A"}
    for path, text in _python(strange).items():
        if path.endswith(".py"):
            compile(text, path, "exec")


def _python(strange: dict[str, Any]) -> dict[str, str]:
    _, content = archive(strange, "python")
    folder = zipfile.ZipFile(io.BytesIO(content))
    return {name: folder.read(name).decode() for name in folder.namelist()}
