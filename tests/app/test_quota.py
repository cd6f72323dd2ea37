"""A quota from torana.toml, through the node and its store."""

from pathlib import Path

from torana.app.definitions import Source
from torana.app.node import Node
from torana.message import Headers, Request
from torana.settings import Key, Plan, Quota, Settings

KEYED = """
openapi: 3.0.1
info: {title: keyed, version: '1'}
paths:
  /x:
    get:
      security: [{api_key: []}]
      responses: {'200': {description: ok}}
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: {application/json: '{"statusCode": 200}'}
        responses: {default: {statusCode: '200'}}
components:
  securitySchemes:
    api_key: {type: apiKey, name: x-api-key, in: header}
"""


async def statuses(data: Path, times: int) -> list[int]:
    settings = Settings(
        data=str(data),
        port=0,
        management_port=0,
        keys={"app": Key("s3cret")},
        usage_plans={"basic": Plan(("keyed/prod",), ("app",), quota=Quota(3, "MONTH"))},
    )
    node = Node(settings, {})
    await node.start("all", None)
    node.load((Source("keyed.yaml", KEYED),))
    fields = Headers([("Host", "a"), ("x-api-key", "s3cret")])
    found = [
        (await node.door(Request("GET", "/restapis/keyed/prod/_user_request_/x", fields))).status
        for _ in range(times)
    ]
    await node.stop()
    return found


async def test_what_is_left_of_a_quota_outlives_the_process(tmp_path: Path) -> None:
    assert await statuses(tmp_path, 2) == [200, 200]
    assert await statuses(tmp_path, 2) == [200, 429]
