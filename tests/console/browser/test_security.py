"""Web ACLs guard stages from the screens, and the audit shows who changed what."""

import json
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.app.test_serve_command import Running
from tests.console.browser.acting import saved, write


def rule(name: str) -> dict[str, Any]:
    seen = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True}
    match: dict[str, Any] = {
        "FieldToMatch": {"UriPath": {}},
        "PositionalConstraint": "CONTAINS",
        "SearchString": "c2VjcmV0",
        "TextTransformations": [{"Priority": 0, "Type": "NONE"}],
    }
    return {
        "Name": name,
        "Priority": 0,
        "Action": {"Block": {}},
        "Statement": {"ByteMatchStatement": match},
        "VisibilityConfig": {**seen, "MetricName": name},
    }


def test_a_rule_blocks_and_the_request_is_sampled(
    page: Page, console: str, served: Running
) -> None:
    plane = served.client("apigateway")
    api = plane.create_rest_api(name="Walled")["id"]
    root = plane.get_resources(restApiId=api)["items"][0]["id"]
    part = plane.create_resource(restApiId=api, parentId=root, pathPart="{proxy+}")["id"]
    place = {"restApiId": api, "resourceId": part, "httpMethod": "GET"}
    plane.put_method(**place, authorizationType="NONE")
    plane.put_integration(
        **place, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'}
    )
    plane.put_method_response(**place, statusCode="200")
    plane.put_integration_response(**place, statusCode="200")
    plane.create_deployment(restApiId=api, stageName="prod")

    page.goto(f"{console}/waf")
    page.get_by_role("button", name="Create web ACL").first.click()
    page.get_by_role("textbox", name="Name").fill("wall")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("heading", name="wall")).to_be_visible()
    write(page, "Rules as JSON", json.dumps([rule("no-secrets")]))
    with saved(page, "The rules were saved"):
        page.get_by_role("button", name="Save rules").click()
    page.get_by_role("combobox", name="Guard a stage").click()
    page.get_by_role("option", name="Walled / prod").click()
    with saved(page, "It is guarded"):
        page.get_by_role("button", name="Guard", exact=True).click()
    base = f"/restapis/{api}/prod/_user_request_"
    assert served.ask(f"{base}/open")[0] == 200
    assert served.ask(f"{base}/secret")[0] == 403
    page.get_by_role("combobox", name="Rule").click()
    page.get_by_role("option", name="no-secrets").click()
    samples = page.get_by_role("region", name="samples")
    expect(samples.get_by_role("row", name="/secret")).to_contain_text("BLOCK", timeout=10_000)


def test_the_audit_shows_a_change_before_and_after(
    page: Page, console: str, served: Running
) -> None:
    plane = served.client("apigateway")
    api = plane.create_rest_api(name="Before")["id"]
    change = [{"op": "replace", "path": "/name", "value": "After"}]
    plane.update_rest_api(restApiId=api, patchOperations=change)
    page.goto(f"{console}/audit")
    page.get_by_role("combobox", name="Where").click()
    page.get_by_role("option", name="Resource").click()
    page.get_by_role("textbox", name="Is").fill(api)
    page.get_by_role("button", name="Look up").click()
    expect(page.get_by_role("row")).to_have_count(3)
    page.get_by_role("button", name="UpdateRestApi").click()
    change_of = page.get_by_role("region", name=f"Change of {api}")
    expect(change_of).to_contain_text('-  "name": "Before"')
    expect(change_of).to_contain_text('+  "name": "After"')


def test_a_user_is_made_and_signs_in(
    page: Page, browser: Browser, console: str, served: Running
) -> None:
    page.goto(f"{console}/users")
    page.get_by_role("button", name="Create user").click()
    page.get_by_role("textbox", name="Name").fill("anna")
    page.get_by_role("button", name="Create", exact=True).click()
    page.get_by_role("button", name="Create access key").click()
    key = page.get_by_label("The access key ID").inner_text()
    secret = page.get_by_label("The secret access key").inner_text()
    page.get_by_role("button", name="I have it").click()
    page.get_by_role("button", name="Write a policy").click()
    page.get_by_role("textbox", name="Name").fill("reads")
    allow = {"Effect": "Allow", "Action": ["torana:UseConsole", "apigateway:GET"], "Resource": "*"}
    write(page, "Policy document", json.dumps({"Version": "2012-10-17", "Statement": [allow]}))
    with saved(page, "The policy was saved"):
        page.get_by_role("button", name="Save policy").click()

    hers = browser.new_page()
    hers.goto(f"{console}/apis")
    hers.get_by_label("Access key ID").fill(key)
    hers.get_by_label("Secret access key").fill(secret)
    hers.get_by_role("button", name="Sign in").click()
    hers.get_by_role("button", name="Create API").first.click()
    hers.get_by_role("textbox", name="Name").fill("Hers")
    hers.get_by_role("button", name="Create", exact=True).click()
    expect(hers.get_by_role("alert").first).to_contain_text("not authorized")
    hers.close()
