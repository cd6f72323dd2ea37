"""Second factors through boto3, with the codes of a real authenticator."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false

import base64
import time
from collections.abc import Generator
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from tests.services.cognito_idp.pooling import Idp, refused, running

APP = {"SoftwareTokenMfaConfiguration": {"Enabled": True}}
SMS = {"SnsCallerArn": "arn:aws:iam::000000000000:role/sms"}


@pytest.fixture(scope="module")
def idp(tmp_path_factory: pytest.TempPathFactory) -> Generator[Idp]:
    with running(tmp_path_factory.mktemp("idp")) as found:
        yield found


class App:
    """An authenticator app. A code holds once, so it takes the next period's after each."""

    def __init__(self, secret: str) -> None:
        padded = secret + "=" * (-len(secret) % 8)
        self._app = TOTP(base64.b32decode(padded), 6, SHA1(), 30)
        self._away = 0

    def code(self) -> str:
        made = self._app.generate(int(time.time()) + 30 * self._away).decode()
        self._away += 1
        return made


def with_app(idp: Idp, client: str) -> App:
    token = idp.tokens(client)["AccessToken"]
    app = App(idp.anyone.associate_software_token(AccessToken=token)["SecretCode"])
    verified = idp.anyone.verify_software_token(AccessToken=token, UserCode=app.code())
    assert verified["Status"] == "SUCCESS"
    idp.anyone.set_user_mfa_preference(
        AccessToken=token, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True}
    )
    user = idp.anyone.get_user(AccessToken=token)
    assert user["PreferredMfaSetting"] == "SOFTWARE_TOKEN_MFA"
    assert user["UserMFASettingList"] == ["SOFTWARE_TOKEN_MFA"]
    return app


def answer(idp: Idp, client: str, asked: Any, **responses: str) -> Any:
    return idp.anyone.respond_to_auth_challenge(
        ClientId=client,
        ChallengeName=asked["ChallengeName"],
        Session=asked["Session"],
        ChallengeResponses={"USERNAME": "ada", **responses},
    )


def test_an_app_is_asked_for_its_code_after_the_password(idp: Idp) -> None:
    pool = idp.pool()
    idp.admin.set_user_pool_mfa_config(UserPoolId=pool, MfaConfiguration="OPTIONAL", **APP)
    client = idp.client(pool)
    idp.user(pool)
    app = with_app(idp, client)
    asked = idp.sign_in(client)
    assert asked["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    assert "AuthenticationResult" not in asked
    name = "SOFTWARE_TOKEN_MFA_CODE"
    params = {"idp": idp, "client": client, "asked": asked}
    assert refused(answer, **params, **{name: "000000"})[0] == "CodeMismatchException"
    code = app.code()
    assert "AccessToken" in answer(**params, **{name: code})["AuthenticationResult"]
    params["asked"] = idp.sign_in(client)
    assert refused(answer, **params, **{name: code}) == (
        "ExpiredCodeException",
        "Your software token has already been used once.",
    )


def test_to_know_the_password_gives_no_further_guesses_at_the_code(idp: Idp) -> None:
    pool = idp.pool()
    idp.admin.set_user_pool_mfa_config(UserPoolId=pool, MfaConfiguration="OPTIONAL", **APP)
    client = idp.client(pool)
    idp.user(pool)
    with_app(idp, client)
    said: list[str] = []
    for _ in range(7):
        params = {"idp": idp, "client": client, "asked": idp.sign_in(client)}
        said.append(refused(answer, **params, SOFTWARE_TOKEN_MFA_CODE="000000")[1])
    assert said[:5] == ["Invalid code received for user"] * 5
    assert "Password attempts exceeded" in said[5:]


def test_who_must_have_an_app_sets_it_up_while_signing_in(idp: Idp) -> None:
    pool = idp.pool()
    idp.admin.set_user_pool_mfa_config(UserPoolId=pool, MfaConfiguration="ON", **APP)
    client = idp.client(pool)
    idp.user(pool)
    asked = idp.sign_in(client)
    assert asked["ChallengeName"] == "MFA_SETUP"
    assert refused(answer, idp=idp, client=client, asked=asked)[0] == "NotAuthorizedException"
    made = idp.anyone.associate_software_token(Session=asked["Session"])
    app = App(made["SecretCode"])
    params = {"Session": made["Session"]}
    assert refused(idp.anyone.verify_software_token, **params, UserCode="000000")[0] == (
        "EnableSoftwareTokenMFAException"
    )
    verified = idp.anyone.verify_software_token(**params, UserCode=app.code())
    asked["Session"] = verified["Session"]
    assert "AccessToken" in answer(idp, client, asked)["AuthenticationResult"]
    # The session of before would have set up another app in the place of this one.
    assert refused(idp.anyone.associate_software_token, **params)[0] == "NotAuthorizedException"
    assert idp.sign_in(client)["ChallengeName"] == "SOFTWARE_TOKEN_MFA"


def test_a_code_by_message_is_a_factor_and_one_of_several_is_chosen(idp: Idp) -> None:
    pool = idp.pool()
    idp.admin.set_user_pool_mfa_config(
        UserPoolId=pool,
        MfaConfiguration="OPTIONAL",
        SmsMfaConfiguration={"SmsConfiguration": SMS},
        **APP,
    )
    client = idp.client(pool)
    idp.user(pool, phone_number="+491701234567", phone_number_verified="true")
    with_app(idp, client)
    idp.admin.admin_set_user_mfa_preference(
        UserPoolId=pool,
        Username="ada",
        SMSMfaSettings={"Enabled": True},
        SoftwareTokenMfaSettings={"Enabled": True},
    )
    asked = idp.sign_in(client)
    assert asked["ChallengeName"] == "SELECT_MFA_TYPE"
    assert "SMS_MFA" in asked["ChallengeParameters"]["MFAS_CAN_CHOOSE"]
    asked = answer(idp, client, asked, ANSWER="SMS_MFA")
    assert asked["ChallengeParameters"]["CODE_DELIVERY_DESTINATION"] == "+********4567"
    assert idp.sent()[-1]["medium"] == "SMS"
    params = {"idp": idp, "client": client, "asked": asked}
    wrong = f"{(int(idp.code()) + 1) % 1_000_000:06}"
    assert refused(answer, **params, SMS_MFA_CODE=wrong)[0] == "CodeMismatchException"
    assert "AccessToken" in answer(**params, SMS_MFA_CODE=idp.code())["AuthenticationResult"]
    assert refused(answer, **params, SMS_MFA_CODE=idp.code())[0] == "NotAuthorizedException"


def test_an_administrator_takes_a_lost_app_away(idp: Idp) -> None:
    pool = idp.pool()
    idp.admin.set_user_pool_mfa_config(UserPoolId=pool, MfaConfiguration="OPTIONAL", **APP)
    client = idp.client(pool)
    idp.user(pool)
    with_app(idp, client)
    idp.admin.admin_delete_software_token(UserPoolId=pool, Username="ada")
    idp.tokens(client)
