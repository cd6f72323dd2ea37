"""Pools, clients, groups, resource servers and domains through boto3."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false

from collections.abc import Generator

import pytest

from tests.services.cognito_idp.pooling import PASSWORD, Idp, refused, running

ARN = "arn:aws:lambda:eu-west-1:000000000000:function:f"


@pytest.fixture(scope="module")
def idp(tmp_path_factory: pytest.TempPathFactory) -> Generator[Idp]:
    with running(tmp_path_factory.mktemp("idp")) as found:
        yield found


def test_a_pool_is_described_as_it_was_made(idp: Idp) -> None:
    made = idp.admin.create_user_pool(
        PoolName="pets",
        Policies={"PasswordPolicy": {"MinimumLength": 10, "RequireNumbers": True}},
        Schema=[
            {"Name": "email", "Required": True, "Mutable": True},
            {
                "Name": "team",
                "AttributeDataType": "String",
                "StringAttributeConstraints": {"MaxLength": "9"},
            },
        ],
        UsernameConfiguration={"CaseSensitive": False},
        UserPoolTags={"team": "pets"},
    )["UserPool"]
    found = idp.admin.describe_user_pool(UserPoolId=made["Id"])["UserPool"]
    assert found["Arn"] == f"arn:aws:cognito-idp:eu-west-1:000000000000:userpool/{made['Id']}"
    policy = found["Policies"]["PasswordPolicy"]
    assert policy["MinimumLength"] == 10
    assert (policy["RequireNumbers"], policy["RequireSymbols"]) == (True, False)
    schema = {each["Name"]: each for each in found["SchemaAttributes"]}
    assert schema["email"]["Required"] is True
    assert schema["custom:team"]["StringAttributeConstraints"] == {"MaxLength": "9"}
    assert len(schema) == 21
    assert found["UsernameConfiguration"] == {"CaseSensitive": False}
    assert not {"keys", "sealed", "mfa"} & found.keys()
    listed = idp.admin.list_user_pools(MaxResults=60)["UserPools"]
    assert made["Id"] in [each["Id"] for each in listed]
    idp.admin.delete_user_pool(UserPoolId=made["Id"])
    assert refused(idp.admin.describe_user_pool, UserPoolId=made["Id"]) == (
        "ResourceNotFoundException",
        f"User pool {made['Id']} does not exist.",
    )


@pytest.mark.parametrize(
    "option",
    [
        {"DeviceConfiguration": {"ChallengeRequiredOnNewDevice": True}},
        {"LambdaConfig": {"CustomSMSSender": {"LambdaVersion": "V1_0", "LambdaArn": ARN}}},
        {"LambdaConfig": {"KMSKeyID": "arn:aws:kms:eu-west-1:000000000000:key/a"}},
        {"UserPoolAddOns": {"AdvancedSecurityMode": "ENFORCED"}},
        {"Policies": {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"]}}},
        {"MfaConfiguration": "ON"},
        {"AliasAttributes": ["email"], "UsernameAttributes": ["email"]},
        {"VerificationMessageTemplate": {"DefaultEmailOption": "CONFIRM_WITH_LINK"}},
    ],
)
def test_what_a_pool_cannot_do_is_refused_by_name(idp: Idp, option: dict[str, object]) -> None:
    code, _ = refused(idp.admin.create_user_pool, PoolName="pets", **option)
    assert code == "InvalidParameterException"


def test_a_protected_pool_is_not_deleted(idp: Idp) -> None:
    pool = idp.pool(DeletionProtection="ACTIVE")
    assert refused(idp.admin.delete_user_pool, UserPoolId=pool)[0] == "InvalidParameterException"
    idp.admin.update_user_pool(UserPoolId=pool, DeletionProtection="INACTIVE")
    idp.admin.delete_user_pool(UserPoolId=pool)


def test_a_client_is_described_as_it_was_made_and_its_secret_is_kept_sealed(idp: Idp) -> None:
    pool = idp.pool()
    idp.admin.create_resource_server(
        UserPoolId=pool,
        Identifier="pets",
        Name="pets",
        Scopes=[{"ScopeName": "write", "ScopeDescription": "Change pets"}],
    )
    made = idp.admin.create_user_pool_client(
        UserPoolId=pool,
        ClientName="app",
        GenerateSecret=True,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["openid", "pets/write"],
        CallbackURLs=["https://app.example.com/back"],
        AccessTokenValidity=10,
        TokenValidityUnits={"AccessToken": "minutes"},
    )["UserPoolClient"]
    named = {"UserPoolId": pool, "ClientId": made["ClientId"]}
    found = idp.admin.describe_user_pool_client(**named)["UserPoolClient"]
    assert found["ClientSecret"] == made["ClientSecret"]
    assert found["AllowedOAuthScopes"] == ["openid", "pets/write"]
    assert found["ExplicitAuthFlows"] == [
        "ALLOW_CUSTOM_AUTH",
        "ALLOW_REFRESH_TOKEN_AUTH",
        "ALLOW_USER_SRP_AUTH",
    ]
    listed = idp.admin.list_user_pool_clients(UserPoolId=pool)["UserPoolClients"]
    assert listed == [{**named, "ClientName": "app"}]
    idp.admin.delete_user_pool_client(**named)
    assert refused(idp.admin.describe_user_pool_client, **named)[0] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("option", "code"),
    [
        ({"AllowedOAuthFlows": ["code"]}, "InvalidOAuthFlowException"),
        (
            {
                "AllowedOAuthFlows": ["client_credentials"],
                "AllowedOAuthScopes": ["openid"],
                "GenerateSecret": True,
            },
            "InvalidOAuthFlowException",
        ),
        (
            {"AllowedOAuthFlows": ["implicit"], "AllowedOAuthScopes": ["openid"]},
            "InvalidParameterException",
        ),
        (
            {
                "AllowedOAuthFlows": ["code"],
                "AllowedOAuthScopes": ["pets/none"],
                "CallbackURLs": ["https://a.example/"],
            },
            "ScopeDoesNotExistException",
        ),
        ({"CallbackURLs": ["http://app.example.com/"]}, "InvalidParameterException"),
        ({"CallbackURLs": ["javascript:alert(1)"]}, "InvalidParameterException"),
        ({"AccessTokenValidity": 25}, "InvalidParameterException"),
        (
            {"ExplicitAuthFlows": ["ALLOW_USER_AUTH", "USER_PASSWORD_AUTH"]},
            "InvalidParameterException",
        ),
        ({"ReadAttributes": ["custom:none"]}, "InvalidParameterException"),
    ],
)
def test_settings_that_make_no_sense_for_a_client_are_refused(
    idp: Idp, option: dict[str, object], code: str
) -> None:
    pool = idp.pool()
    asked = {"UserPoolId": pool, "ClientName": "app", **option}
    assert refused(idp.admin.create_user_pool_client, **asked)[0] == code


def test_groups_are_listed_changed_and_deleted_with_their_memberships(idp: Idp) -> None:
    pool = idp.pool()
    idp.user(pool)
    named = {"UserPoolId": pool, "GroupName": "a/b"}
    idp.admin.create_group(**named, Description="both")
    assert refused(idp.admin.create_group, **named)[0] == "GroupExistsException"
    idp.admin.admin_add_user_to_group(**named, Username="ada")
    users = idp.admin.list_users_in_group(**named)["Users"]
    assert [each["Username"] for each in users] == ["ada"]
    idp.admin.update_group(**named, Precedence=3)
    assert idp.admin.get_group(**named)["Group"]["Precedence"] == 3
    mine = idp.admin.admin_list_groups_for_user(UserPoolId=pool, Username="ada")["Groups"]
    assert [each["GroupName"] for each in mine] == ["a/b"]
    idp.admin.delete_group(**named)
    assert idp.admin.list_groups(UserPoolId=pool)["Groups"] == []
    assert idp.admin.admin_list_groups_for_user(UserPoolId=pool, Username="ada")["Groups"] == []


def test_a_domain_belongs_to_one_pool(idp: Idp) -> None:
    first, second = idp.pool(), idp.pool()
    idp.admin.create_user_pool_domain(UserPoolId=first, Domain="pets-app")
    assert refused(idp.admin.create_user_pool_domain, UserPoolId=second, Domain="pets-app")[0] == (
        "InvalidParameterException"
    )
    found = idp.admin.describe_user_pool_domain(Domain="pets-app")["DomainDescription"]
    assert (found["UserPoolId"], found["Status"]) == (first, "ACTIVE")
    assert idp.admin.describe_user_pool(UserPoolId=first)["UserPool"]["Domain"] == "pets-app"
    assert refused(idp.admin.delete_user_pool, UserPoolId=first)[0] == "InvalidParameterException"
    idp.admin.delete_user_pool_domain(UserPoolId=first, Domain="pets-app")
    assert idp.admin.describe_user_pool_domain(Domain="pets-app")["DomainDescription"] == {}


def test_users_are_found_by_filter_and_page(idp: Idp) -> None:
    pool = idp.pool()
    for name in ("ada", "bob", "carl"):
        idp.admin.admin_create_user(
            UserPoolId=pool,
            Username=name,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "email", "Value": f"{name}@example.com"}],
        )

    def names(**params: object) -> list[str]:
        users = idp.admin.list_users(UserPoolId=pool, **params)["Users"]
        return [each["Username"] for each in users]

    assert names() == ["ada", "bob", "carl"]
    assert names(Filter='email ^= "b"') == ["bob"]
    assert names(Filter='username = "carl"') == ["carl"]
    assert names(Filter='cognito:user_status = "force_change_password"') == ["ada", "bob", "carl"]
    first = idp.admin.list_users(UserPoolId=pool, Limit=2, AttributesToGet=["email"])
    assert [each["Attributes"][0]["Name"] for each in first["Users"]] == ["email", "email"]
    assert names(PaginationToken=first["PaginationToken"]) == ["carl"]
    assert refused(idp.admin.list_users, UserPoolId=pool, Filter='custom:x = "1"')[0] == (
        "InvalidParameterException"
    )


def test_names_are_compared_as_the_pool_says(idp: Idp) -> None:
    exact, folded = idp.pool(), idp.pool(UsernameConfiguration={"CaseSensitive": False})
    for pool in (exact, folded):
        idp.user(pool, "Ada")
    idp.tokens(idp.client(folded), "aDA")
    assert refused(idp.sign_in, client=idp.client(exact), name="ada")[0] == (
        "UserNotFoundException"
    )


def test_attributes_hold_to_the_schema(idp: Idp) -> None:
    pool = idp.pool(
        Schema=[
            {"Name": "name", "Required": True, "Mutable": True},
            {"Name": "age", "AttributeDataType": "Number", "Mutable": False},
        ]
    )
    asked = {"UserPoolId": pool, "Username": "ada", "MessageAction": "SUPPRESS"}

    def refusal(**profile: str) -> str:
        given = [{"Name": k.replace("__", ":"), "Value": v} for k, v in profile.items()]
        code, message = refused(idp.admin.admin_create_user, **asked, UserAttributes=given)
        assert code == "InvalidParameterException"
        return message.strip()

    start = "Attributes did not conform to the schema:"
    assert refusal() == f"{start} name: The attribute is required"
    assert refusal(name="Ada", custom__x="1") == (
        f"{start} custom:x: Attribute does not exist in the schema."
    )
    assert refusal(name="Ada", custom__age="ten").startswith(f"{start} custom:age")
    assert refusal(name="Ada", email="nobody") == "Invalid email address format."
    assert refusal(name="Ada", phone_number="0301") == "Invalid phone number format."
    idp.admin.admin_create_user(
        **asked,
        UserAttributes=[{"Name": "name", "Value": "Ada"}, {"Name": "custom:age", "Value": "36"}],
    )
    code, _ = refused(
        idp.admin.admin_update_user_attributes,
        UserPoolId=pool,
        Username="ada",
        UserAttributes=[{"Name": "custom:age", "Value": "37"}],
    )
    assert code == "InvalidParameterException"


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("Ab1-", "Password not long enough"),
        ("abcdefg-1", "Password must have uppercase characters"),
        ("ABCDEFG-1", "Password must have lowercase characters"),
        ("Abcdefg-x", "Password must have numeric characters"),
        ("Abcdefg1x", "Password must have symbol characters"),
    ],
)
def test_passwords_hold_to_the_policy(idp: Idp, word: str, why: str) -> None:
    pool = idp.pool()
    client = idp.client(pool)
    assert refused(idp.anyone.sign_up, ClientId=client, Username="ada", Password=word) == (
        "InvalidPasswordException",
        f"Password did not conform with policy: {why}",
    )


def test_a_password_that_was_used_before_is_refused_where_the_policy_says(idp: Idp) -> None:
    pool = idp.pool(Policies={"PasswordPolicy": {"MinimumLength": 8, "PasswordHistorySize": 2}})
    client = idp.client(pool)
    idp.user(pool)
    token = idp.tokens(client)["AccessToken"]
    change = idp.anyone.change_password
    second = "Correct-horse-8"
    change(PreviousPassword=PASSWORD, ProposedPassword=second, AccessToken=token)
    asked = {"PreviousPassword": second, "ProposedPassword": PASSWORD, "AccessToken": token}
    assert refused(change, **asked)[0] == "PasswordHistoryPolicyViolationException"
    change(PreviousPassword=second, ProposedPassword="Correct-horse-9", AccessToken=token)
    asked["PreviousPassword"] = "Correct-horse-9"
    change(**asked)
