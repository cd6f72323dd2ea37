"""User pools: made, described, changed, deleted, tagged.

Source: Cognito user pools API Reference. Settings that nothing here heeds are refused.
"""

import secrets
from collections.abc import Callable
from random import choices
from string import ascii_letters, digits

from torana.services.apigateway.book import Sheet
from torana.services.cognito_idp import passwords, schema
from torana.services.cognito_idp.attempts import ATTEMPTS
from torana.services.cognito_idp.directory import (
    ALIAS,
    CLIENT,
    CLIENT_POOL,
    GROUP,
    MEMBER,
    POOL,
    SERVER,
    USER,
    Directory,
    Json,
    aliases,
    key,
    moment,
    now,
    page,
)
from torana.services.cognito_idp.faults import invalid, missing, unsupported
from torana.services.cognito_idp.sessions import SESSION
from torana.services.cognito_idp.signing import Signing
from torana.services.cognito_idp.triggers import check_config
from torana.services.given import items, members
from torana.services.ports import Call

_OF_POOL = (USER, ALIAS, GROUP, MEMBER, SERVER, CLIENT, SESSION, ATTEMPTS)
_REFUSED = {
    "DeviceConfiguration": "DeviceConfiguration (device tracking)",
    "DcrConfiguration": "DcrConfiguration",
    "KeyConfiguration": "KeyConfiguration",
    "IssuerConfiguration": "IssuerConfiguration",
    "AcrConfiguration": "AcrConfiguration",
}
_KEPT = (
    "AutoVerifiedAttributes",
    "SmsVerificationMessage",
    "EmailVerificationMessage",
    "EmailVerificationSubject",
    "SmsAuthenticationMessage",
    "EmailConfiguration",
    "SmsConfiguration",
    "UserAttributeUpdateSettings",
    "AccountRecoverySetting",
    "UserPoolTags",
    "LambdaConfig",
)
"""Settings as they were given; an update that leaves one out takes it back to its default."""
_HIDDEN = ("keys", "sealed", "SchemaByName", "mfa")
_RECOVERY: Json = {
    "RecoveryMechanisms": [
        {"Priority": 1, "Name": "verified_email"},
        {"Priority": 2, "Name": "verified_phone_number"},
    ]
}


