"""The APIs of one gateway as files, reviewed and applied to another."""

import asyncio
from pathlib import Path

from click.testing import CliRunner

from tests.services.apigateway.making import Asking, gateway, mock, until
from tests.services.apigatewayv2.test_live import quick
from torana.app.running import write_run_file
from torana.cli.main import main


async def cli(*words: str, data: Path) -> tuple[int, str]:
    """Exit status and what was printed."""
    arguments = [*words, "--data", str(data)]
    done = await asyncio.to_thread(CliRunner().invoke, main, arguments)
    return done.exit_code, done.output


async def test_what_one_gateway_serves_another_serves_from_its_files(tmp_path: Path) -> None:
    one, other, files = tmp_path / "one", tmp_path / "other", tmp_path / "files"
    folder = str(files)
    async with quick(one) as (running, v2, http, _):
        rest = Asking(running.client())
        api = await rest.create_rest_api(name="r")
        await mock(rest, api["id"], api["rootResourceId"], {"say": "rest"})
        await rest.create_deployment(restApiId=api["id"], stageName="prod")
        await rest.create_api_key(name="k", enabled=True)
        await v2.create_domain_name(DomainName="a.example.com")
        await v2.create_api_mapping(DomainName="a.example.com", ApiId=http, Stage="$default")
        assert (await cli("config", "export", folder, data=one))[0] == 0
        assert (await cli("diff", folder, data=one)) == (0, "")
        named = {str(each.relative_to(files)) for each in files.rglob("*.yaml")}
        assert {f"apis/{http}.yaml", f"rest-apis/{api['id']}.yaml"} < named
        assert "domain-names/a.example.com.yaml" in named

        async with gateway(other) as second:
            status, said = await cli("diff", folder, data=other)
            assert (status, f"+++ apis/{http}.yaml" in said) == (1, True)
            assert (await cli("config", "apply", folder, data=other))[0] == 0
            url = f"{second.door}/restapis/{api['id']}/prod/_user_request_/"
            await until(url, 200, "rest")
            await until(f"{second.door}/apis/{http}/x", 200, "GET /x")
            await until(f"{second.door}/x", 200, "GET /x", host="a.example.com")
            ask = Asking(second.client("apigatewayv2"))
            mine, theirs = await v2.get_api(ApiId=http), await ask.get_api(ApiId=http)
            assert theirs.pop("ApiEndpoint") != mine.pop("ApiEndpoint")
            assert theirs == mine
            (files / f"rest-apis/{api['id']}.yaml").unlink()
            assert (await cli("config", "apply", folder, data=other))[0] == 0
            await until(url, 403)
            trail = Asking(second.client("cloudtrail"))
            newest = (await trail.lookup_events(MaxResults=1))["Events"][0]
            assert newest["EventName"] == "Apply"


async def test_files_that_cannot_be_served_change_nothing(tmp_path: Path) -> None:
    data, files = tmp_path / "data", tmp_path / "files"
    async with quick(data) as (_, _, http, url):
        await cli("config", "export", str(files), data=data)
        path = files / f"apis/{http}.yaml"
        path.write_text(path.read_text().replace("HTTP_PROXY", "HTTP"))
        status, said = await cli("config", "apply", str(files), data=data)
        assert (status, "cannot be served" in said) == (1, True), said
        path.write_text("v2-api: [1")
        status, said = await cli("config", "apply", str(files), data=data)
        assert (status, f"apis/{http}.yaml:" in said) == (1, True), said
        await until(f"{url}/a", 200)


async def test_a_document_of_an_http_api_is_imported_deployed_and_exported(tmp_path: Path) -> None:
    file = tmp_path / "api.yaml"
    file.write_text(
        "openapi: 3.0.1\nx-torana-protocol: HTTP\ninfo: {title: t, version: '1'}\npaths:\n"
        "  /a/{b}:\n    get:\n      x-amazon-apigateway-integration: {type: http_proxy, "
        "httpMethod: GET, uri: 'http://127.0.0.1:1/', payloadFormatVersion: '1.0'}\n"
    )
    data = tmp_path / "data"
    async with gateway(data) as running:
        # Commands find the gateway by this file, as `torana serve` writes it.
        write_run_file(running.node.settings, running.node.front_port, running.node.management.port)
        status, said = await cli("import", str(file), data=data)
        assert status == 0, said
        api = said.strip()
        status, said = await cli("deploy", api, "--stage", "dev", data=data)
        assert (status, f"/apis/{api}/dev/" in said) == (0, True)
        await until(f"{running.door}/apis/{api}/dev/a/b", 503)
        status, said = await cli("export", api, "--stage", "dev", "--yaml", data=data)
        assert (status, "uri: http://127.0.0.1:1/" in said) == (0, True)
