"""A gateway with a portal that offers one product, made as an operator makes it."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false

import json
import re
import time
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config
from msgspec import Struct

from tests.app.test_serve_command import Running
from torana.wire.model import OWN

PASSWORD = "Correct-horse-7"
PETS = """
openapi: 3.0.1
info: { title: Pet shop, version: "1.2", description: Pets and their owners. }
paths:
  /pets/{petId}:
    get:
      operationId: getPet
      summary: One pet by its number.
      parameters:
        - { name: petId, in: path, required: true, schema: { type: string } }
        - { name: detail, in: query, schema: { type: string } }
      security: [{ api_key: [] }]
      responses:
        "200":
          description: The pet.
          content: { application/json: { schema: { $ref: "#/components/schemas/Pet" } } }
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: { application/json: '{"statusCode": 200}' }
        responses:
          default:
            statusCode: "200"
            responseTemplates:
              application/json: |
                {"id": "$input.params('petId')", "name": "Rex", "tags": ["good"]}
  /pets:
    post:
      operationId: addPet
      summary: Take in a pet.
      security: [{ api_key: [] }]
      requestBody:
        required: true
        content: { application/json: { schema: { $ref: "#/components/schemas/Pet" } } }
      responses:
        "200":
          description: The pet, as it was taken in.
          content: { application/json: { schema: { $ref: "#/components/schemas/Pet" } } }
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: { application/json: '{"statusCode": 200}' }
        responses:
          default:
            statusCode: "200"
            responseTemplates: { application/json: '{"id": "7", "name": "Tom", "tags": []}' }
components:
  securitySchemes:
    api_key: { type: apiKey, name: x-api-key, in: header }
  schemas:
    Pet:
      type: object
      description: An animal that is for sale.
      required: [id, name]
      properties:
        id: { type: string }
        name: { type: string, description: What it listens to. }
        tags: { type: array, items: { type: string } }
"""
COLORS = ("Accent", "Background", "ErrorValidation", "Header", "Navigation", "Text")
CONTENT = {
    "DisplayName": "Pet developers",
    "Description": "Everything about pets, for programs.",
    "Theme": {"CustomColors": {f"{each}Color": "#0b7285" for each in COLORS}},
}
SETTINGS = "[portal]\n"


class Shop(Struct):
    """What was made, and the way to it."""

    running: Running
    api: str
    plan: str
    product: str
    portal: str
    pool: str
    client: str
    clients: dict[str, Any] = {}
    browsers: list[httpx.Client] = []

    def aws(self, service: str) -> Any:
        """A client of the operator's."""
        if service not in self.clients:
            made = torana(self.running) if service == "torana" else self.running.client(service)
            self.clients[service] = made
        return self.clients[service]

    def close(self) -> None:
        for each in (*self.clients.values(), *self.browsers):
            each.close()

    @property
    def door(self) -> str:
        return f"http://127.0.0.1:{self.running.run['port']}"

    @property
    def address(self) -> str:
        """The portal's."""
        return f"{self.door}/portal/{self.portal}"

    @property
    def base(self) -> str:
        """The API's."""
        return f"{self.door}/restapis/{self.api}/prod/_user_request_"

    def code(self, email: str) -> str:
        """Of the newest message to somebody."""
        lines = (self.running.data / "outbox.jsonl").read_text().splitlines()
        [*_, last] = (each for each in map(json.loads, lines) if each["to"] == email)
        return re.findall(r"\d{6}", last["text"])[-1]

    def offer(self, **changed: Any) -> None:
        """Offer the product."""
        plan = {"usagePlanId": self.plan, "name": "Basic", "price": {"monthly": 5, "perCall": 0.5}}
        given = {"stages": [f"{self.api}/prod"], "plans": [plan], "visibility": "public", **changed}
        self.aws("torana").put_offer(productId=self.product, **given)

    def calls(self, key: str, path: str = "/pets/1", verb: str = "GET") -> httpx.Response:
        return httpx.request(verb, self.base + path, headers={"x-api-key": key})

    def until(self, key: str, status: int) -> httpx.Response:
        """Ask until a key opens the API, or does no more."""
        end = time.monotonic() + 20
        while (reply := self.calls(key)).status_code != status:
            assert time.monotonic() < end, reply.text
            time.sleep(0.05)
        return reply


