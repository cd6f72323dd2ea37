"""Generated clients, run."""

import asyncio
import io
import json
import shutil
import zipfile
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.services.apigateway.making import Asking, gateway, mock, until

SCRIPT = """
const factory = require(process.argv[2]);
const client = factory.newClient({ invokeUrl: process.argv[3], apiKey: "k" });
const run = async () => {
  const found = await client.petsIdGet({ id: "a b", q: ["1", "2"] });
  const lost = await client.lostGet().catch((error) => error.response.status);
  console.log(JSON.stringify([found.status, found.data, lost]));
};
run();
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
async def test_a_generated_client_calls_its_api(tmp_path: Path) -> None:
    async with gateway(tmp_path / "data") as running:
        ask = Asking(running.client())
        api = await ask.create_rest_api(name="pets")
        place = {"restApiId": api["id"], "parentId": api["rootResourceId"]}
        pets = await ask.create_resource(**place, pathPart="pets")
        lost = await ask.create_resource(**place, pathPart="lost")
        pet = await ask.create_resource(restApiId=api["id"], parentId=pets["id"], pathPart="{id}")
        said = '{"id": "$input.params(\'id\')", "q": "$input.params(\'q\')"}'
        wanted = {"method.request.querystring.q": False}
        await mock(ask, api["id"], pet["id"], said, requestParameters=wanted)
        await mock(ask, api["id"], lost["id"], "{}", apiKeyRequired=True)
        await ask.create_deployment(restApiId=api["id"], stageName="prod")
        base = f"{running.door}/restapis/{api['id']}/prod/_user_request_"
        await until(f"{base}/pets/1", 200)
        sdk = await ask.get_sdk(restApiId=api["id"], stageName="prod", sdkType="javascript")
        zipfile.ZipFile(io.BytesIO(sdk["body"].read())).extractall(tmp_path)
        (tmp_path / "run.js").write_text(SCRIPT)
        code = str(tmp_path / "apiGateway-js-sdk" / "apigClient.js")
        ran = await asyncio.create_subprocess_exec(
            "node", str(tmp_path / "run.js"), code, base, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await ran.communicate()
    assert json.loads(out) == [200, {"id": "a b", "q": "2"}, 403]


async def test_what_cannot_be_generated_is_refused(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask = Asking(running.client())
        assert [each["id"] for each in (await ask.get_sdk_types())["items"]] == ["javascript"]
        with pytest.raises(ClientError, match="Invalid SDK type specified: java"):
            await ask.get_sdk(restApiId="a", stageName="prod", sdkType="java")
        with pytest.raises(ClientError, match="Invalid SDK Type specified"):
            await ask.get_sdk_type(id="java")
