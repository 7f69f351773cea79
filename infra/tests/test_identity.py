"""What the tokens of the stack's own user pool say."""

from conftest import source

POOL = source("infra/identity.yaml")["Resources"]


def token(groups, attributes):
    """The access token's scopes and claims, as the trigger puts them in."""
    names = {}
    exec(POOL["SayScopes"]["Properties"]["Code"]["ZipFile"], names)
    event = {
        "request": {
            "userAttributes": attributes,
            "groupConfiguration": {"groupsToOverride": groups},
        },
        "response": {},
    }
    answer = names["handler"](event, None)["response"]["claimsAndScopeOverrideDetails"]
    generated = answer["accessTokenGeneration"]
    return generated["scopesToAdd"], generated["claimsToAddOrOverride"]


def test_the_groups_of_a_user_are_the_scopes():
    assert token(["staff", "import", "strangers"], {}) == (["staff", "import"], {})


def test_who_is_in_no_group_shops_as_the_customer_that_they_are():
    claims = {"customer_id": "0a3a0c1a-8916-5c00-8e3e-cf87a4ee0640"}
    attributes = {"custom:customer_id": claims["customer_id"]}
    assert token([], attributes) == (["shop"], claims)
    assert token(None, attributes) == (["shop"], claims)


def test_nobody_makes_themselves_another_customer():
    client = POOL["Client"]["Properties"]
    assert client["WriteAttributes"] == ["email"]
    assert POOL["Users"]["Properties"]["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True