def torana(running: Running, key: tuple[str, str] | None = None) -> Any:
    """A client of the service that botocore does not know; as the account, if no key is given."""
    id, secret = key or running.credentials()
    session = boto3.Session(id, secret, region_name="us-east-1")
    loader: Any = session._session.get_component("data_loader")
    loader.search_paths.append(str(OWN))
    return session.client(
        "torana",
        endpoint_url=f"http://127.0.0.1:{running.run['management_port']}",
        config=Config(retries={"max_attempts": 1}),
    )


def shop(running: Running) -> Shop:
    """Make all of it."""
    plane, v2, idp = (
        running.client(each) for each in ("apigateway", "apigatewayv2", "cognito-idp")
    )
    api = plane.import_rest_api(body=PETS.encode())["id"]
    plane.create_deployment(restApiId=api, stageName="prod")
    for path, method, words in (
        ("/pets/{petId}", "GET", "One pet by its number"),
        ("/pets", "POST", "Take in a pet"),
    ):
        plane.create_documentation_part(
            restApiId=api,
            location={"type": "METHOD", "path": path, "method": method},
            properties=json.dumps({"summary": words}),
        )
    plan = plane.create_usage_plan(
        name="basic",
        apiStages=[{"apiId": api, "stage": "prod"}],
        throttle={"rateLimit": 100, "burstLimit": 200},
        quota={"limit": 1000, "period": "MONTH"},
    )["id"]
    pool = idp.create_user_pool(
        PoolName="developers",
        UsernameAttributes=["email"],
        AutoVerifiedAttributes=["email"],
    )["UserPool"]["Id"]
    client = idp.create_user_pool_client(
        UserPoolId=pool,
        ClientName="portal",
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )["UserPoolClient"]["ClientId"]
    product = v2.create_portal_product(
        DisplayName="Pets", Description="Look pets up, and take them in."
    )
    named = {"PortalProductId": product["PortalProductId"]}
    page = {"Title": "Getting started", "Body": "# Welcome\n\nGet a **key**, then `curl`."}
    v2.create_product_page(**named, DisplayContent=page)
    portal = v2.create_portal(
        Authorization={
            "CognitoConfig": {
                "AppClientId": client,
                "UserPoolArn": f"arn:aws:cognito-idp:us-east-1:000000000000:userpool/{pool}",
                "UserPoolDomain": "https://developers.auth.us-east-1.amazoncognito.com",
            }
        },
        EndpointConfiguration={"None": {}},
        PortalContent=CONTENT,
        IncludedPortalProductArns=[product["PortalProductArn"]],
    )
    v2.publish_portal(PortalId=portal["PortalId"])
    made = Shop(
        running,
        api,
        plan,
        product["PortalProductId"],
        portal["PortalId"],
        pool,
        client,
        {"apigateway": plane, "apigatewayv2": v2, "cognito-idp": idp},
    )
    made.offer()
    return made


class Browser:
    """Somebody at a portal."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.http = httpx.Client(base_url=shop.address, timeout=30)
        shop.browsers.append(self.http)

    def post(self, path: str, /, **given: Any) -> httpx.Response:
        return self.http.post(f"/api/{path}", json=given)

    def get(self, path: str) -> httpx.Response:
        return self.http.get(f"/api/{path}")

    def delete(self, path: str) -> httpx.Response:
        return self.http.delete(f"/api/{path}")

    def sign_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        reply = self.post("session", email=email, password=password)
        if "csrf" in reply.text:
            self.http.headers["x-torana-csrf"] = reply.json()["csrf"]
        return reply


def developer(shop: Shop, email: str) -> Browser:
    """Somebody who has signed up and in."""
    browser = Browser(shop)
    assert browser.post("sign-up", email=email, password=PASSWORD).status_code == 200
    assert browser.post("confirm", email=email, code=shop.code(email)).status_code == 200
    assert browser.sign_in(email).status_code == 200
    return browser


def settings(folder: Path, text: str = SETTINGS) -> Path:
    """A settings file."""
    path = folder / "torana.toml"
    path.write_text(text)
    return path
