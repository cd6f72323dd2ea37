"""Operations on models, endpoint configurations, endpoints and tags."""

from time import time

from torana.services.background import Background
from torana.services.members import part
from torana.services.ports import Call
from torana.services.sagemaker.book import (
    CONFIG,
    ENDPOINT,
    KINDS,
    MODEL,
    TAGS,
    Book,
    Json,
    Sheet,
    gone,
    invalid,
    new,
    page,
    refuse,
    shown,
    the,
)
from torana.services.sagemaker.hosts import Hosts, is_address, is_runtime

_MODEL = (
    *("ModelName", "PrimaryContainer", "ExecutionRoleArn", "CreationTime", "ModelArn"),
    "EnableNetworkIsolation",
)
_CONFIG = (
    *("EndpointConfigName", "EndpointConfigArn", "ProductionVariants", "CreationTime"),
    "AsyncInferenceConfig",
)
_ENDPOINT = (
    *("EndpointName", "EndpointArn", "EndpointConfigName", "EndpointStatus", "FailureReason"),
    *("CreationTime", "LastModifiedTime", "AsyncInferenceConfig"),
)
_UNHEEDED = (
    *("ServerlessConfig", "CoreDumpConfig", "ManagedInstanceScaling", "RoutingConfig"),
    *("CapacityReservationConfig", "InstancePools", "EnableSSMAccess"),
)
"""Of variants."""


