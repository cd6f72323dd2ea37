"""Custom domain names with their certificates, and what the gateway itself says."""

import pytest
import trustme
from playwright.sync_api import Page, expect

from tests.app.test_serve_command import ROOT, Running
from tests.console.browser.acting import saved, write

BASE = "_user_request_"


@pytest.fixture
def petstore(served: Running) -> str:
    """An API of its own that is served, its ID."""
    plane = served.client("apigateway")
    api: str = plane.import_rest_api(body=(ROOT / "examples/petstore.yaml").read_bytes())["id"]
    plane.create_deployment(restApiId=api, stageName="prod")
    return api


def test_an_api_is_reached_under_a_name_of_its_own(
    page: Page, console: str, served: Running, petstore: str
) -> None:
    authority = trustme.CA()
    made = authority.issue_cert("shop.example.com")
    page.goto(f"{console}/domains/certificates")
    page.get_by_role("button", name="Import a certificate").click()
    for name, pem in (
        ("Certificate", made.cert_chain_pems[0]),
        ("Private key", made.private_key_pem),
        ("Chain", authority.cert_pem),
    ):
        page.get_by_role("textbox", name=name, exact=True).fill(pem.bytes().decode())
    with saved(page, "was imported"):
        page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("row", name="shop.example.com")).to_contain_text("ISSUED")

    page.get_by_role("tab", name="Domain names").click()
    page.get_by_role("button", name="Add a name").click()
    page.get_by_role("textbox", name="Name").fill("shop.example.com")
    page.get_by_role("combobox", name="Certificate").click()
    page.get_by_role("option", name="shop.example.com").click()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", name="shop.example.com")).to_be_visible()

    page.get_by_role("button", name="Add a mapping").click()
    page.get_by_role("combobox", name="API").fill(petstore)
    page.get_by_role("option", name=petstore).click()
    page.get_by_role("combobox", name="Stage").click()
    page.get_by_role("option", name="prod").click()
    page.get_by_role("textbox", name="Path").fill("pets-v1")
    with saved(page, "was added"):
        page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("row", name="/pets-v1")).to_contain_text("prod")
    asked = "/pets-v1/pets?type=dog"
    assert served.ask(asked, host="shop.example.com")[0] == 200


def test_a_link_shows_whether_it_leads_anywhere(page: Page, console: str) -> None:
    page.goto(f"{console}/domains/links")
    page.get_by_role("button", name="Create a link").click()
    page.get_by_role("textbox", name="Name").fill("orders")
    arn = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/net/orders/1"
    page.get_by_role("textbox", name="Load balancer").fill(arn)
    page.get_by_role("button", name="Create", exact=True).click()
    row = page.get_by_role("row", name="orders")
    # No setting says where it leads.
    expect(row).to_contain_text("FAILED")
    row.get_by_role("button", name="Delete orders").click()
    expect(row).to_have_count(0)


def test_what_the_gateway_says_itself_can_be_said_otherwise(
    page: Page, console: str, served: Running, petstore: str
) -> None:
    page.goto(f"{console}/apis/{petstore}/responses")
    page.get_by_role("link", name="MISSING_AUTHENTICATION_TOKEN").click()
    page.get_by_role("textbox", name="Status").fill("404")
    write(page, "What is said", '{"message": "no such path"}')
    with saved(page, "Saved"):
        page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("row", name="MISSING_AUTHENTICATION_TOKEN")).to_contain_text("changed")
    served.client("apigateway").create_deployment(restApiId=petstore, stageName="prod")
    found = 0, ""
    for _ in range(40):
        found = served.ask(f"/restapis/{petstore}/prod/{BASE}/nowhere")
        if found[0] == 404:
            break
        page.wait_for_timeout(100)
    assert found == (404, '{"message": "no such path"}')
