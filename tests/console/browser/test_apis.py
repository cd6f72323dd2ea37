"""REST APIs: made, tried, deployed, compared and rolled back from the screens."""

import re

from playwright.sync_api import Page, expect

from tests.app.test_serve_command import ROOT, Running
from tests.console.browser.acting import saved, write


def create(page: Page, console: str, name: str) -> str:
    page.goto(f"{console}/apis")
    page.get_by_role("button", name="Create API").first.click()
    page.get_by_role("textbox", name="Name").fill(name)
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    return page.url.rpartition("/")[2]


def deploy(page: Page, what: str, canary: bool = False) -> None:
    page.get_by_role("button", name="Deploy", exact=True).click()
    form = page.get_by_role("dialog")
    form.get_by_label("What changed").fill(what)
    if canary:
        form.get_by_label("As a canary: part of the traffic first").check()
    with saved(page, "Deployed to prod"):
        form.get_by_role("button", name="Deploy", exact=True).click()


def answers(page: Page, template: str) -> None:
    """Have the mock integration's only answer be something else."""
    page.get_by_role("button", name="Integration response").click()
    write(page, "Mapping templates for application/json", template)
    with saved(page, "Saved"):
        page.get_by_role("button", name="Save", exact=True).click()


def test_an_api_from_nothing_to_served_with_canary_and_rollback(
    page: Page, console: str, served: Running
) -> None:
    api = create(page, console, "Greetings")
    page.get_by_role("button", name="Add a path").click()
    page.get_by_label("Path part").fill("hello")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="Change /hello").click()
    page.get_by_role("menuitem", name="Add a method").click()
    page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()

    page.get_by_role("combobox", name="Type").click()
    page.get_by_role("option", name="MOCK").click()
    page.get_by_role("button", name="Add content type").click()
    write(page, "Mapping templates for application/json", '{"statusCode": 200}')
    with saved(page, "Saved"):
        page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Method response").click()
    page.get_by_label("Status").fill("200")
    page.get_by_role("button", name="Add", exact=True).last.click()
    expect(page.get_by_role("button", name="200", exact=True)).to_be_visible()
    page.get_by_role("button", name="Integration response").click()
    page.get_by_label("Status").fill("200")
    page.get_by_role("button", name="Add", exact=True).last.click()
    page.get_by_role("button", name="Add content type").click()
    answers(page, '{"say": "hello"}')

    page.get_by_role("tab", name="Test").click()
    page.get_by_role("button", name="Test", exact=True).click()
    result = page.get_by_role("region", name="Result")
    expect(result).to_contain_text('"hello"')
    expect(result).to_contain_text("Method completed with status: 200")
    method = page.url

    address = f"/restapis/{api}/prod/_user_request_/hello"
    deploy(page, "says hello")
    assert served.ask(address) == (200, '{"say": "hello"}')

    page.goto(method)
    answers(page, '{"say": "good day"}')
    deploy(page, "says good day", canary=True)
    expect(page.get_by_text("10% goes to")).to_be_visible()
    with saved(page, "promoted"):
        page.get_by_role("button", name="Promote").click()
    assert served.ask(address) == (200, '{"say": "good day"}')

    page.get_by_role("tab", name="Deployments").click()
    expect(page.get_by_role("row", name="says good day")).to_contain_text("prod")
    page.get_by_role("combobox", name="From").click()
    page.get_by_role("option", name=re.compile("says hello")).click()
    difference = page.get_by_role("region", name="Differences")
    expect(difference).to_contain_text('-              application/json: \'{"say": "hello"}\'')
    expect(difference).to_contain_text('+              application/json: \'{"say": "good day"}\'')
    page.get_by_role("row", name="says hello").get_by_role("button").click()
    with saved(page, "prod serves"):
        page.get_by_role("button", name="Serve it").click()
    assert served.ask(address) == (200, '{"say": "hello"}')


def test_a_document_is_imported_exported_and_what_breaks_clients_of_it_is_told(
    page: Page, console: str, served: Running
) -> None:
    page.goto(f"{console}/apis")
    page.get_by_role("button", name="Create API").first.click()
    page.get_by_role("tab", name="From OpenAPI").click()
    write(page, "OpenAPI document", "openapi: 3.0.1\npaths: {}\n")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("info")
    write(page, "OpenAPI document", (ROOT / "examples/petstore.yaml").read_text())
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("heading", name="Pet Store")).to_be_visible()
    deploy(page, "as imported")
    with page.expect_download() as started:
        page.get_by_role("button", name="OpenAPI").click()
    text = started.value.path().read_text()
    assert "x-amazon-apigateway-integration" in text
    assert "Pet Store" in text
    rest = served.client("apigateway")
    api = page.url.split("/apis/")[1].split("/")[0]
    resources = rest.get_resources(restApiId=api)["items"]
    pets = next(each["id"] for each in resources if each["path"] == "/pets")
    rest.delete_method(restApiId=api, resourceId=pets, httpMethod="GET")
    page.get_by_role("tab", name="Deployments").click()
    noticed = page.get_by_role("list", name="What clients notice")
    expect(noticed).to_contain_text("breakingGET /pets was removed")


def test_what_a_file_describes_is_copied_to_be_edited(page: Page, console: str) -> None:
    page.goto(f"{console}/apis")
    page.get_by_role("link", name="Sentiment").click()
    expect(page.get_by_label("OpenAPI document")).to_contain_text("x-torana-id")
    with saved(page, "A copy was made"):
        page.get_by_role("button", name="Take a copy to edit").click()
    expect(page.get_by_label("POST /sentiment", exact=True)).to_be_visible()
