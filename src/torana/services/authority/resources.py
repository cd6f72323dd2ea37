"""Which resources an operation is about, as policies name them.

Most services follow one rule: the parameter that names the resource is put into an ARN of the
service's form. What is named by an ARN already is that; what names nothing is `*`.

Source: Service Authorization Reference, "Resource types" of each service.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote
from uuid import UUID

from msgspec import Struct

from torana.services.lambda_.names import split
from torana.wire.contract import Asked
from torana.wire.faults import ServiceError

Json = dict[str, Any]


class Place(Struct, frozen=True):
    """Where a request is made, and what is known of names there."""

    region: str
    own: str
    """The gateway's own region, in which functions are."""
    account: str
    caller: str
    """The caller's ARN."""
    alias: Callable[[str], str | None] = lambda name: None
    """The key that a KMS alias leads to."""
    entity: Callable[[str, str], str] = lambda kind, name: f"{kind}/{name}"
    """Kind, path and name of an identity by its kind and name."""

    def arn(self, service: str, rest: str) -> str:
        """Of a resource of this region and account."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{rest}"


TEMPLATES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "polly": (("Name", "lexicon/{}"),),
    "translate": (("Name", "terminology/{}"), ("TerminologyNames", "terminology/{}")),
    "transcribe": (
        ("TranscriptionJobName", "transcription-job/{}"),
        ("VocabularyName", "vocabulary/{}"),
        ("VocabularyFilterName", "vocabulary-filter/{}"),
    ),
    "rekognition": (("CollectionId", "collection/{}"), ("JobId", "*")),
    "cognito-identity": (("IdentityPoolId", "identitypool/{}"),),
    "cognito-idp": (("UserPoolId", "userpool/{}"),),
    "lex": (("botId", "bot/{}"),),
    "sagemaker": (
        ("EndpointName", "endpoint/{}"),
        ("EndpointConfigName", "endpoint-config/{}"),
        ("ModelName", "model/{}"),
        ("TrainingJobName", "training-job/{}"),
    ),
    "cloudwatch": (("AlarmName", "alarm:{}"), ("DashboardName", "dashboard/{}")),
    "secretsmanager": (("SecretId", "secret:{}"),),
    "events": (("Name", "rule/{}"), ("Rule", "rule/{}")),
    "sns": (("Name", "{}"),),
    "torana": (
        ("apiId", "apis/{}"),
        ("domainName", "domains/{}"),
        ("productId", "portal-products/{}"),
        ("subscriptionId", "subscriptions/{}"),
    ),
    "cloudformation": (("StackName", "stack/{}/*"),),
    "states": (("name", "stateMachine:{}"),),
    "dynamodb": (("TableName", "table/{}"),),
}
"""By IAM prefix: parameters that name a resource, and what becomes of them."""


def _generic(asked: Asked, place: Place, prefix: str) -> list[str]:
    for member, template in TEMPLATES.get(prefix, ()):
        value = asked.params.get(member)
        if isinstance(value, str) and value:
            return [
                value if value.startswith("arn:") else place.arn(prefix, template.format(value))
            ]
    for member, value in asked.params.items():
        if member.lower().endswith("arn") and isinstance(value, str) and ":role/" not in value:
            return [value]
    return ["*"]


def _sqs(asked: Asked, place: Place) -> list[str]:
    params = asked.params
    name = params.get("QueueName") or (params.get("QueueUrl") or "").rstrip("/").rpartition("/")[2]
    if name:
        return [place.arn("sqs", name)]
    given = [params[each] for each in ("SourceArn", "TaskHandle") if params.get(each)]
    return given if given and given[0].startswith("arn:") else ["*"]


def _kms(asked: Asked, place: Place) -> list[str]:
    params, found = asked.params, list[str]()
    for member in ("KeyId", "TargetKeyId", "SourceKeyId"):
        if params.get(member):
            found.append(kms_key(params[member], place))
    if params.get("AliasName"):
        found.append(place.arn("kms", params["AliasName"]))
        if asked.operation.name in ("DeleteAlias", "UpdateAlias"):
            found.append(kms_key(params["AliasName"], place))
    blob = params.get("CiphertextBlob")
    if isinstance(blob, bytes) and not (params.get("KeyId") or params.get("SourceKeyId")):
        # A ciphertext names its key: see `services/kms/crypto.py`.
        found.append(place.arn("kms", f"key/{UUID(bytes=blob[1:17])}" if len(blob) > 17 else "*"))
    return found or ["*"]


def kms_key(name: str, place: Place) -> str:
    """A key by any of its names."""
    alias = name.partition(":alias/")[2] or name.partition("alias/")[2]
    if alias and ":key/" not in name:
        return place.arn("kms", f"key/{place.alias(f'alias/{alias}') or '*'}")
    return place.arn("kms", f"key/{name.rpartition('/')[2]}")


def _lambda(asked: Asked, place: Place) -> list[str]:
    params = asked.params
    if params.get("FunctionName"):
        try:
            name, qualifier = split(params["FunctionName"], params.get("Qualifier"))
        except ServiceError:
            return ["*"]
        full = f"{name}:{qualifier}" if qualifier else name
        return [f"arn:aws:lambda:{place.own}:{place.account}:function:{full}"]
    if params.get("LayerName"):
        version = params.get("VersionNumber")
        layer = params["LayerName"].rpartition(":layer:")[2] or params["LayerName"]
        return [place.arn("lambda", f"layer:{layer}" + (f":{version}" if version else ""))]
    if params.get("UUID"):
        return [place.arn("lambda", f"event-source-mapping:{params['UUID']}")]
    if params.get("Resource"):
        return [params["Resource"]]
    return _generic(asked, place, "lambda")


def _s3(asked: Asked, place: Place) -> list[str]:
    bucket, key = asked.params.get("Bucket"), asked.params.get("Key")
    if not bucket:
        return ["*"]
    if asked.operation.name == "DeleteObjects":
        objects = asked.params.get("Delete", {}).get("Objects", ())
        return [f"arn:aws:s3:::{bucket}/{each.get('Key', '')}" for each in objects]
    return [f"arn:aws:s3:::{bucket}/{key}" if key is not None else f"arn:aws:s3:::{bucket}"]


def _apigateway(asked: Asked, place: Place) -> list[str]:
    """The path of the request, with the names that its parameters hold.

    Source: API Gateway Developer Guide, "Statement reference of IAM policies".
    """
    path = asked.operation.http.request_uri.partition("?")[0].removeprefix("/v2")
    for member, value in asked.params.items():
        for label in (member, member[:1].upper() + member[1:]):
            path = path.replace("{" + label + "}", quote(str(value), safe="*@!~"))
            path = path.replace("{" + label + "+}", quote(str(value), safe="*@!~/"))
    return [f"arn:aws:apigateway:{place.region}::{_labelled(path, asked)}"]


def _labelled(path: str, asked: Asked) -> str:
    """Labels have other names than parameters: `restapi_id` is `restApiId`."""
    pieces: list[str] = []
    given = {name.lower(): str(value) for name, value in asked.params.items()}
    for piece in path.split("/"):
        if piece.startswith("{") and piece.endswith("}"):
            label = piece[1:-1].replace("_", "").replace("-", "").lower()
            pieces.append(quote(given.get(label, "*"), safe="*@!~"))
        else:
            pieces.append(piece)
    return "/".join(pieces)


_ENTITIES = (
    ("UserName", "user"),
    ("RoleName", "role"),
    ("GroupName", "group"),
    ("InstanceProfileName", "instance-profile"),
)


def _iam(asked: Asked, place: Place) -> list[str]:
    params, name = asked.params, asked.operation.name
    for member in ("PolicySourceArn", "OpenIDConnectProviderArn"):
        if params.get(member):
            return [params[member]]
    for member, kind in _ENTITIES:
        if params.get(member) and not (member == "UserName" and params.get("GroupName")):
            said = place.entity(kind, params[member])
            if name.startswith("Create") and params.get("Path"):
                said = f"{kind}{params['Path']}{params[member]}"
            return [f"arn:aws:iam::{place.account}:{said}"]
    if params.get("PolicyArn"):
        return [params["PolicyArn"]]
    if params.get("PolicyName"):
        path = params.get("Path") or "/"
        return [f"arn:aws:iam::{place.account}:policy{path}{params['PolicyName']}"]
    if name in (
        "GetUser",
        "CreateAccessKey",
        "ListAccessKeys",
        "UpdateAccessKey",
        "DeleteAccessKey",
    ):
        return [place.caller]
    return ["*"]


def _wafv2(asked: Asked, place: Place) -> list[str]:
    params = asked.params
    for member in ("WebACLArn", "ResourceArn", "ResourceARN"):
        if params.get(member):
            return [params[member]]
    kinds = {
        "WebACL": "webacl",
        "IPSet": "ipset",
        "RuleGroup": "rulegroup",
        "RegexPatternSet": "regexpatternset",
    }
    kind = next((said for named, said in kinds.items() if named in asked.operation.name), "")
    if not kind or not params.get("Name"):
        return ["*"]
    scope = "global" if params.get("Scope") == "CLOUDFRONT" else "regional"
    return [place.arn("wafv2", f"{scope}/{kind}/{params['Name']}/{params.get('Id', '*')}")]


def _logs(asked: Asked, place: Place) -> list[str]:
    params = asked.params
    group = params.get("logGroupName") or params.get("logGroupIdentifier")
    if not group:
        return _generic(asked, place, "logs")
    name = group.partition(":log-group:")[2].removesuffix(":*") or group
    return [place.arn("logs", f"log-group:{name}:log-stream:{params.get('logStreamName') or ''}")]


def _bedrock(asked: Asked, place: Place) -> list[str]:
    params = asked.params
    model = params.get("modelId") or params.get("modelIdentifier")
    if model:
        own = f"arn:aws:bedrock:{place.region}::foundation-model/{model}"
        return [model if model.startswith("arn:") else own]
    guardrail = params.get("guardrailIdentifier")
    if guardrail:
        own = place.arn("bedrock", f"guardrail/{guardrail}")
        return [guardrail if guardrail.startswith("arn:") else own]
    return _generic(asked, place, "bedrock")


def _lex(asked: Asked, place: Place) -> list[str]:
    bot, alias = asked.params.get("botId"), asked.params.get("botAliasId")
    if bot and alias:
        return [place.arn("lex", f"bot-alias/{bot}/{alias}")]
    name, wanted = asked.params.get("botName"), asked.params.get("botAlias")
    if name and wanted:
        return [place.arn("lex", f"bot:{name}:{wanted}")]
    return _generic(asked, place, "lex")


def _ssm(asked: Asked, place: Place) -> list[str]:
    params = asked.params
    names = [*(params.get("Names") or ())]
    names += [params[each] for each in ("Name", "Path", "ResourceId") if params.get(each)]
    own = [each.partition(":")[0].lstrip("/") for each in names if not each.startswith("arn:")]
    given = [each for each in names if each.startswith("arn:")]
    return [place.arn("ssm", f"parameter/{each}") for each in own] + given or ["*"]


Resources = Callable[[Asked, Place], list[str]]
SPECIAL: Mapping[str, Resources] = {
    "apigateway": _apigateway,
    "bedrock": _bedrock,
    "iam": _iam,
    "kms": _kms,
    "lambda": _lambda,
    "lex": _lex,
    "logs": _logs,
    "s3": _s3,
    "sqs": _sqs,
    "ssm": _ssm,
    "wafv2": _wafv2,
}
"""By IAM prefix: services with rules of their own."""


def resources(prefix: str, asked: Asked, place: Place) -> list[str]:
    """The ARNs that an operation is about."""
    special = SPECIAL.get(prefix)
    return special(asked, place) if special is not None else _generic(asked, place, prefix)
