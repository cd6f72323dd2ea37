"""Operations on recipes, solutions, campaigns, recommenders and filters."""

from time import time
from uuid import uuid4

from torana.model.item_filter import BadFilter, parse
from torana.services.background import Background
from torana.services.members import part
from torana.services.personalize import recipes
from torana.services.personalize.book import (
    ACTIVE,
    CAMPAIGN,
    FILTER,
    GROUP,
    PENDING,
    RECOMMENDER,
    SOLUTION,
    VERSION,
    Book,
    Json,
    Reads,
    Sheet,
    gone,
    in_use,
    invalid,
    new,
    page,
    refuse,
    shown,
    the,
)
from torana.services.personalize.jobs import Jobs
from torana.services.ports import Call

_SUMMARY = ("name", "recipeArn", "status", "domain")


class Solutions:
    """Operations on recipes, solutions and their versions."""

    def __init__(self, book: Book, jobs: Jobs, background: Background) -> None:
        self._book, self._reads, self._jobs = book, Reads(book), jobs
        self._background = background

    async def ListRecipes(self, call: Call, params: Json) -> Json:
        """Those that are served here."""
        return page(recipes.all_recipes(params.get("domain")), params, "recipes", _SUMMARY)

    async def DescribeRecipe(self, call: Call, params: Json) -> Json:
        return {"recipe": recipes.described(params["recipeArn"])}

    async def CreateSolution(self, call: Call, params: Json) -> Json:
        refuse(params, "performHPO", "performAutoML", "performIncrementalUpdate")
        if params.get("performAutoTraining"):
            raise invalid("performAutoTraining is not supported here: create solution versions")
        recipes.custom(params.get("recipeArn"))
        _check_config(part(params, "solutionConfig"))

        async def work(sheet: Sheet) -> Json:
            await the(sheet, GROUP, params["datasetGroupArn"])
            off = dict.fromkeys(("performHPO", "performAutoML", "performAutoTraining"), False)
            given = {**params, **off}
            made = await new(sheet, call, SOLUTION, f"solution/{params['name']}", given)
            return {"solutionArn": made["solutionArn"]}

        return await self._book.edit(call, work)

    async def DescribeSolution(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await the(sheet, SOLUTION, params["solutionArn"])
            last = found.get("last")
            version = await sheet.get(VERSION.store, last) if last else None
            latest = version and shown(version, VERSION.summary)
            return {"solution": {**shown(found, SOLUTION.members), "latestSolutionVersion": latest}}

        return await self._book.read(work)

    async def ListSolutions(self, call: Call, params: Json) -> Json:
        return await self._reads.list(SOLUTION, params, "solutions", "datasetGroupArn")

    async def DeleteSolution(self, call: Call, params: Json) -> Json:
        """With its versions; not while a campaign serves one."""
        name = params["solutionArn"]

        async def work(sheet: Sheet) -> list[str]:
            versions = [each async for each in sheet.scan(VERSION.store, f"{name}/")]
            served = {id for id, _ in versions}
            async for id, campaign in sheet.scan(CAMPAIGN.store):
                if campaign["solutionVersionArn"] in served:
                    raise in_use(f"{id} uses the solution")
            for id, _ in versions:
                sheet.delete(VERSION.store, id)
            await gone(sheet, name, SOLUTION)
            return [each["model"] for _, each in versions if each.get("model")]

        for model in await self._book.edit(call, work):
            self._jobs.model(model).unlink(missing_ok=True)
        return {}

    async def CreateSolutionVersion(self, call: Call, params: Json) -> Json:
        """Accepted now, trained in the background on all the data there is."""
        mode = params.get("trainingMode", "FULL")
        if mode == "AUTOTRAIN":
            raise invalid("trainingMode AUTOTRAIN is not supported here")
        name = params["solutionArn"]

        async def work(sheet: Sheet) -> Json:
            solution = await the(sheet, SOLUTION, name)
            given = {
                **{each: solution.get(each) for each in ("recipeArn", "eventType")},
                **{each: solution[each] for each in ("datasetGroupArn", "solutionArn")},
                "solutionConfig": solution.get("solutionConfig"),
                "name": params.get("name"),
                "performHPO": False,
                "performAutoML": False,
                "trainingMode": mode,
                "trainingType": "MANUAL",
                "tags": params.get("tags"),
                "status": PENDING,
            }
            place = f"{name.rpartition(':')[2]}/{uuid4().hex[:8]}"
            made = await new(sheet, call, VERSION, place, given)
            sheet.put(SOLUTION.store, name, {**solution, "last": made["solutionVersionArn"]})
            return made

        made = await self._book.edit(call, work)
        self._background.start(self._jobs.train(made), f"training of {made['solutionVersionArn']}")
        return {"solutionVersionArn": made["solutionVersionArn"]}

    async def DescribeSolutionVersion(self, call: Call, params: Json) -> Json:
        name = params["solutionVersionArn"]
        return await self._reads.describe(VERSION, name, "solutionVersion")

    async def ListSolutionVersions(self, call: Call, params: Json) -> Json:
        return await self._reads.list(VERSION, params, "solutionVersions", "solutionArn")

    async def GetSolutionMetrics(self, call: Call, params: Json) -> Json:
        """Measured on interactions that were held back from a first training."""

        async def work(sheet: Sheet) -> Json:
            name = params["solutionVersionArn"]
            found = await the(sheet, VERSION, name)
            if found["status"] != ACTIVE:
                raise in_use(f"The solution version is {found['status']}")
            return {"solutionVersionArn": name, "metrics": found.get("metrics", {})}

        return await self._book.read(work)


def _check_config(config: Json) -> None:
    """Raises the service's error for what trainings do not heed."""
    refuse(
        config,
        *("hpoConfig", "featureTransformationParameters", "autoMLConfig", "eventsConfig"),
        *("optimizationObjective", "trainingDataConfig", "autoTrainingConfig"),
    )
    for name, value in part(config, "algorithmHyperParameters").items():
        if name != "hidden_dimension":
            raise invalid(f"The hyperparameter {name} is not supported here")
        if not value.isdigit() or not 8 <= int(value) <= 256:
            raise invalid("hidden_dimension must be a number from 8 to 256")
    try:
        float(config.get("eventValueThreshold") or 0)
    except ValueError:
        raise invalid("eventValueThreshold must be a number") from None


class Campaigns:
    """Operations on campaigns."""

    def __init__(self, book: Book) -> None:
        self._book, self._reads = book, Reads(book)

    async def CreateCampaign(self, call: Call, params: Json) -> Json:
        _check_campaign(params)

        async def work(sheet: Sheet) -> Json:
            await _trained(sheet, params["solutionVersionArn"])
            made = await new(sheet, call, CAMPAIGN, f"campaign/{params['name']}", {**params})
            return {"campaignArn": made["campaignArn"]}

        return await self._book.edit(call, work)

    async def DescribeCampaign(self, call: Call, params: Json) -> Json:
        return await self._reads.describe(CAMPAIGN, params["campaignArn"], "campaign")

    async def UpdateCampaign(self, call: Call, params: Json) -> Json:
        _check_campaign(params)

        async def work(sheet: Sheet) -> Json:
            name = params["campaignArn"]
            found = await the(sheet, CAMPAIGN, name)
            if params.get("solutionVersionArn"):
                await _trained(sheet, params["solutionVersionArn"])
            given = {key: value for key, value in params.items() if value is not None}
            sheet.put(CAMPAIGN.store, name, {**found, **given, "lastUpdatedDateTime": time()})
            return {"campaignArn": name}

        return await self._book.edit(call, work)

    async def ListCampaigns(self, call: Call, params: Json) -> Json:
        return await self._reads.list(CAMPAIGN, params, "campaigns")

    async def DeleteCampaign(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            await gone(sheet, params["campaignArn"], CAMPAIGN)
            return {}

        return await self._book.edit(call, work)


def _check_campaign(params: Json) -> None:
    config = part(params, "campaignConfig")
    refuse(config, "syncWithLatestSolutionVersion", "rankingInfluence")
    exploration = part(config, "itemExplorationConfig")
    if float(exploration.get("explorationWeight", 0)) > 0:
        raise invalid("itemExplorationConfig: exploration of new items is not supported here")


async def _trained(sheet: Sheet, name: str) -> None:
    version = await the(sheet, VERSION, name)
    if version["status"] != ACTIVE:
        raise in_use(f"The solution version is {version['status']}")


class Recommenders:
    """Operations on recommenders of a domain: they are trained when they are made."""

    def __init__(self, book: Book, jobs: Jobs, background: Background) -> None:
        self._book, self._reads, self._jobs = book, Reads(book), jobs
        self._background = background

    async def CreateRecommender(self, call: Call, params: Json) -> Json:
        _check_recommender(part(params, "recommenderConfig"))

        async def work(sheet: Sheet) -> Json:
            group = await the(sheet, GROUP, params["datasetGroupArn"])
            recipes.of_domain(params["recipeArn"], group.get("domain"))
            given = {**params, "status": PENDING}
            return await new(sheet, call, RECOMMENDER, f"recommender/{params['name']}", given)

        made = await self._book.edit(call, work)
        name = made["recommenderArn"]
        self._background.start(self._jobs.train_recommender(made), f"training of {name}")
        return {"recommenderArn": name}

    async def DescribeRecommender(self, call: Call, params: Json) -> Json:
        return await self._reads.describe(RECOMMENDER, params["recommenderArn"], "recommender")

    async def ListRecommenders(self, call: Call, params: Json) -> Json:
        return await self._reads.list(RECOMMENDER, params, "recommenders", "datasetGroupArn")

    async def DeleteRecommender(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await the(sheet, RECOMMENDER, params["recommenderArn"])
            await gone(sheet, params["recommenderArn"], RECOMMENDER)
            return found

        found = await self._book.edit(call, work)
        if found.get("model"):
            self._jobs.model(found["model"]).unlink(missing_ok=True)
        return {}


def _check_recommender(config: Json) -> None:
    refuse(config, "trainingDataConfig", "itemExplorationConfig", "eventsConfig")


class Filters:
    """Operations on filters."""

    def __init__(self, book: Book) -> None:
        self._book, self._reads = book, Reads(book)

    async def CreateFilter(self, call: Call, params: Json) -> Json:
        try:
            parse(params["filterExpression"])
        except BadFilter as error:
            raise invalid(str(error)) from None

        async def work(sheet: Sheet) -> Json:
            await the(sheet, GROUP, params["datasetGroupArn"])
            made = await new(sheet, call, FILTER, f"filter/{params['name']}", {**params})
            return {"filterArn": made["filterArn"]}

        return await self._book.edit(call, work)

    async def DescribeFilter(self, call: Call, params: Json) -> Json:
        return await self._reads.describe(FILTER, params["filterArn"], "filter")

    async def ListFilters(self, call: Call, params: Json) -> Json:
        return await self._reads.list(FILTER, params, "Filters", "datasetGroupArn")

    async def DeleteFilter(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            await gone(sheet, params["filterArn"], FILTER)
            return {}

        return await self._book.edit(call, work)
