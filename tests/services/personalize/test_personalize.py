"""Recommenders made, trained, asked and told of events through boto3, on data with a pattern.

Users like one of three groups of items, and are to be recommended those of their group.
"""

import csv
import io
import json
import random
import time
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.services.running import Clients, services

# The engines load models: on a machine that is busy with other things that takes its time.
pytestmark = pytest.mark.timeout(180)

RECIPE = "arn:aws:personalize:::recipe/"
GENRES = ("drama", "comedy", "western")
NOW = 1_700_000_000


def schema(*fields: tuple[str, Any]) -> str:
    named = [{"name": name, "type": kind} for name, kind in fields]
    return json.dumps({"type": "record", "name": "Row", "namespace": "n", "fields": named})


SCHEMAS = {
    "Interactions": schema(
        ("USER_ID", "string"),
        ("ITEM_ID", "string"),
        ("EVENT_TYPE", "string"),
        ("TIMESTAMP", "long"),
    ),
    "Items": schema(("ITEM_ID", "string"), ("GENRE", ["string", "null"]), ("PRICE", "float")),
    "Users": schema(("USER_ID", "string"), ("AGE", "int")),
}


def table(head: list[str], rows: list[list[Any]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([head, *rows])
    return out.getvalue().encode()


def interactions() -> bytes:
    rng = random.Random(5)
    rows = [
        [
            f"u{user}",
            f"{GENRES[user % 3 if rng.random() < 0.9 else rng.randrange(3)]}{rng.randrange(15)}",
            "Watch" if rng.random() < 0.8 else "Buy",
            NOW + number * 1000 + user,
        ]
        for user in range(60)
        for number in range(20)
    ]
    return table(["USER_ID", "ITEM_ID", "EVENT_TYPE", "TIMESTAMP"], rows)


def items() -> bytes:
    rows = [[f"{genre}{n}", f"{genre}|film", n] for genre in GENRES for n in range(15)]
    return table(["ITEM_ID", "GENRE", "PRICE"], rows)


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Generator[Clients]:
    with services(tmp_path_factory.mktemp("personalize")) as found:
        s3 = found("s3")
        s3.create_bucket(Bucket="shop")
        s3.put_object(Bucket="shop", Key="interactions.csv", Body=interactions())
        s3.put_object(Bucket="shop", Key="items.csv", Body=items())
        s3.put_object(Bucket="shop", Key="users.csv", Body=b"USER_ID,AGE\nu0,12\nu1,40\n")
        s3.put_object(Bucket="shop", Key="broken.csv", Body=b"USER_ID,AGE\nu0,old\n")
        yield found


def settled(describe: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        found = describe()
        if found["status"] in ("ACTIVE", "CREATE FAILED"):
            return found
        time.sleep(0.1)
    raise AssertionError("it was not done in time")


class Shop:
    """A dataset group with its data."""

    def __init__(self, clients: Clients, name: str, **more: Any) -> None:
        self.clients, self.name = clients, name
        self.control = clients("personalize")
        self.runtime = clients("personalize-runtime")
        self.group = self.control.create_dataset_group(name=name, **more)["datasetGroupArn"]
        self.datasets = {kind: self._dataset(kind) for kind in SCHEMAS}

    def _dataset(self, kind: str) -> str:
        made = self.control.create_schema(name=f"{self.name}-{kind}", schema=SCHEMAS[kind])
        return self.control.create_dataset(
            name=f"{self.name}-{kind}",
            schemaArn=made["schemaArn"],
            datasetGroupArn=self.group,
            datasetType=kind,
        )["datasetArn"]

    def load(self, kind: str, key: str = "") -> dict[str, Any]:
        key = key or f"{kind.lower()}.csv"
        job = self.control.create_dataset_import_job(
            jobName=f"{self.name}-{key.replace('.', '-')}",
            datasetArn=self.datasets[kind],
            dataSource={"dataLocation": f"s3://shop/{key}"},
            roleArn="arn:aws:iam::000000000000:role/p",
        )["datasetImportJobArn"]
        describe = self.control.describe_dataset_import_job
        return settled(lambda: describe(datasetImportJobArn=job)["datasetImportJob"])

    def campaign(self, recipe: str, **more: Any) -> str:
        solution = self.control.create_solution(
            name=recipe, datasetGroupArn=self.group, recipeArn=RECIPE + recipe, **more
        )["solutionArn"]
        version = self.control.create_solution_version(solutionArn=solution)["solutionVersionArn"]
        describe = self.control.describe_solution_version
        found = settled(lambda: describe(solutionVersionArn=version)["solutionVersion"])
        assert found["status"] == "ACTIVE", found
        return self.control.create_campaign(
            name=recipe,
            solutionVersionArn=version,
            campaignConfig={"enableMetadataWithRecommendations": True},
        )["campaignArn"]

    def recommend(self, campaign: str, **asked: Any) -> list[str]:
        found = self.runtime.get_recommendations(campaignArn=campaign, **asked)
        return [each["itemId"] for each in found["itemList"]]


@pytest.fixture(scope="module")
def shop(clients: Clients) -> Shop:
    made = Shop(clients, "shop")
    for kind in SCHEMAS:
        assert made.load(kind)["status"] == "ACTIVE"
    return made


@pytest.fixture(scope="module")
def personal(shop: Shop) -> str:
    return shop.campaign("aws-user-personalization")


def genres(found: list[str]) -> list[str]:
    return [each.rstrip("0123456789") for each in found]


def test_users_get_items_that_those_like_them_chose(shop: Shop, personal: str) -> None:
    for user in range(6):
        found = shop.recommend(personal, userId=f"u{user}", numResults=8)
        assert genres(found).count(GENRES[user % 3]) >= 6
    answer = shop.runtime.get_recommendations(campaignArn=personal, userId="u0", numResults=500)
    assert sum(each["score"] for each in answer["itemList"]) == pytest.approx(1, abs=0.01)


def test_the_metrics_are_measured_on_what_was_held_back(shop: Shop, personal: str) -> None:
    campaign = shop.control.describe_campaign(campaignArn=personal)["campaign"]
    metrics = shop.control.get_solution_metrics(solutionVersionArn=campaign["solutionVersionArn"])[
        "metrics"
    ]
    assert 0.1 < metrics["normalized_discounted_cumulative_gain_at_25"] < 1
    assert 0 < metrics["coverage"] <= 1
    assert metrics["precision_at_5"] < 1


def test_events_count_at_once_also_for_users_who_are_new(shop: Shop, personal: str) -> None:
    tracking = shop.control.create_event_tracker(name="t", datasetGroupArn=shop.group)["trackingId"]
    events = shop.clients("personalize-events")
    for number in range(3):
        # Before the user signs in the session has no user; then it all belongs to the user.
        who = {"userId": "newcomer"} if number == 2 else {}
        events.put_events(
            trackingId=tracking,
            sessionId="s1",
            eventList=[
                {"eventType": "Watch", "itemId": f"western{number}", "sentAt": datetime.now(UTC)}
            ],
            **who,
        )
    found = shop.recommend(personal, userId="newcomer", numResults=8)
    assert genres(found).count("western") >= 6
    with pytest.raises(ClientError, match="no event tracker"):
        events.put_events(
            trackingId="other",
            sessionId="s",
            eventList=[{"eventType": "Watch", "sentAt": datetime.now(UTC)}],
        )


def test_filters_keep_items_in_and_out(shop: Shop, personal: str) -> None:
    def filtered(name: str, expression: str, **asked: Any) -> list[str]:
        made = shop.control.create_filter(
            name=name, datasetGroupArn=shop.group, filterExpression=expression
        )
        return shop.recommend(personal, filterArn=made["filterArn"], **asked)

    expression = "INCLUDE ItemID WHERE Items.GENRE IN ($GENRE) AND Items.PRICE < 4"
    values = {"GENRE": '"comedy"'}
    found = filtered("by-field", expression, userId="u0", filterValues=values)
    assert sorted(found) == ["comedy0", "comedy1", "comedy2", "comedy3"]
    expression = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("Watch", "Buy")'
    everything = set(shop.recommend(personal, userId="u1", numResults=100))
    done = everything - set(filtered("by-deed", expression, userId="u1", numResults=100))
    rows = interactions().decode().splitlines()
    assert done == {row.split(",")[1] for row in rows if row.startswith("u1,")}
    expression = 'EXCLUDE ItemID WHERE Items.GENRE IN ("drama") IF CurrentUser.AGE < 18'
    child = filtered("by-user", expression, userId="u0", numResults=100)
    assert "drama" not in genres(child)
    arn = "arn:aws:personalize:eu-west-1:000000000000:filter/by-user"
    grown = shop.recommend(personal, userId="u1", numResults=100, filterArn=arn)
    assert "drama" in genres(grown)
    with pytest.raises(ClientError, match="parameter GENRE is missing"):
        arn = arn.replace("by-user", "by-field")
        shop.recommend(personal, userId="u1", filterArn=arn)
    with pytest.raises(ClientError, match="WHERE is expected"):
        filtered("broken", "EXCLUDE ItemID Items.PRICE < 3", userId="u0")


def test_items_come_with_their_columns_and_new_ones_are_known(shop: Shop, personal: str) -> None:
    item = {"itemId": "drama0", "properties": json.dumps({"genre": "tragedy", "price": 7.5})}
    shop.clients("personalize-events").put_items(datasetArn=shop.datasets["Items"], items=[item])
    answer = shop.runtime.get_personalized_ranking(
        campaignArn=personal,
        inputList=["western1", "drama0", "unheard-of"],
        userId="u0",
        metadataColumns={"ITEMS": ["GENRE", "PRICE"]},
    )["personalizedRanking"]
    assert [each["itemId"] for each in answer] == ["drama0", "western1", "unheard-of"]
    assert answer[0]["metadata"] == {"GENRE": "tragedy", "PRICE": "7.5"}
    with pytest.raises(ClientError, match="PRICE is 'dear'"):
        broken = {"itemId": "x", "properties": json.dumps({"price": "dear"})}
        shop.clients("personalize-events").put_items(
            datasetArn=shop.datasets["Items"], items=[broken]
        )


def test_similar_and_popular_items_are_recommended(shop: Shop) -> None:
    similar = shop.campaign("aws-similar-items")
    found = shop.recommend(similar, itemId="comedy3", numResults=6)
    assert genres(found).count("comedy") >= 5
    assert "comedy3" not in found
    with pytest.raises(ClientError, match="itemId is required"):
        shop.recommend(similar, userId="u0")
    popular = shop.campaign("aws-popularity-count", eventType="Buy")
    first = shop.recommend(popular, userId="nobody", numResults=1)
    rows = [row.split(",") for row in interactions().decode().splitlines()]
    bought = [row[1] for row in rows if row[2] == "Buy"]
    assert bought.count(first[0]) == max(bought.count(item) for item in bought)


def test_a_domain_has_recommenders_that_train_themselves(clients: Clients) -> None:
    shop = Shop(clients, "videos", domain="VIDEO_ON_DEMAND")
    shop.load("Interactions", "interactions.csv")
    arn = shop.control.create_recommender(
        name="top", datasetGroupArn=shop.group, recipeArn=f"{RECIPE}aws-vod-top-picks"
    )["recommenderArn"]
    describe = shop.control.describe_recommender
    found = settled(lambda: describe(recommenderArn=arn)["recommender"])
    assert found["modelMetrics"]["coverage"] > 0
    picked = shop.runtime.get_recommendations(recommenderArn=arn, userId="u2", numResults=5)
    assert genres([each["itemId"] for each in picked["itemList"]]).count("western") >= 4
    with pytest.raises(ClientError, match="domain"):
        shop.control.create_recommender(
            name="x",
            datasetGroupArn=shop.group,
            recipeArn=f"{RECIPE}aws-ecomm-recommended-for-you",
        )


def test_what_cannot_be_imported_or_trained_says_why(clients: Clients) -> None:
    shop = Shop(clients, "empty")
    failed = shop.load("Users", "broken.csv")
    assert failed["status"] == "CREATE FAILED"
    assert "line 2: AGE is 'old', no int" in failed["failureReason"]
    assert shop.load("Items", "nowhere.csv")["status"] == "CREATE FAILED"
    for more, words in (
        ({"performHPO": True}, "performHPO"),
        ({"recipeArn": f"{RECIPE}aws-next-best-action"}, "aws-next-best-action"),
        ({"solutionConfig": {"algorithmHyperParameters": {"bptt": "32"}}}, "bptt"),
    ):
        given = {"recipeArn": f"{RECIPE}aws-sims", **more}
        with pytest.raises(ClientError, match=words) as failure:
            shop.control.create_solution(name="s", datasetGroupArn=shop.group, **given)
        response: Any = failure.value.response
        assert response["Error"]["Code"] == "InvalidInputException"
    solution = shop.control.create_solution(
        name="s", datasetGroupArn=shop.group, recipeArn=f"{RECIPE}aws-sims"
    )["solutionArn"]
    version = shop.control.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    describe = shop.control.describe_solution_version
    found = settled(lambda: describe(solutionVersionArn=version)["solutionVersion"])
    assert "two users" in found["failureReason"]
    with pytest.raises(ClientError) as failure:
        shop.control.create_campaign(name="c", solutionVersionArn=version)
    response = failure.value.response
    assert response["Error"]["Code"] == "ResourceInUseException"


def test_resources_are_listed_tagged_and_deleted_in_their_order(clients: Clients) -> None:
    shop = Shop(clients, "old", tags=[{"tagKey": "team", "tagValue": "a"}])
    control = shop.control
    tags = control.list_tags_for_resource(resourceArn=shop.group)["tags"]
    assert tags == [{"tagKey": "team", "tagValue": "a"}]
    with pytest.raises(ClientError, match="already exists"):
        control.create_dataset_group(name="old")
    listed = control.list_datasets(datasetGroupArn=shop.group)["datasets"]
    assert {each["datasetType"] for each in listed} == {"INTERACTIONS", "ITEMS", "USERS"}
    with pytest.raises(ClientError, match="belongs to"):
        control.delete_dataset_group(datasetGroupArn=shop.group)
    schemas = [
        control.describe_dataset(datasetArn=each)["dataset"]["schemaArn"]
        for each in shop.datasets.values()
    ]
    with pytest.raises(ClientError, match="uses the schema"):
        control.delete_schema(schemaArn=schemas[0])
    for each in shop.datasets.values():
        control.delete_dataset(datasetArn=each)
    for each in schemas:
        control.delete_schema(schemaArn=each)
    control.delete_dataset_group(datasetGroupArn=shop.group)
    with pytest.raises(control.exceptions.ResourceNotFoundException):
        control.describe_dataset_group(datasetGroupArn=shop.group)
    recipes = control.list_recipes()["recipes"]
    assert f"{RECIPE}aws-user-personalization" in [each["recipeArn"] for each in recipes]
