"""Choice-based sign-in through boto3: passwords, SRP, and codes in messages without a password."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false

from collections.abc import Generator
from typing import Any

import pytest
from pycognito.aws_srp import AWSSRP

from tests.services.cognito_idp.pooling import PASSWORD, Idp, refused, running

CODES = {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"]}}


@pytest.fixture(scope="module")
def idp(tmp_path_factory: pytest.TempPathFactory) -> Generator[Idp]:
    with running(tmp_path_factory.mktemp("idp")) as found:
        yield found


def client(idp: Idp, pool: str, **options: Any) -> str:
    return idp.client(pool, ExplicitAuthFlows=["ALLOW_USER_AUTH"], **options)


def begin(idp: Idp, app: str, name: str = "ada", **given: str) -> Any:
    return idp.anyone.initiate_auth(
        ClientId=app, AuthFlow="USER_AUTH", AuthParameters={"USERNAME": name, **given}
    )


def respond(idp: Idp, app: str, asked: Any, name: str = "ada", **given: str) -> Any:
    return idp.anyone.respond_to_auth_challenge(
        ClientId=app,
        ChallengeName=asked["ChallengeName"],
        Session=asked["Session"],
        ChallengeResponses={"USERNAME": name, **given},
    )


def test_a_code_by_mail_signs_in_without_a_password_once(idp: Idp) -> None:
    pool = idp.pool(Policies=CODES)
    app = client(idp, pool)
    idp.user(pool, email="ada@example.com", email_verified="true")
    asked = begin(idp, app)
    assert asked["ChallengeName"] == "SELECT_CHALLENGE"
    assert set(asked["AvailableChallenges"]) == {"PASSWORD", "PASSWORD_SRP", "EMAIL_OTP"}
    asked = respond(idp, app, asked, ANSWER="EMAIL_OTP")
    assert asked["ChallengeParameters"]["CODE_DELIVERY_DESTINATION"] == "a***@e***"
    params = {"idp": idp, "app": app, "asked": asked}
    wrong = f"{(int(idp.code()) + 1) % 1_000_000:06}"
    assert refused(respond, **params, EMAIL_OTP_CODE=wrong)[0] == "CodeMismatchException"
    assert "AccessToken" in respond(**params, EMAIL_OTP_CODE=idp.code())["AuthenticationResult"]
    assert refused(respond, **params, EMAIL_OTP_CODE=idp.code())[0] == "NotAuthorizedException"


def test_a_password_is_chosen_in_either_form(idp: Idp) -> None:
    pool = idp.pool()
    app = client(idp, pool)
    idp.user(pool)
    at_once = begin(idp, app, PREFERRED_CHALLENGE="PASSWORD", PASSWORD=PASSWORD)
    assert "AccessToken" in at_once["AuthenticationResult"]
    asked = begin(idp, app, PREFERRED_CHALLENGE="PASSWORD")
    assert asked["ChallengeName"] == "PASSWORD"
    assert "AccessToken" in respond(idp, app, asked, PASSWORD=PASSWORD)["AuthenticationResult"]
    srp = AWSSRP("ada", PASSWORD, pool, app, client=idp.anyone)
    given = {"ANSWER": "PASSWORD_SRP", "SRP_A": srp.get_auth_params()["SRP_A"]}
    proof = respond(idp, app, begin(idp, app), **given)
    assert proof["ChallengeName"] == "PASSWORD_VERIFIER"
    done = idp.anyone.respond_to_auth_challenge(
        ClientId=app,
        ChallengeName="PASSWORD_VERIFIER",
        ChallengeResponses=srp.process_challenge(proof["ChallengeParameters"], {"USERNAME": "ada"}),
    )
    assert "AccessToken" in done["AuthenticationResult"]


def test_codes_are_only_for_verified_addresses_and_not_where_mfa_is_forced(idp: Idp) -> None:
    pool = idp.pool(Policies=CODES)
    app = client(idp, pool)
    idp.user(pool, email="ada@example.com")
    assert "EMAIL_OTP" not in begin(idp, app)["AvailableChallenges"]
    idp.user(pool, "bob", email="bob@example.com", email_verified="true")
    assert "EMAIL_OTP" in begin(idp, app, "bob")["AvailableChallenges"]
    idp.admin.set_user_pool_mfa_config(
        UserPoolId=pool,
        MfaConfiguration="ON",
        SoftwareTokenMfaConfiguration={"Enabled": True},
    )
    assert "EMAIL_OTP" not in begin(idp, app, "bob")["AvailableChallenges"]


def test_a_silent_client_seems_to_send_codes_to_strangers(idp: Idp) -> None:
    pool = idp.pool(Policies=CODES)
    app = client(idp, pool, PreventUserExistenceErrors="ENABLED")
    asked = begin(idp, app, "nobody", PREFERRED_CHALLENGE="EMAIL_OTP")
    assert asked["ChallengeName"] == "EMAIL_OTP"
    params = {"idp": idp, "app": app, "asked": asked, "name": "nobody"}
    assert refused(respond, **params, EMAIL_OTP_CODE="123456")[0] == "CodeMismatchException"


def test_passkeys_are_refused_by_name(idp: Idp) -> None:
    factors = {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"]}}
    assert refused(idp.admin.create_user_pool, PoolName="pets", Policies=factors) == (
        "InvalidParameterException",
        "The first factor WEB_AUTHN is not supported here",
    )
