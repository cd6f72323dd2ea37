"""The portal over HTTP: what developers see and may do, and what they may not."""

import json
import time
from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner

from tests.app.test_serve_command import gateway
from tests.portal.making import PASSWORD, Browser, Shop, developer, settings, shop, torana
from torana.cli.portal import portal


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Generator[Shop]:
    folder = tmp_path_factory.mktemp("portal")
    with gateway(folder / "data", "--config", str(settings(folder))) as running:
        made = shop(running)
        yield made
        made.close()


def subscribed(browser: Browser, name: str) -> dict[str, Any]:
    app = browser.post("applications", name=name).json()
    reply = browser.post(
        "subscriptions",
        application=app["id"],
        product=browser.shop.product,
        plan=browser.shop.plan,
    )
    assert reply.status_code == 201, reply.text
    return reply.json()


def test_visitors_read_public_products_without_what_is_behind_them(pets: Shop) -> None:
    pets.offer()
    visitor = Browser(pets)
    [product] = visitor.get("products").json()["products"]
    assert (product["name"], product["pages"][0]["title"]) == ("Pets", "Getting started")
    assert product["plans"][0]["quota"] == {"limit": 1000, "period": "MONTH"}
    text = visitor.get(f"definition/{pets.product}/{pets.api}/prod").text
    document = json.loads(text)
    assert document["servers"] == [{"url": pets.base}]
    assert set(document["paths"]) == {"/pets", "/pets/{petId}"}
    assert document["paths"]["/pets"]["post"]["summary"] == "Take in a pet"
    assert "x-amazon" not in text
    assert "statusCode" not in text
    assert visitor.get("subscriptions").status_code == 401
    assert httpx.get(f"{pets.door}/portal").headers["location"] == f"/portal/{pets.portal}/"
    assert httpx.get(f"{pets.door}/portal/nothere123/api/session").status_code == 404


def test_private_and_invited_products_are_seen_by_those_alone(pets: Shop) -> None:
    visitor, ada = Browser(pets), developer(pets, "ada@example.com")
    pets.offer(visibility="private")
    assert visitor.get("products").json()["products"] == []
    assert visitor.get(f"definition/{pets.product}/{pets.api}/prod").status_code == 404
    assert len(ada.get("products").json()["products"]) == 1
    pets.offer(visibility="invitation", invited=["bob@example.com"])
    assert ada.get("products").json()["products"] == []
    pets.offer(visibility="invitation", invited=["Ada@example.com"])
    assert len(ada.get("products").json()["products"]) == 1


def test_wrong_passwords_and_forged_requests_are_refused(pets: Shop) -> None:
    eve = developer(pets, "eve@example.com")
    wrong = Browser(pets).sign_in("eve@example.com", "Wrong-horse-7")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "NotAuthorizedException")
    cookie = next(iter(eve.http.cookies.jar))
    assert cookie.path == f"/portal/{pets.portal}"
    assert cookie.has_nonstandard_attr("HttpOnly")
    del eve.http.headers["x-torana-csrf"]
    assert eve.post("applications", name="forged").json()["code"] == "Forged"
    site = {"sec-fetch-site": "cross-site"}
    assert eve.http.get("/api/subscriptions", headers=site).status_code == 403
    for path in ("/console/api/apigateway/GetRestApis", "/metrics", "/llm/v1/keys"):
        assert eve.http.post(f"{pets.door}{path}", json={}).status_code in (403, 404)


def test_an_operator_decides_and_the_key_is_the_developers_alone(pets: Shop) -> None:
    pets.offer(approval="manual")
    bob, operator = developer(pets, "bob@example.com"), pets.aws("torana")
    asked = subscribed(bob, "shop window")
    assert asked["state"] == "pending"
    assert bob.post(f"keys/{asked['id']}").status_code == 409
    [waiting] = operator.list_subscriptions(state="pending")["subscriptions"]
    assert (waiting["email"], waiting["plan"]) == ("bob@example.com", "Basic")
    decided = operator.decide_subscription(subscriptionId=waiting["id"], decision="approve")
    assert (decided["state"], decided["keys"]) == ("active", [])
    with pytest.raises(operator.exceptions.ConflictException):
        operator.decide_subscription(subscriptionId=waiting["id"], decision="reject")

    made = bob.post(f"keys/{asked['id']}").json()
    key = made["value"]
    assert pets.until(key, 200).json()["name"] == "Rex"
    told = bob.get("subscriptions").text + json.dumps(
        operator.list_subscriptions()["subscriptions"]
    )
    assert key not in told
    changes = pets.aws("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateKey"}]
    )["Events"]
    assert f"userpool/{pets.pool}/" in changes[0]["CloudTrailEvent"]
    assert key not in changes[0]["CloudTrailEvent"]

    mallory = developer(pets, "mallory@example.com")
    assert mallory.post(f"keys/{asked['id']}").status_code == 404
    assert mallory.delete(f"subscriptions/{asked['id']}").status_code == 404
    revoked = operator.decide_subscription(
        subscriptionId=waiting["id"], decision="revoke", reason="Not paid"
    )
    assert revoked["state"] == "revoked"
    pets.until(key, 403)
    assert bob.get("subscriptions").json()["subscriptions"][0]["reason"] == "Not paid"


