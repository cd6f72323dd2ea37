"""API keys and usage plans: a key is made, shown once, put in a plan, and its use is counted."""

from playwright.sync_api import Page, expect

from tests.app.test_serve_command import Running


def test_a_key_of_a_plan_calls_a_stage_and_is_counted(
    page: Page, console: str, served: Running
) -> None:
    plane = served.client("apigateway")
    api = plane.create_rest_api(name="Guarded")["id"]
    root = plane.get_resources(restApiId=api)["items"][0]["id"]
    place = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    plane.put_method(**place, authorizationType="NONE", apiKeyRequired=True)
    plane.put_integration(
        **place, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'}
    )
    plane.put_method_response(**place, statusCode="200")
    plane.put_integration_response(**place, statusCode="200")
    plane.create_deployment(restApiId=api, stageName="prod")

    page.goto(f"{console}/keys")
    page.get_by_role("button", name="Create API key").click()
    page.get_by_role("textbox", name="Name").fill("partner")
    page.get_by_role("button", name="Create", exact=True).click()
    key = page.get_by_label("The key", exact=True).inner_text()
    page.get_by_role("button", name="I have it").click()
    expect(page.get_by_role("row", name="partner")).to_be_visible()

    page.get_by_role("tab", name="Usage plans").click()
    page.get_by_role("button", name="Create plan").click()
    page.get_by_role("textbox", name="Name").fill("Partners")
    page.get_by_role("textbox", name="Quota").fill("100")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("heading", name="Partners")).to_be_visible()
    for what, choice in (("Add a stage", "Guarded / prod"), ("Add a key", "partner")):
        page.get_by_role("combobox", name=what).click()
        page.get_by_role("option", name=choice).click()
        page.get_by_role("button", name="Add", exact=True).and_(page.locator(":enabled")).click()
        expect(page.get_by_role("cell", name=choice, exact=True).first).to_be_visible()

    address = f"/restapis/{api}/prod/_user_request_/"
    assert served.ask(address)[0] == 403
    assert served.ask(address, x_api_key=key)[0] == 200
    page.reload()
    row = page.get_by_role("region", name="usage by key").get_by_role("row", name="partner")
    # What a process holds ahead of a quota goes back after some seconds without use.
    expect(row.get_by_role("cell").nth(1)).to_have_text("1", timeout=25_000)