class Pools:
    """The operations."""

    def __init__(self, directory: Directory, signing: Signing) -> None:
        self._directory, self._signing = directory, signing
        self._book = directory.book

    async def CreateUserPool(self, call: Call, params: Json) -> Json:
        """Makes the pool's first signing key, too."""
        if params.get("UsernameAttributes") and params.get("AliasAttributes"):
            raise invalid("Only one of the aliasAttributes or usernameAttributes can be set.")
        at = now()
        id = f"{call.region}_{''.join(choices(ascii_letters + digits, k=9))}"  # noqa: S311
        pool: Json = {
            "Id": id,
            "Name": params["PoolName"],
            "Arn": f"arn:aws:cognito-idp:{call.region}:{call.principal.account}:userpool/{id}",
            "CreationDate": at,
            "SchemaByName": schema.with_own(params.get("Schema") or ()),
            "UsernameConfiguration": params.get("UsernameConfiguration") or {"CaseSensitive": True},
            "mfa": {"MfaConfiguration": "OFF"},
        }
        for name in ("AliasAttributes", "UsernameAttributes"):
            if params.get(name):
                pool[name] = params[name]
        _set(pool, params)
        _mfa_of(pool, params)
        self._directory.close(pool, "decoy", secrets.token_hex(32))
        await self._signing.add_key(pool)

        async def work(sheet: Sheet) -> Json:
            sheet.put(POOL, id, pool)
            return {"UserPool": _shown(pool)}

        return await self._book.edit(call, work)

    async def UpdateUserPool(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["UserPoolId"])
            pool["Name"] = params.get("PoolName") or pool["Name"]
            _set(pool, params)
            _mfa_of(pool, params)
            sheet.put(POOL, pool["Id"], pool)
            return {}

        return await self._book.edit(call, work)

    async def DescribeUserPool(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["UserPoolId"])
            shown = _shown(pool)
            shown["EstimatedNumberOfUsers"] = 0
            async for _ in self._book.store.scan(USER, f"{pool['Id']}/"):
                shown["EstimatedNumberOfUsers"] += 1
            return {"UserPool": shown}

        return await self._book.read(work)

    async def ListUserPools(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = [pool async for _, pool in sheet.scan(POOL)]
            paged = page(found, params, "UserPools", "Id", "MaxResults")
            paged["UserPools"] = [
                {
                    "Id": pool["Id"],
                    "Name": pool["Name"],
                    "LambdaConfig": pool.get("LambdaConfig", {}),
                    "CreationDate": moment(pool["CreationDate"]),
                    "LastModifiedDate": moment(pool["LastModifiedDate"]),
                }
                for pool in paged["UserPools"]
            ]
            return paged

        return await self._book.read(work)

    async def DeleteUserPool(self, call: Call, params: Json) -> Json:
        """With everything in it."""

        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["UserPoolId"])
            if pool["DeletionProtection"] == "ACTIVE":
                raise invalid(
                    "The user pool cannot be deleted because deletion protection is activated. "
                    "Deletion protection must be inactivated first."
                )
            if pool.get("Domain"):
                raise invalid(
                    "User pool cannot be deleted. It has a domain configured that should be "
                    "deleted first."
                )
            for kind in _OF_POOL:
                async for id, document in sheet.scan(kind, f"{pool['Id']}/"):
                    sheet.delete(kind, id)
                    if kind == CLIENT and await sheet.get(CLIENT_POOL, key(document["ClientId"])):
                        sheet.delete(CLIENT_POOL, key(document["ClientId"]))
            sheet.delete(POOL, pool["Id"])
            return {}

        return await self._book.edit(call, work)

    async def AddCustomAttributes(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["UserPoolId"])
            pool["SchemaByName"] = schema.added(pool["SchemaByName"], params["CustomAttributes"])
            pool["LastModifiedDate"] = now()
            sheet.put(POOL, pool["Id"], pool)
            return {}

        return await self._book.edit(call, work)

    async def SetUserPoolMfaConfig(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool = await self._directory.pool(sheet, params["UserPoolId"])
            _set_mfa(pool, params)
            pool["LastModifiedDate"] = now()
            sheet.put(POOL, pool["Id"], pool)
            return pool["mfa"]

        return await self._book.edit(call, work)

    async def GetUserPoolMfaConfig(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return (await self._directory.pool(sheet, params["UserPoolId"]))["mfa"]

        return await self._book.read(work)

    async def TagResource(self, call: Call, params: Json) -> Json:
        def tag(tags: Json) -> None:
            tags.update(params["Tags"])

        return await self._tag(call, params, tag)

    async def UntagResource(self, call: Call, params: Json) -> Json:
        def untag(tags: Json) -> None:
            for name in params["TagKeys"]:
                tags.pop(name, None)

        return await self._tag(call, params, untag)

    async def _tag(self, call: Call, params: Json, change: Callable[[Json], None]) -> Json:
        async def work(sheet: Sheet) -> Json:
            pool = await self._by_arn(sheet, params)
            tags = pool.setdefault("UserPoolTags", {})
            change(tags)
            if len(tags) > 50:
                raise invalid("A user pool has 50 tags at most")
            sheet.put(POOL, pool["Id"], pool)
            return {}

        return await self._book.edit(call, work)

    async def ListTagsForResource(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return {"Tags": (await self._by_arn(sheet, params)).get("UserPoolTags", {})}

        return await self._book.read(work)

    async def _by_arn(self, sheet: Sheet, params: Json) -> Json:
        arn = params["ResourceArn"]
        pool = await self._directory.pool(sheet, arn.rpartition("/")[2])
        if pool["Arn"] != arn:
            raise missing(f"User pool {arn} does not exist.")
        return pool


def _set(pool: Json, params: Json) -> None:
    """What may be changed later. Raises the service's error."""
    for name, told in _REFUSED.items():
        if params.get(name):
            raise unsupported(told)
    add_ons = members(params, "UserPoolAddOns")
    if add_ons.get("AdvancedSecurityMode", "OFF") != "OFF":
        raise unsupported("AdvancedSecurityMode (threat protection)")
    if params.get("SmsConfiguration") and not params["SmsConfiguration"].get("SnsCallerArn"):
        raise invalid("SmsConfiguration needs a SnsCallerArn")
    for name in _KEPT:
        pool.pop(name, None)
        if params.get(name):
            pool[name] = params[name]
    check_config(pool.get("LambdaConfig", {}))
    policies = members(params, "Policies")
    factors = items(members(policies, "SignInPolicy"), "AllowedFirstAuthFactors") or ["PASSWORD"]
    if factors != ["PASSWORD"]:
        raise unsupported("A first factor other than PASSWORD")
    pool["Policies"] = {
        "PasswordPolicy": passwords.checked_policy(members(policies, "PasswordPolicy")),
        "SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD"]},
    }
    pool["DeletionProtection"] = params.get("DeletionProtection", "INACTIVE")
    pool["UserPoolTier"] = params.get("UserPoolTier", "ESSENTIALS")
    pool["AdminCreateUserConfig"] = {
        "AllowAdminCreateUserOnly": False,
        **(params.get("AdminCreateUserConfig") or {}),
    }
    template = members(params, "VerificationMessageTemplate")
    if template.get("DefaultEmailOption", "CONFIRM_WITH_CODE") != "CONFIRM_WITH_CODE":
        raise unsupported("CONFIRM_WITH_LINK")
    pool["VerificationMessageTemplate"] = {**template, "DefaultEmailOption": "CONFIRM_WITH_CODE"}
    pool.setdefault("AccountRecoverySetting", _RECOVERY)
    pool["LastModifiedDate"] = now()
    wanted = set(pool.get("AutoVerifiedAttributes", ()))
    later = items(
        members(pool, "UserAttributeUpdateSettings"), "AttributesRequireVerificationBeforeUpdate"
    )
    if not wanted.issuperset(later):
        raise invalid(
            "Invalid AttributesRequireVerificationBeforeUpdate: they must be auto verified, too"
        )


def _mfa_of(pool: Json, params: Json) -> None:
    """As CreateUserPool and UpdateUserPool say it: SMS alone."""
    wanted = params.get("MfaConfiguration")
    if wanted is None:
        return
    mfa = dict(pool["mfa"])
    if wanted != "OFF" and len(mfa) == 1:
        if not pool.get("SmsConfiguration"):
            raise invalid(
                "SMS configuration and Auto verification for phone_number are required when MFA "
                "is required/optional"
            )
        mfa["SmsMfaConfiguration"] = {"SmsConfiguration": pool["SmsConfiguration"]}
    pool["mfa"] = {**mfa, "MfaConfiguration": wanted}


def _set_mfa(pool: Json, params: Json) -> None:
    """Raises the service's error."""
    if params.get("WebAuthnConfiguration"):
        raise unsupported("WebAuthnConfiguration (passkeys)")
    wanted = params.get("MfaConfiguration", pool["mfa"]["MfaConfiguration"])
    mfa: Json = {"MfaConfiguration": wanted}
    if members(params, "SoftwareTokenMfaConfiguration").get("Enabled"):
        mfa["SoftwareTokenMfaConfiguration"] = {"Enabled": True}
    if params.get("SmsMfaConfiguration"):
        sms = params["SmsMfaConfiguration"]
        if not (sms.get("SmsConfiguration") or pool.get("SmsConfiguration")):
            raise invalid("SmsMfaConfiguration needs a SmsConfiguration")
        mfa["SmsMfaConfiguration"] = sms
        if sms.get("SmsConfiguration"):
            pool["SmsConfiguration"] = sms["SmsConfiguration"]
    if params.get("EmailMfaConfiguration") is not None:
        mfa["EmailMfaConfiguration"] = params["EmailMfaConfiguration"]
    if wanted != "OFF" and len(mfa) == 1:
        raise invalid("Invalid MFA configuration given, can't turn on MFA without a second factor.")
    pool["mfa"] = mfa


def _shown(pool: Json) -> Json:
    """As DescribeUserPool tells of it."""
    shown = {name: value for name, value in pool.items() if name not in _HIDDEN}
    shown["SchemaAttributes"] = [
        {**each, "Name": name} for name, each in pool["SchemaByName"].items()
    ]
    shown["MfaConfiguration"] = pool["mfa"]["MfaConfiguration"]
    shown.setdefault("LambdaConfig", {})
    shown.setdefault("UserPoolTags", {})
    shown.setdefault("EmailConfiguration", {"EmailSendingAccount": "COGNITO_DEFAULT"})
    for name in ("CreationDate", "LastModifiedDate"):
        shown[name] = moment(shown[name])
    return shown


def factors(pool: Json) -> tuple[str, ...]:
    """The second factors that a pool has."""
    found = pool["mfa"]
    if found["MfaConfiguration"] == "OFF":
        return ()
    return tuple(
        name
        for name, setting in (
            ("SOFTWARE_TOKEN_MFA", "SoftwareTokenMfaConfiguration"),
            ("SMS_MFA", "SmsMfaConfiguration"),
            ("EMAIL_OTP", "EmailMfaConfiguration"),
        )
        if setting in found
    )


def sign_in_names(pool: Json) -> tuple[str, ...]:
    """What a user may type, for messages and pages."""
    names = aliases(pool)
    return names if pool.get("UsernameAttributes") else ("username", *names)
