"""What a user pool may be set to, and how that is shown.

Source: Cognito user pools API Reference. Settings that nothing here heeds are refused.
"""

from torana.services.cognito_idp import passwords
from torana.services.cognito_idp.directory import Json, aliases, now
from torana.services.cognito_idp.faults import invalid, unsupported
from torana.services.cognito_idp.triggers import check_config
from torana.services.given import items, members
from torana.services.moments import moment

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
_CODES = ("EMAIL_OTP", "SMS_OTP")
_HIDDEN = ("keys", "sealed", "SchemaByName", "mfa")
_RECOVERY: Json = {
    "RecoveryMechanisms": [
        {"Priority": 1, "Name": "verified_email"},
        {"Priority": 2, "Name": "verified_phone_number"},
    ]
}


def set_(pool: Json, params: Json) -> None:
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
    pool["Policies"] = _policies(members(params, "Policies"))
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


def _policies(given: Json) -> Json:
    """Of passwords and first factors. Raises the service's error."""
    factors = items(members(given, "SignInPolicy"), "AllowedFirstAuthFactors") or ["PASSWORD"]
    for factor in factors:
        if factor not in ("PASSWORD", *_CODES):
            raise unsupported(f"The first factor {factor}")
    if "PASSWORD" not in factors:
        raise invalid("AllowedFirstAuthFactors must have PASSWORD")
    return {
        "PasswordPolicy": passwords.checked_policy(members(given, "PasswordPolicy")),
        "SignInPolicy": {"AllowedFirstAuthFactors": factors},
    }


def mfa_of(pool: Json, params: Json) -> None:
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


def set_mfa(pool: Json, params: Json) -> None:
    """As SetUserPoolMfaConfig says it. Raises the service's error."""
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


def shown(pool: Json) -> Json:
    """As DescribeUserPool tells of it."""
    told = {name: value for name, value in pool.items() if name not in _HIDDEN}
    told["SchemaAttributes"] = [
        {**each, "Name": name} for name, each in pool["SchemaByName"].items()
    ]
    told["MfaConfiguration"] = pool["mfa"]["MfaConfiguration"]
    told.setdefault("LambdaConfig", {})
    told.setdefault("UserPoolTags", {})
    told.setdefault("EmailConfiguration", {"EmailSendingAccount": "COGNITO_DEFAULT"})
    for name in ("CreationDate", "LastModifiedDate"):
        told[name] = moment(told[name])
    return told


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