def test_subscriptions_are_listed_in_pages(pets: Shop) -> None:
    pets.offer(approval="manual")
    kim, operator = developer(pets, "kim@example.com"), pets.aws("torana")
    for name in ("first", "second"):
        subscribed(kim, name)
    first = operator.list_subscriptions(maxResults=1)
    second = operator.list_subscriptions(maxResults=1, nextToken=first["nextToken"])
    seen = [page["subscriptions"][0]["application"] for page in (first, second)]
    assert seen == ["second", "first"]
    with pytest.raises(operator.exceptions.BadRequestException):
        operator.list_subscriptions(nextToken="x")
    for each in operator.list_subscriptions(state="pending")["subscriptions"]:
        operator.decide_subscription(subscriptionId=each["id"], decision="reject")


def test_keys_are_replaced_with_an_overlap_or_at_once(pets: Shop) -> None:
    pets.offer(approval="automatic")
    carol = developer(pets, "carol@example.com")
    own = subscribed(carol, "till")
    assert own["state"] == "active"
    first = carol.post(f"keys/{own['id']}").json()["value"]
    second = carol.post(f"keys/{own['id']}", overlapHours=1).json()
    assert pets.until(first, 200).status_code == pets.until(second["value"], 200).status_code
    old, new = second["subscription"]["keys"]
    assert 3500 < old["expires"] - new["created"] < 3700
    assert carol.post(f"keys/{own['id']}", overlapHours=1).status_code == 409
    third = carol.post(f"keys/{own['id']}", overlapHours=0).json()["value"]
    pets.until(third, 200)
    pets.until(first, 403)
    pets.until(second["value"], 403)
    short = carol.post(f"keys/{own['id']}", overlapHours=0.5 / 3600).json()
    pets.until(short["value"], 200)
    pets.until(third, 403)
    [last] = [each for each in short["subscription"]["keys"] if "ended" not in each][-1:]
    assert carol.delete(f"keys/{own['id']}/{last['id']}").status_code == 200
    pets.until(short["value"], 403)


def test_calls_are_counted_and_charged(pets: Shop) -> None:
    pets.offer(approval="automatic")
    dora = developer(pets, "dora@example.com")
    own = subscribed(dora, "=till")
    key = dora.post(f"keys/{own['id']}").json()["value"]
    pets.until(key, 200)
    for number in range(3):
        assert pets.calls(key, f"/pets/{number}").status_code == 200
    month = datetime.now(UTC).strftime("%Y-%m")
    # What a process has taken from the quota, and not used, comes back after some seconds.
    end = time.monotonic() + 20
    while sum((days := _days(dora, month)).values()) != 4:
        assert time.monotonic() < end, days
        time.sleep(0.1)
    invoice = dora.get(f"invoices/{month}").json()
    assert (invoice["total"], invoice["currency"], invoice["final"]) == ("7.00", "USD", False)
    rows = dora.get(f"invoices/{month}.csv").text.splitlines()
    assert rows[1].split(",")[3:] == ["'=till", "Pets", "Basic", "4", "0", "5.00", "2.00", "7.00"]
    page = dora.get(f"invoices/{month}.html")
    assert "7.00 USD" in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
    billed = pets.aws("torana").list_invoices(month=month)["invoices"]
    assert "dora@example.com" in {each["email"] for each in billed}


