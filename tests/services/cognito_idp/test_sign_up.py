"""Signing up, codes, forgotten passwords and what users do about themselves, through boto3."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false

from collections.abc import Generator
from typing import Any

import pytest

from tests.services.cognito_idp.pooling import PASSWORD, Idp, attributes, refused, running

MISMATCH = ("CodeMismatchException", "Invalid verification code provided, please try again.")
EXPIRED = ("ExpiredCodeException", "Invalid code provided, please request a code again.")


@pytest.fixture(scope="module")
def idp(tmp_path_factory: pytest.TempPathFactory) -> Generator[Idp]:
    with running(tmp_path_factory.mktemp("idp")) as found:
        yield found


@pytest.fixture
def client(idp: Idp) -> str:
    return idp.client(idp.pool(AutoVerifiedAttributes=["email"]))


def sign_up(idp: Idp, client: str, name: str = "ada", **more: Any) -> Any:
    profile = attributes({"email": f"{name}@example.com"})
    asked = {"Username": name, "Password": PASSWORD, "UserAttributes": profile, **more}
    return idp.anyone.sign_up(ClientId=client, **asked)


def test_a_code_in_the_outbox_confirms_who_signs_up(idp: Idp, client: str) -> None:
    made = sign_up(idp, client)
    assert made["UserConfirmed"] is False
    assert made["CodeDeliveryDetails"] == {
        "Destination": "a***@e***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
    assert (idp.folder / "outbox.jsonl").stat().st_mode & 0o777 == 0o600
    assert idp.sent()[-1]["to"] == "ada@example.com"
    asked = {"ClientId": client, "Username": "ada"}
    wrong = f"{(int(idp.code()) + 1) % 1_000_000:06}"
    assert refused(idp.anyone.confirm_sign_up, **asked, ConfirmationCode=wrong) == MISMATCH
    idp.anyone.confirm_sign_up(**asked, ConfirmationCode=idp.code())
    user = idp.anyone.get_user(AccessToken=idp.tokens(client)["AccessToken"])
    known = {each["Name"]: each["Value"] for each in user["UserAttributes"]}
    assert known["email_verified"] == "true"
    assert known["sub"] == made["UserSub"]
    assert refused(idp.anyone.confirm_sign_up, **asked, ConfirmationCode=idp.code()) == (
        "NotAuthorizedException",
        "User cannot be confirmed. Current status is CONFIRMED",
    )


def test_a_name_is_given_once(idp: Idp, client: str) -> None:
    sign_up(idp, client)
    assert refused(sign_up, idp=idp, client=client) == (
        "UsernameExistsException",
        "User already exists",
    )


def test_a_code_is_guessed_five_times_at_most(idp: Idp, client: str) -> None:
    sign_up(idp, client)
    asked = {"ClientId": client, "Username": "ada"}
    wrong = f"{(int(idp.code()) + 1) % 1_000_000:06}"
    for _ in range(5):
        assert refused(idp.anyone.confirm_sign_up, **asked, ConfirmationCode=wrong) == MISMATCH
    assert refused(idp.anyone.confirm_sign_up, **asked, ConfirmationCode=idp.code()) == (
        "LimitExceededException",
        "Attempt limit exceeded, please try after some time.",
    )
    idp.anyone.resend_confirmation_code(**asked)
    idp.anyone.confirm_sign_up(**asked, ConfirmationCode=idp.code())


def test_a_forgotten_password_is_replaced_with_a_code(idp: Idp, client: str) -> None:
    sign_up(idp, client)
    asked = {"ClientId": client, "Username": "ada"}
    assert refused(idp.anyone.forgot_password, **asked)[0] == "InvalidParameterException"
    idp.anyone.confirm_sign_up(**asked, ConfirmationCode=idp.code())
    sent = idp.anyone.forgot_password(**asked)
    assert sent["CodeDeliveryDetails"]["Destination"] == "a***@e***"
    confirm, fresh = idp.anyone.confirm_forgot_password, "Another-horse-7"
    wrong = f"{(int(idp.code()) + 1) % 1_000_000:06}"
    assert refused(confirm, **asked, ConfirmationCode=wrong, Password=fresh) == MISMATCH
    confirm(**asked, ConfirmationCode=idp.code(), Password=fresh)
    idp.tokens(client, word=fresh)
    assert refused(confirm, **asked, ConfirmationCode=idp.code(), Password=fresh) == EXPIRED
    assert refused(idp.sign_in, client=client)[0] == "NotAuthorizedException"


def test_codes_are_sent_five_times_in_an_hour(idp: Idp, client: str) -> None:
    sign_up(idp, client)
    asked = {"ClientId": client, "Username": "ada"}
    for _ in range(4):
        idp.anyone.resend_confirmation_code(**asked)
    assert refused(idp.anyone.resend_confirmation_code, **asked)[0] == "LimitExceededException"


def test_a_silent_client_seems_to_send_codes_to_strangers_too(idp: Idp) -> None:
    client = idp.client(idp.pool(), PreventUserExistenceErrors="ENABLED")
    asked = {"ClientId": client, "Username": "nobody"}
    before = len(idp.sent())
    assert "CodeDeliveryDetails" in idp.anyone.forgot_password(**asked)
    assert "CodeDeliveryDetails" in idp.anyone.resend_confirmation_code(**asked)
    assert len(idp.sent()) == before
    confirm = idp.anyone.confirm_forgot_password
    assert refused(confirm, **asked, ConfirmationCode="123456", Password=PASSWORD) == EXPIRED


def test_where_an_address_is_the_name_the_user_has_its_sub_for_one(idp: Idp) -> None:
    pool = idp.pool(UsernameAttributes=["email"], AutoVerifiedAttributes=["email"])
    client = idp.client(pool)
    assert refused(sign_up, idp=idp, client=client, Username="ada") == (
        "InvalidParameterException",
        "Username should be an email.",
    )
    made = sign_up(idp, client, Username="ada@example.com")
    assert refused(sign_up, idp=idp, client=client, Username="ada@example.com") == (
        "UsernameExistsException",
        "An account with the given email already exists.",
    )
    asked = {"ClientId": client, "Username": "ada@example.com"}
    idp.anyone.confirm_sign_up(**asked, ConfirmationCode=idp.code())
    token = idp.tokens(client, "ada@example.com")["AccessToken"]
    assert idp.anyone.get_user(AccessToken=token)["Username"] == made["UserSub"]


def test_an_alias_leads_to_one_user_once_it_is_verified(idp: Idp) -> None:
    pool = idp.pool(AliasAttributes=["email"], AutoVerifiedAttributes=["email"])
    client = idp.client(pool)
    profile = attributes({"email": "both@example.com"})
    for name in ("ada", "bob"):
        sign_up(idp, client, name, UserAttributes=profile)
        if name == "ada":
            asked = {"ClientId": client, "Username": name}
            assert refused(idp.sign_in, client=client, name="both@example.com")[0] == (
                "UserNotFoundException"
            )
            idp.anyone.confirm_sign_up(**asked, ConfirmationCode=idp.code())
    idp.tokens(client, "both@example.com")
    asked = {"ClientId": client, "Username": "bob", "ConfirmationCode": idp.code()}
    assert refused(idp.anyone.confirm_sign_up, **asked)[0] == "AliasExistsException"
    idp.anyone.confirm_sign_up(**asked, ForceAliasCreation=True)
    token = idp.tokens(client, "both@example.com")["AccessToken"]
    assert idp.anyone.get_user(AccessToken=token)["Username"] == "bob"


def test_no_name_leads_to_somebody_else_than_before(idp: Idp) -> None:
    pool = idp.pool(AliasAttributes=["preferred_username", "phone_number"])
    client = idp.client(pool)
    idp.user(pool, preferred_username="queen")
    sub = idp.admin.admin_get_user(UserPoolId=pool, Username="ada")["UserAttributes"]
    known = {each["Name"]: each["Value"] for each in sub}
    sign = idp.anyone.sign_up
    for name in ("queen", known["sub"]):
        asked = {"ClientId": client, "Username": name, "Password": PASSWORD}
        assert refused(sign, **asked)[0] == "UsernameExistsException"
    asked = {"ClientId": client, "Username": "+491701234567", "Password": PASSWORD}
    assert refused(sign, **asked)[0] == "InvalidParameterException"
    asked = {"ClientId": client, "Username": "bob", "Password": PASSWORD}
    profile = attributes({"preferred_username": "ada"})
    assert refused(sign, **asked, UserAttributes=profile)[0] == "AliasExistsException"


def test_a_new_address_counts_once_its_code_came_back(idp: Idp) -> None:
    later = {"AttributesRequireVerificationBeforeUpdate": ["email"]}
    pool = idp.pool(AutoVerifiedAttributes=["email"], UserAttributeUpdateSettings=later)
    client = idp.client(pool)
    idp.user(pool, email="old@example.com", email_verified="true")
    token = idp.tokens(client)["AccessToken"]

    def known() -> dict[str, str]:
        user = idp.anyone.get_user(AccessToken=token)
        return {each["Name"]: each["Value"] for each in user["UserAttributes"]}

    told = idp.anyone.update_user_attributes(
        AccessToken=token, UserAttributes=attributes({"email": "new@example.com", "name": "Ada"})
    )
    assert told["CodeDeliveryDetailsList"][0]["Destination"] == "n***@e***"
    assert idp.sent()[-1]["to"] == "new@example.com"
    assert (known()["email"], known()["name"]) == ("old@example.com", "Ada")
    asked = {"AccessToken": token, "AttributeName": "email"}
    idp.anyone.verify_user_attribute(**asked, Code=idp.code())
    assert (known()["email"], known()["email_verified"]) == ("new@example.com", "true")


def test_users_change_what_their_client_may_write_and_delete_themselves(idp: Idp) -> None:
    pool = idp.pool()
    client = idp.client(pool, WriteAttributes=["name"], ReadAttributes=["name"])
    idp.user(pool, email="ada@example.com")
    token = idp.tokens(client)["AccessToken"]
    update = idp.anyone.update_user_attributes
    update(AccessToken=token, UserAttributes=attributes({"name": "Ada"}))
    for name in ("email", "email_verified"):
        asked = {"AccessToken": token, "UserAttributes": attributes({name: "true@x.org"})}
        assert refused(update, **asked) == (
            "NotAuthorizedException",
            "A client attempted to write unauthorized attribute",
        )
    user = idp.anyone.get_user(AccessToken=token)
    assert {each["Name"] for each in user["UserAttributes"]} == {"sub", "name"}
    idp.anyone.delete_user(AccessToken=token)
    assert refused(idp.sign_in, client=client)[0] == "UserNotFoundException"
    assert refused(idp.anyone.get_user, AccessToken=token)[0] == "NotAuthorizedException"


def test_an_invitation_bears_a_temporary_password(idp: Idp) -> None:
    pool = idp.pool(AdminCreateUserConfig={"AllowAdminCreateUserOnly": True})
    client = idp.client(pool)
    assert refused(sign_up, idp=idp, client=client)[1] == (
        "SignUp is not permitted for this user pool"
    )
    idp.admin.admin_create_user(
        UserPoolId=pool,
        Username="ada",
        UserAttributes=attributes({"email": "ada@example.com"}),
        DesiredDeliveryMediums=["EMAIL"],
    )
    message = idp.sent()[-1]
    assert message["subject"] == "Your temporary password"
    word = message["text"].partition("temporary password is ")[2].removesuffix(".")
    assert idp.sign_in(client, word=word)["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
