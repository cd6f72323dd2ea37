"""Types of Amazon Cognito's user pools.

Source: AWS CloudFormation Template Reference, "AWS::Cognito".
"""

from typing import cast

from torana.services.cloudformation.faults import Unmade
from torana.services.cloudformation.shaping import shaped
from torana.services.cloudformation.types.kind import Json, Kind, Made, Named, Task
from torana.services.cloudformation.types.plain import Row, plain, seen

_S = "cognito-idp"
_POOL = {"UserPoolId": "{prop.UserPoolId}"}
_CLIENT = {**_POOL, "ClientId": "{ref}"}
_GROUP = {**_POOL, "GroupName": "{ref}"}
_DOMAIN = {**_POOL, "Domain": "{ref}"}
_SERVER = {**_POOL, "Identifier": "{ref}"}

_ROW = Row(
    _S,
    "CreateUserPool",
    "{out.UserPool.Id}",
    attributes={
        "UserPoolId": "{out.UserPool.Id}",
        "Arn": "{out.UserPool.Arn}",
        "ProviderName": "cognito-idp.{region}.amazonaws.com/{out.UserPool.Id}",
        "ProviderURL": "https://cognito-idp.{region}.amazonaws.com/{out.UserPool.Id}",
    },
    delete=("DeleteUserPool", {"UserPoolId": "{ref}"}),
    update=("UpdateUserPool", {"UserPoolId": "{ref}"}),
    whole=True,
    see=seen(
        _S,
        ("ListUserPools", {"MaxResults": "60"}),
        "UserPools",
        "{out.Id}",
        {"Name": "{prop.UserPoolName}"},
    ),
    names={"UserPoolName": "PoolName"},
    named=Named("UserPoolName", 128),
    refused=("EnabledMfas", "UserPoolAddOns", "WebAuthnRelyingPartyID", "WebAuthnUserVerification"),
)


async def _create_pool(task: Task) -> Made:
    """Tags are a map, as the service has them."""
    whole = task.properties
    tags = task.all_tags(whole.get("UserPoolTags"))
    task.properties = {**whole, "UserPoolTags": tags}
    await _ROW.make(task)
    task.properties = whole
    return task.made


async def _update_pool(task: Task) -> Made:
    """A pool's attributes can be added to, and nothing else."""
    was = cast(list[Json], task.before.get("Schema") or [])
    wanted = cast(list[Json], task.properties.get("Schema") or [])
    if any(each not in wanted for each in was):
        raise Unmade("Invalid AttributeDataType input: existing schema attributes cannot change")
    fresh = [each for each in wanted if each not in was]
    if fresh:
        more = shaped(_S, "AddCustomAttributes", {"CustomAttributes": fresh})
        await task.calls(_S, "AddCustomAttributes", UserPoolId=task.made.id, **more)
    whole, before = task.properties, task.before
    given = {name: each for name, each in whole.items() if name != "Schema"}
    given["UserPoolTags"] = task.all_tags(whole.get("UserPoolTags"))
    task.properties = given
    task.before = {name: each for name, each in before.items() if name != "Schema"}
    await _ROW.change(task)
    task.properties, task.before = whole, before
    return task.made


TYPES: dict[str, Kind] = {
    "UserPool": Kind(
        _create_pool,
        _ROW.away,
        _update_pool,
        keeps=lambda name: name == "Schema" or _ROW.keeps(name),
        attributes=frozenset(_ROW.attributes),
        see=_ROW.see,
        named=_ROW.named,
    ),
    "UserPoolClient": plain(
        _S,
        "CreateUserPoolClient",
        "{out.UserPoolClient.ClientId}",
        attributes={
            "ClientId": "{out.UserPoolClient.ClientId}",
            "ClientSecret": "{out.UserPoolClient.ClientSecret}",
            "Name": "{out.UserPoolClient.ClientName}",
        },
        delete=("DeleteUserPoolClient", _CLIENT),
        update=("UpdateUserPoolClient", _CLIENT),
        whole=True,
        replaces="UserPoolId",
        see=seen(
            _S,
            ("ListUserPoolClients", {**_POOL, "MaxResults": "60"}),
            "UserPoolClients",
            "{out.ClientId}",
        ),
        named=Named("ClientName", 128),
        shared=True,
    ),
    "UserPoolGroup": plain(
        _S,
        "CreateGroup",
        "{out.Group.GroupName}",
        delete=("DeleteGroup", _GROUP),
        update=("UpdateGroup", _GROUP),
        replaces="UserPoolId GroupName",
        named=Named("GroupName", 128),
        shared=True,
        resets={"Description": ""},
    ),
    "UserPoolDomain": plain(
        _S,
        "CreateUserPoolDomain",
        "{prop.Domain}",
        attributes={"CloudFrontDistribution": "{out.CloudFrontDomain}"},
        delete=("DeleteUserPoolDomain", _DOMAIN),
        unique="Domain",
    ),
    "UserPoolResourceServer": plain(
        _S,
        "CreateResourceServer",
        "{out.ResourceServer.Identifier}",
        delete=("DeleteResourceServer", _SERVER),
        update=("UpdateResourceServer", _SERVER),
        replaces="UserPoolId Identifier",
        resets={"Scopes": []},
    ),
}