def test_trying_sends_what_the_developer_wrote_and_nothing_more(pets: Shop) -> None:
    pets.offer(approval="automatic")
    fay = developer(pets, "fay@example.com")
    own = subscribed(fay, "trial")
    key = fay.post(f"keys/{own['id']}").json()["value"]
    pets.until(key, 200)
    asked: dict[str, Any] = {
        "product": pets.product,
        "api": pets.api,
        "stage": "prod",
        "method": "GET",
        "path": "/pets/9?detail=all",
    }
    without = fay.post("try", **asked).json()
    assert (without["status"], json.loads(without["text"])["message"]) == (403, "Forbidden")
    header = [{"name": "x-api-key", "value": key}]
    answered = fay.post("try", **asked, headers=header).json()
    assert (answered["status"], json.loads(answered["text"])["id"]) == (200, "9")
    assert Browser(pets).post("try", **asked, headers=header).status_code == 401
    out = fay.post("try", **{**asked, "path": "/pets/../../../../console"}, headers=header)
    assert out.status_code in (400, 403)
    assert fay.post("try", **{**asked, "api": "other"}).status_code == 404


def test_an_endpoint_has_its_own_words_and_says_whether_it_may_be_tried(pets: Shop) -> None:
    v2 = pets.aws("apigatewayv2")
    product = v2.create_portal_product(DisplayName="One pet")
    named = {"PortalProductId": product["PortalProductId"]}
    parts = {"RestApiId": pets.api, "Stage": "prod", "Method": "GET", "Path": "/pets/{petId}"}
    v2.create_product_rest_endpoint_page(
        **named,
        RestEndpointIdentifier={"IdentifierParts": parts},
        DisplayContent={"Overrides": {"OperationName": "A pet"}},
    )
    arns = v2.get_portal(PortalId=pets.portal)["IncludedPortalProductArns"]
    more = [*arns, product["PortalProductArn"]]
    v2.update_portal(PortalId=pets.portal, IncludedPortalProductArns=more)
    gus = developer(pets, "gus@example.com")
    seen = [each["name"] for each in gus.get("products").json()["products"]]
    assert "One pet" not in seen
    v2.publish_portal(PortalId=pets.portal)
    document = gus.get(f"definition/{named['PortalProductId']}/{pets.api}/prod").json()
    assert list(document["paths"]) == ["/pets/{petId}"]
    assert document["paths"]["/pets/{petId}"]["get"]["summary"] == "A pet"
    asked = {"product": named["PortalProductId"], "api": pets.api, "stage": "prod"}
    tried = gus.post("try", **asked, method="GET", path="/pets/1")
    assert (tried.status_code, tried.json()["code"]) == (403, "NotTried")


def test_a_deprecated_version_says_so_and_one_in_design_is_not_there(pets: Shop) -> None:
    pets.offer()
    operator, visitor = pets.aws("torana"), Browser(pets)
    place = {"apiId": pets.api, "stage": "prod"}
    told = {"since": "2026-01-01", "sunset": "2099-01-01", "successor": "https://v2.example.com"}
    operator.put_version(**place, state="deprecated", deprecation=told)
    operator.add_change(**place, text="Use version 2.", kind="deprecated")
    end = time.monotonic() + 20
    while (api := _api(visitor))["lifecycle"]["state"] != "deprecated":
        assert time.monotonic() < end
        time.sleep(0.05)
    assert api["lifecycle"]["deprecation"] == told
    assert api["lifecycle"]["changelog"][0]["text"] == "Use version 2."
    document = visitor.get(f"definition/{pets.product}/{pets.api}/prod").json()
    assert document["paths"]["/pets"]["post"]["deprecated"] is True
    operator.reset_version(**place)


def test_offers_that_cannot_be_kept_are_refused(pets: Shop) -> None:
    operator, plane = pets.aws("torana"), pets.aws("apigateway")
    bare = plane.create_usage_plan(name="bare")["id"]
    open_ended = plane.create_usage_plan(
        name="open", apiStages=[{"apiId": pets.api, "stage": "prod"}]
    )["id"]
    for given, why in (
        ({"stages": ["nothing/prod"]}, "there is no stage"),
        ({"plans": [{"usagePlanId": "none", "name": "a"}]}, "there is no usage plan"),
        ({"plans": [{"usagePlanId": bare, "name": "a"}]}, "does not open"),
        (
            {"plans": [{"usagePlanId": open_ended, "name": "a", "price": {"perCall": 1}}]},
            "give it one",
        ),
        (
            {"plans": [{"usagePlanId": pets.plan, "name": "a", "price": {"monthly": -1}}]},
            "cannot be negative",
        ),
    ):
        with pytest.raises(operator.exceptions.BadRequestException, match=why):
            operator.put_offer(productId=pets.product, **{"stages": [f"{pets.api}/prod"], **given})