class Models:
    """Operations on models."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def CreateModel(self, call: Call, params: Json) -> Json:
        """What is served where, or from which files; looked at when an endpoint is made."""
        refuse(
            params, "Containers", "VpcConfig", "EnableNetworkIsolation", "InferenceExecutionConfig"
        )
        container = part(params, "PrimaryContainer")
        _check_container(container)

        async def work(sheet: Sheet) -> Json:
            made = await new(sheet, call, MODEL, {**params})
            return {"ModelArn": made["ModelArn"]}

        return await self._book.edit(call, work)

    async def DescribeModel(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return shown(await the(sheet, call, MODEL, params["ModelName"]), _MODEL)

        return await self._book.read(work)

    async def ListModels(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = [each async for _, each in sheet.scan(MODEL.store)]
            return page(found, params, "Models", MODEL, ())

        return await self._book.read(work)

    async def DeleteModel(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            await gone(sheet, call, MODEL, params["ModelName"])
            return {}

        return await self._book.edit(call, work)


def _check_container(container: Json) -> None:
    refuse(
        container,
        *("ModelPackageName", "InferenceSpecificationName", "MultiModelConfig", "ImageConfig"),
        *("AdditionalModelDataSources", "ModelDataSource", "ContainerMetricsConfig"),
    )
    if container.get("Mode", "SingleModel") != "SingleModel":
        raise invalid("Mode MultiModel is not supported here")
    image: str = container.get("Image") or ""
    if not (is_address(image) or is_runtime(image)):
        raise invalid(
            "Image must be the address of a container that runs (http://host:port), or a runtime "
            "such as python3.11 for the inference code in ModelDataUrl"
        )
    if is_runtime(image) and not (container.get("ModelDataUrl") or "").startswith("s3://"):
        raise invalid("ModelDataUrl must be s3://bucket/key of a model.tar.gz")


class Configs:
    """Operations on endpoint configurations."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def CreateEndpointConfig(self, call: Call, params: Json) -> Json:
        refuse(
            params,
            *("DataCaptureConfig", "KmsKeyId", "ExplainerConfig", "ShadowProductionVariants"),
            *("VpcConfig", "EnableNetworkIsolation", "CrossRegionTrafficConfig"),
        )
        for each in params["ProductionVariants"]:
            refuse(each, *_UNHEEDED)
        names = [each["VariantName"] for each in params["ProductionVariants"]]
        if len(set(names)) < len(names):
            raise invalid("Variant names must be different")
        output = part(part(params, "AsyncInferenceConfig"), "OutputConfig")
        if output:
            refuse(output, "KmsKeyId", "NotificationConfig")
            if not (output.get("S3OutputPath") or "").startswith("s3://"):
                raise invalid("AsyncInferenceConfig.OutputConfig.S3OutputPath is required")

        async def work(sheet: Sheet) -> Json:
            for each in params["ProductionVariants"]:
                await the(sheet, call, MODEL, each.get("ModelName") or "")
            made = await new(sheet, call, CONFIG, {**params})
            return {"EndpointConfigArn": made["EndpointConfigArn"]}

        return await self._book.edit(call, work)

    async def DescribeEndpointConfig(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return shown(await the(sheet, call, CONFIG, params["EndpointConfigName"]), _CONFIG)

        return await self._book.read(work)

    async def ListEndpointConfigs(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = [each async for _, each in sheet.scan(CONFIG.store)]
            return page(found, params, "EndpointConfigs", CONFIG, ())

        return await self._book.read(work)

    async def DeleteEndpointConfig(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            await gone(sheet, call, CONFIG, params["EndpointConfigName"])
            return {}

        return await self._book.edit(call, work)


class Endpoints:
    """Operations on endpoints."""

    def __init__(self, book: Book, hosts: Hosts, background: Background) -> None:
        self._book, self._hosts, self._background = book, hosts, background

    async def CreateEndpoint(self, call: Call, params: Json) -> Json:
        """Accepted now; in service once every variant answers its ping."""
        refuse(params, "DeploymentConfig")
        name = params["EndpointName"]

        async def work(sheet: Sheet) -> Json:
            given = await _wanted(sheet, call, params["EndpointConfigName"])
            given |= {"EndpointStatus": "Creating", "EndpointName": name}
            return await new(sheet, call, ENDPOINT, {**given, "Tags": params.get("Tags")})

        made = await self._book.edit(call, work)
        self._background.start(self._hosts.bring_up(name), f"endpoint {name}")
        return {"EndpointArn": made["EndpointArn"]}

    async def UpdateEndpoint(self, call: Call, params: Json) -> Json:
        """The new variants take over once they answer; until then the old ones serve."""
        refuse(params, "DeploymentConfig", "RetainAllVariantProperties", "RetainDeploymentConfig")
        name = params["EndpointName"]

        async def work(sheet: Sheet) -> Json:
            found = await the(sheet, call, ENDPOINT, name)
            if found["EndpointStatus"] in ("Creating", "Updating"):
                raise invalid(f"Cannot update in-progress endpoint {name}")
            wanted = await _wanted(sheet, call, params["EndpointConfigName"])
            found |= {"next": wanted, "EndpointStatus": "Updating", "LastModifiedTime": time()}
            sheet.put(ENDPOINT.store, name, found)
            return {"EndpointArn": found["EndpointArn"]}

        answer = await self._book.edit(call, work)
        self._background.start(self._hosts.bring_up(name), f"update of endpoint {name}")
        return answer

    async def UpdateEndpointWeightsAndCapacities(self, call: Call, params: Json) -> Json:
        """Weights count with the next request."""
        name = params["EndpointName"]

        async def work(sheet: Sheet) -> Json:
            found = await the(sheet, call, ENDPOINT, name)
            by_name = {each["VariantName"]: each for each in found["variants"]}
            for each in params["DesiredWeightsAndCapacities"]:
                refuse(each, "DesiredInstanceCount", "ServerlessUpdateConfig")
                if each["VariantName"] not in by_name:
                    raise invalid(f"Variant {each['VariantName']} is not one of {name}")
                by_name[each["VariantName"]]["weight"] = each.get("DesiredWeight", 1.0)
            sheet.put(ENDPOINT.store, name, {**found, "LastModifiedTime": time()})
            return {"EndpointArn": found["EndpointArn"]}

        return await self._book.edit(call, work)

    async def DescribeEndpoint(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await the(sheet, call, ENDPOINT, params["EndpointName"])
            variants = [
                {
                    "VariantName": each["VariantName"],
                    "CurrentWeight": each["weight"],
                    "DesiredWeight": each["weight"],
                    "CurrentInstanceCount": each["count"],
                    "DesiredInstanceCount": each["count"],
                }
                for each in found["variants"]
            ]
            return {**shown(found, _ENDPOINT), "ProductionVariants": variants}

        return await self._book.read(work)

    async def ListEndpoints(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = [each async for _, each in sheet.scan(ENDPOINT.store)]
            return page(
                found, params, "Endpoints", ENDPOINT, ("LastModifiedTime", "EndpointStatus")
            )

        return await self._book.read(work)

    async def DeleteEndpoint(self, call: Call, params: Json) -> Json:
        """Its processes end."""

        async def work(sheet: Sheet) -> Json:
            return await gone(sheet, call, ENDPOINT, params["EndpointName"])

        await self._hosts.take_down(await self._book.edit(call, work))
        return {}


async def _wanted(sheet: Sheet, call: Call, name: str) -> Json:
    """The variants of a configuration, with the containers of their models."""
    config = await the(sheet, call, CONFIG, name)
    variants: list[Json] = []
    for each in config["ProductionVariants"]:
        model = await the(sheet, call, MODEL, each["ModelName"])
        variants.append(
            {
                "VariantName": each["VariantName"],
                "container": model["PrimaryContainer"],
                "role": model.get("ExecutionRoleArn", ""),
                "weight": each.get("InitialVariantWeight", 1.0),
                "count": each.get("InitialInstanceCount", 1),
                "start": each.get("ContainerStartupHealthCheckTimeoutInSeconds", 300),
            }
        )
    return {
        "EndpointConfigName": name,
        "variants": variants,
        "AsyncInferenceConfig": config.get("AsyncInferenceConfig"),
    }


class Tags:
    """Operations on tags."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def AddTags(self, call: Call, params: Json) -> Json:
        given = {each["Key"]: each["Value"] for each in params["Tags"]}

        async def work(sheet: Sheet) -> Json:
            found = {**await self._of(sheet, params["ResourceArn"]), **given}
            sheet.put(TAGS, params["ResourceArn"], found)
            return {"Tags": _listed(found)}

        return await self._book.edit(call, work)

    async def DeleteTags(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await self._of(sheet, params["ResourceArn"])
            left = {key: each for key, each in found.items() if key not in params["TagKeys"]}
            sheet.put(TAGS, params["ResourceArn"], left)
            return {}

        return await self._book.edit(call, work)

    async def ListTags(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return {"Tags": _listed(await self._of(sheet, params["ResourceArn"]))}

        return await self._book.read(work)

    async def _of(self, sheet: Sheet, name: str) -> Json:
        for kind in KINDS:
            async for _, each in sheet.scan(kind.store):
                if each[kind.member] == name:
                    return await sheet.get(TAGS, name) or {}
        raise invalid(f"Could not find resource {name}")


def _listed(tags: Json) -> list[Json]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
