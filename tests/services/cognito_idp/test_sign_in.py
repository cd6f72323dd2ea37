"""Signing in through boto3, and through a real client of SRP."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false

import base64
import hmac
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
from botocore.exceptions import ClientError
from pycognito.aws_srp import AWSSRP

from tests.services.apigateway.making import told
from tests.services.cognito_idp.pooling import PASSWORD, Idp, refused, running

WRONG = ("NotAuthorizedException", "Incorrect username or password.")


@pytest.fixture(scope="module")
def idp(tmp_path_factory: pytest.TempPathFactory) -> Generator[Idp]:
    with running(tmp_path_factory.mktemp("idp")) as found:
        yield found


@pytest.fixture
def pool(idp: Idp) -> str:
    return idp.pool()


def claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def until(operation: Any) -> Any:
    """What comes of it once the lock is over."""
    end = time.monotonic() + 10
    while True:
        try:
            return operation()
        except ClientError:
            assert time.monotonic() < end
            time.sleep(0.1)


def hashed(name: str, client: str, secret: str) -> str:
    return base64.b64encode(
        hmac.digest(secret.encode(), (name + client).encode(), "sha256")
    ).decode()


def test_a_password_gives_three_tokens_with_the_services_claims(idp: Idp, pool: str) -> None:
    client = idp.client(pool)
    idp.user(pool, email="ada@example.com", email_verified="true")
    result = idp.tokens(client)
    assert result["TokenType"] == "Bearer"
    assert result["ExpiresIn"] == 3600
    identity, access = claims(result["IdToken"]), claims(result["AccessToken"])
    issuer = f"https://cognito-idp.eu-west-1.amazonaws.com/{pool}"
    assert identity["iss"] == access["iss"] == issuer
    assert (identity["token_use"], access["token_use"]) == ("id", "access")
    assert (identity["aud"], access["client_id"]) == (client, client)
    assert (identity["cognito:username"], access["username"]) == ("ada", "ada")
    assert (identity["email"], identity["email_verified"]) == ("ada@example.com", True)
    assert access["scope"] == "aws.cognito.signin.user.admin"
    assert identity["sub"] == access["sub"]
    assert identity["origin_jti"] == access["origin_jti"]
    assert identity["auth_time"] == access["auth_time"] <= access["iat"]
    assert access["exp"] - access["iat"] == 3600
    assert {"jti", "event_id"} <= identity.keys() & access.keys()
    assert set(jwt.get_unverified_header(result["IdToken"])) == {"alg", "kid"}


def test_a_real_srp_client_signs_in_without_sending_the_password(idp: Idp, pool: str) -> None:
    client = idp.client(pool)
    idp.user(pool)
    srp = AWSSRP("ada", PASSWORD, pool, client, client=idp.anyone)
    result = srp.authenticate_user()["AuthenticationResult"]
    assert claims(result["AccessToken"])["username"] == "ada"
    wrong = AWSSRP("ada", "Wrong-horse-7", pool, client, client=idp.anyone)
    assert refused(wrong.authenticate_user) == WRONG


def test_an_exchange_can_be_answered_only_once(idp: Idp, pool: str) -> None:
    client = idp.client(pool)
    idp.user(pool)
    srp = AWSSRP("ada", PASSWORD, pool, client, client=idp.anyone)
    begun = idp.anyone.initiate_auth(
        ClientId=client, AuthFlow="USER_SRP_AUTH", AuthParameters=srp.get_auth_params()
    )
    answer = {
        "ClientId": client,
        "ChallengeName": "PASSWORD_VERIFIER",
        "ChallengeResponses": srp.process_challenge(
            begun["ChallengeParameters"], {"USERNAME": "ada"}
        ),
    }
    idp.anyone.respond_to_auth_challenge(**answer)
    code, message = refused(idp.anyone.respond_to_auth_challenge, **answer)
    assert (code, "only be used once" in message) == ("NotAuthorizedException", True)


@pytest.mark.parametrize("sent", ["0", "", "zz", "-1"])
def test_a_public_value_that_gives_the_secret_away_is_refused(
    idp: Idp, pool: str, sent: str
) -> None:
    client = idp.client(pool)
    idp.user(pool)
    code, _ = refused(
        idp.anyone.initiate_auth,
        ClientId=client,
        AuthFlow="USER_SRP_AUTH",
        AuthParameters={"USERNAME": "ada", "SRP_A": sent},
    )
    assert code == "InvalidParameterException"


def test_strangers_are_told_apart_only_where_the_client_says_so(idp: Idp, pool: str) -> None:
    open_client = idp.client(pool)
    silent = idp.client(pool, PreventUserExistenceErrors="ENABLED")
    assert refused(idp.sign_in, client=open_client, name="nobody") == (
        "UserNotFoundException",
        "User does not exist.",
    )
    assert refused(idp.sign_in, client=silent, name="nobody") == WRONG
    params = AWSSRP("nobody", PASSWORD, pool, silent, client=idp.anyone).get_auth_params()

    def begun() -> dict[str, str]:
        return idp.anyone.initiate_auth(
            ClientId=silent, AuthFlow="USER_SRP_AUTH", AuthParameters=params
        )["ChallengeParameters"]

    first, second = begun(), begun()
    assert first["SALT"] == second["SALT"]
    assert first["SRP_B"] != second["SRP_B"]
    proven = AWSSRP("nobody", PASSWORD, pool, silent, client=idp.anyone)
    assert refused(proven.authenticate_user) == WRONG


def test_a_client_with_a_secret_must_show_that_it_knows_it(idp: Idp, pool: str) -> None:
    idp.user(pool)
    made = idp.admin.create_user_pool_client(
        UserPoolId=pool,
        ClientName="server",
        GenerateSecret=True,
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )["UserPoolClient"]
    client, secret = made["ClientId"], made["ClientSecret"]
    assert refused(idp.sign_in, client=client) == (
        "NotAuthorizedException",
        f"Client {client} is configured with secret but SECRET_HASH was not received",
    )
    assert refused(idp.sign_in, client=client, SECRET_HASH="bm8=") == (
        "NotAuthorizedException",
        f"Unable to verify secret hash for client {client}",
    )
    right = hashed("ada", client, secret)
    result = idp.sign_in(client, SECRET_HASH=right)["AuthenticationResult"]
    refreshed = idp.anyone.initiate_auth(
        ClientId=client,
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": result["RefreshToken"], "SECRET_HASH": right},
    )
    assert "AccessToken" in refreshed["AuthenticationResult"]


def test_flows_that_the_client_does_not_allow_are_refused(idp: Idp, pool: str) -> None:
    idp.user(pool)
    client = idp.client(pool, ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"])
    assert refused(idp.sign_in, client=client) == (
        "InvalidParameterException",
        "USER_PASSWORD_AUTH flow not enabled for this client",
    )
    code, _ = refused(
        idp.admin.admin_initiate_auth,
        UserPoolId=pool,
        ClientId=client,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ada", "PASSWORD": PASSWORD},
    )
    assert code == "InvalidParameterException"


def test_administrators_sign_users_in_and_nobody_else_does(idp: Idp, pool: str) -> None:
    client = idp.client(pool)
    idp.user(pool)
    asked = {
        "UserPoolId": pool,
        "ClientId": client,
        "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
        "AuthParameters": {"USERNAME": "ada", "PASSWORD": PASSWORD},
    }
    assert "AuthenticationResult" in idp.admin.admin_initiate_auth(**asked)
    code, _ = refused(idp.anyone.admin_initiate_auth, **asked)
    assert code == "MissingAuthenticationTokenException"
    del asked["UserPoolId"]
    code, _ = refused(idp.anyone.initiate_auth, **asked)
    assert code == "InvalidParameterException"


def test_many_wrong_passwords_at_once_lock_the_user_for_a_while(idp: Idp, pool: str) -> None:
    client = idp.client(pool)
    idp.user(pool)

    def attempt(_: int) -> str:
        try:
            idp.sign_in(client, word="Wrong-horse-7")
        except ClientError as error:
            return told(error)[1]
        raise AssertionError("let in")

    with ThreadPoolExecutor(12) as threads:
        said = list(threads.map(attempt, range(12)))
    assert set(said) == {"Incorrect username or password.", "Password attempts exceeded"}
    # Five are judged at once, and at most one more after each pause.
    assert said.count("Incorrect username or password.") <= 7
    assert refused(idp.sign_in, client=client)[1] == "Password attempts exceeded"
    until(lambda: idp.sign_in(client))
    assert refused(idp.sign_in, client=client, word="Wrong-horse-7") == WRONG


def test_a_temporary_password_must_be_replaced_first(idp: Idp, pool: str) -> None:
    client = idp.client(pool)
    idp.admin.admin_create_user(
        UserPoolId=pool,
        Username="ada",
        TemporaryPassword="Temporary-7",
        MessageAction="SUPPRESS",
    )
    asked = idp.sign_in(client, word="Temporary-7")
    assert asked["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    answer = {
        "ClientId": client,
        "ChallengeName": "NEW_PASSWORD_REQUIRED",
        "Session": asked["Session"],
        "ChallengeResponses": {"USERNAME": "ada", "NEW_PASSWORD": "short"},
    }
    assert refused(idp.anyone.respond_to_auth_challenge, **answer) == (
        "InvalidPasswordException",
        "Password did not conform with policy: Password not long enough",
    )
    answer["ChallengeResponses"] = {
        "USERNAME": "ada",
        "NEW_PASSWORD": PASSWORD,
        "userAttributes.name": "Ada",
    }
    result = idp.anyone.respond_to_auth_challenge(**answer)["AuthenticationResult"]
    assert claims(result["IdToken"])["name"] == "Ada"
    assert idp.admin.admin_get_user(UserPoolId=pool, Username="ada")["UserStatus"] == "CONFIRMED"
    assert refused(idp.anyone.respond_to_auth_challenge, **answer)[0] == "NotAuthorizedException"


def test_who_is_disabled_unconfirmed_or_to_be_reset_is_told_so(idp: Idp, pool: str) -> None:
    client = idp.client(pool)
    idp.user(pool, email="ada@example.com", email_verified="true")
    tokens = idp.tokens(client)
    named = {"UserPoolId": pool, "Username": "ada"}
    idp.admin.admin_disable_user(**named)
    assert refused(idp.sign_in, client=client)[1] == "User is disabled."
    assert refused(idp.anyone.get_user, AccessToken=tokens["AccessToken"])[0] == (
        "NotAuthorizedException"
    )
    idp.admin.admin_enable_user(**named)
    idp.admin.admin_reset_user_password(**named)
    assert refused(idp.sign_in, client=client)[0] == "PasswordResetRequiredException"
    idp.anyone.sign_up(ClientId=client, Username="bob", Password=PASSWORD)
    assert refused(idp.sign_in, client=client, name="bob") == (
        "UserNotConfirmedException",
        "User is not confirmed.",
    )


def test_groups_come_by_precedence_with_their_roles(idp: Idp, pool: str) -> None:
    client = idp.client(pool)
    idp.user(pool)
    for name, rank in (("readers", 20), ("writers", 10), ("others", None)):
        options = {} if rank is None else {"Precedence": rank}
        idp.admin.create_group(
            UserPoolId=pool,
            GroupName=name,
            RoleArn=f"arn:aws:iam::000000000000:role/{name}",
            **options,
        )
        idp.admin.admin_add_user_to_group(UserPoolId=pool, Username="ada", GroupName=name)
    result = idp.tokens(client)
    identity = claims(result["IdToken"])
    assert identity["cognito:groups"] == ["writers", "readers", "others"]
    assert identity["cognito:preferred_role"].endswith("/writers")
    assert claims(result["AccessToken"])["cognito:groups"] == identity["cognito:groups"]


def test_a_session_is_refreshed_until_it_is_revoked(idp: Idp, pool: str) -> None:
    client, other = idp.client(pool), idp.client(pool)
    idp.user(pool)
    first = idp.tokens(client)
    asked = {
        "AuthFlow": "REFRESH_TOKEN_AUTH",
        "AuthParameters": {"REFRESH_TOKEN": first["RefreshToken"]},
    }
    second = idp.anyone.initiate_auth(ClientId=client, **asked)["AuthenticationResult"]
    assert "RefreshToken" not in second
    before, after = claims(first["AccessToken"]), claims(second["AccessToken"])
    assert after["origin_jti"] == before["origin_jti"]
    assert after["auth_time"] == before["auth_time"]
    assert after["jti"] != before["jti"]
    assert refused(idp.anyone.initiate_auth, ClientId=other, **asked)[1] == "Invalid Refresh Token"
    idp.anyone.revoke_token(ClientId=client, Token=first["RefreshToken"])
    assert refused(idp.anyone.initiate_auth, ClientId=client, **asked) == (
        "NotAuthorizedException",
        "Refresh Token has been revoked",
    )
    assert refused(idp.anyone.get_user, AccessToken=second["AccessToken"]) == (
        "NotAuthorizedException",
        "Access Token has been revoked",
    )
    assert refused(idp.anyone.revoke_token, ClientId=client, Token=second["AccessToken"])[0] == (
        "UnsupportedTokenTypeException"
    )


def test_signing_out_everywhere_ends_every_session(idp: Idp, pool: str) -> None:
    client = idp.client(pool)
    idp.user(pool)
    first, second = idp.tokens(client), idp.tokens(client)
    idp.anyone.global_sign_out(AccessToken=first["AccessToken"])
    for each in (first, second):
        assert refused(idp.anyone.get_user, AccessToken=each["AccessToken"])[0] == (
            "NotAuthorizedException"
        )
    idp.anyone.get_user(AccessToken=idp.tokens(client)["AccessToken"])


def test_refresh_tokens_that_rotate_hold_once(idp: Idp, pool: str) -> None:
    client = idp.client(
        pool,
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"],
        RefreshTokenRotation={"Feature": "ENABLED", "RetryGracePeriodSeconds": 0},
    )
    idp.user(pool)
    old = idp.tokens(client)["RefreshToken"]
    turn = idp.anyone.get_tokens_from_refresh_token
    new = turn(ClientId=client, RefreshToken=old)["AuthenticationResult"]["RefreshToken"]
    assert new != old
    assert refused(turn, ClientId=client, RefreshToken=old)[0] == "RefreshTokenReuseException"
    # Who uses an old one has stolen it, or was stolen from: the session is over.
    assert refused(turn, ClientId=client, RefreshToken=new)[0] == "NotAuthorizedException"


def test_tokens_of_another_pool_or_kind_open_nothing(idp: Idp, pool: str) -> None:
    client = idp.client(pool)
    idp.user(pool)
    tokens = idp.tokens(client)
    key = b"0" * 32
    forged = jwt.encode(claims(tokens["AccessToken"]), key, "HS256")
    for token in (tokens["IdToken"], forged, "a.b.c", tokens["AccessToken"][:-4] + "AAAA"):
        assert refused(idp.anyone.get_user, AccessToken=token) == (
            "NotAuthorizedException",
            "Invalid Access Token",
        )


def test_nothing_that_is_kept_or_audited_shows_a_password(idp: Idp, pool: str) -> None:
    client = idp.client(pool)
    idp.user(pool, name="carla", email="carla@example.com")
    idp.tokens(client, "carla")
    trail = idp.cloudtrail.lookup_events(MaxResults=50)["Events"]
    text = "".join(each["CloudTrailEvent"] for each in trail)
    assert "AdminSetUserPassword" in text
    for secret in (PASSWORD, "argon2", "sealed", "carla@example.com"):
        assert secret not in text


def test_right_passwords_at_once_hinder_nobody(idp: Idp, pool: str) -> None:
    client = idp.client(pool)
    idp.user(pool)
    with ThreadPoolExecutor(10) as threads:
        done = list(threads.map(lambda _: idp.tokens(client), range(10)))
    assert len({claims(each["AccessToken"])["origin_jti"] for each in done}) == 10