def test_operators_may_do_what_policies_say_of_a_product(pets: Shop) -> None:
    iam = pets.aws("iam")
    iam.create_user(UserName="seller")
    key = iam.create_access_key(UserName="seller")["AccessKey"]
    own = f"arn:aws:torana:us-east-1:000000000000:portal-products/{pets.product}"
    allow = {"Effect": "Allow", "Action": "torana:*Offer", "Resource": own}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_user_policy(UserName="seller", PolicyName="sells", PolicyDocument=policy)
    seller = torana(pets.running, (key["AccessKeyId"], key["SecretAccessKey"]))
    pets.clients["seller"] = seller
    assert seller.get_offer(productId=pets.product)["productId"] == pets.product
    for refused in (
        lambda: seller.get_offer(productId="another"),
        lambda: seller.list_subscriptions(),
        lambda: seller.list_invoices(month="2026-11"),
    ):
        with pytest.raises(ClientError, match="not authorized to perform: torana:"):
            refused()


def test_a_forgotten_password_is_replaced_and_a_disabled_user_is_out(pets: Shop) -> None:
    hal = developer(pets, "hal@example.com")
    assert hal.post("forgot", email="hal@example.com").status_code == 200
    code, other = pets.code("hal@example.com"), "Another-horse-8"
    given = {"email": "hal@example.com", "code": code, "password": other}
    assert hal.post("reset", **given).status_code == 200
    assert Browser(pets).sign_in("hal@example.com", PASSWORD).status_code == 400
    again = Browser(pets)
    assert again.sign_in("hal@example.com", other).status_code == 200
    idp = pets.aws("cognito-idp")
    idp.admin_disable_user(UserPoolId=pets.pool, Username="hal@example.com")
    assert again.get("subscriptions").status_code == 401


def test_a_name_of_a_portal_is_no_apis(pets: Shop) -> None:
    name = {"host": f"{pets.portal}.portal.us-east-1.localhost"}
    path = f"/restapis/{pets.api}/prod/_user_request_/pets/1"
    assert "<div id=" in httpx.get(pets.door + path, headers=name).text
    session = httpx.get(f"{pets.door}/api/session", headers=name).json()
    assert session["portal"]["name"] == "Pet developers"


def test_who_is_erased_leaves_no_key_behind(pets: Shop) -> None:
    pets.offer(approval="automatic")
    joe = developer(pets, "joe@example.com")
    own = subscribed(joe, "window")
    key = joe.post(f"keys/{own['id']}").json()["value"]
    pets.until(key, 200)
    report = pets.aws("torana").erase_subject(subject="joe@example.com")
    counts = {each["kind"]: each["count"] for each in report["erased"]}
    assert (counts["portal-developer"], counts["portal-session"]) == (3, 1)
    pets.until(key, 403)
    assert joe.get("subscriptions").status_code == 401


def test_an_operator_does_it_all_by_command(pets: Shop) -> None:
    def command(*arguments: str) -> str:
        done = CliRunner().invoke(portal, [*arguments, "--data", str(pets.running.data)])
        assert done.exit_code == 0, done.output
        return done.output

    command("create", "Second", "--user-pool", pets.pool)
    found = json.loads(command("list", "--json"))
    [second] = [
        each["PortalId"] for each in found if each["PortalContent"]["DisplayName"] == "Second"
    ]
    place = ("--stage", f"{pets.api}/prod", "--plan", "basic", "--portal", second)
    command("product", "More pets", *place, "--visibility", "public", "--monthly", "2")
    other = Browser(pets)
    other.http.base_url = f"{pets.door}/portal/{second}"
    [product] = other.get("products").json()["products"]
    assert (product["name"], product["plans"][0]["price"]["monthly"]) == ("More pets", 2.0)

    pets.offer()
    ida = developer(pets, "ida@example.com")
    subscribed(ida, "desk")
    assert other.get("subscriptions").status_code == 401
    [asked] = json.loads(command("requests", "--json"))
    assert "active" in command("approve", asked["id"])
    assert "ida@example.com" in command("invoices", datetime.now(UTC).strftime("%Y-%m"))
    assert "revoked" in command("revoke", asked["id"], "--reason", "over")
    assert ida.get("subscriptions").json()["subscriptions"][0]["reason"] == "over"


def _days(browser: Browser, month: str) -> dict[str, int]:
    return browser.get(f"usage/{month}").json()["subscriptions"][0]["days"]


def _api(visitor: Browser) -> dict[str, Any]:
    return visitor.get(f"products/{visitor.shop.product}").json()["apis"][0]
