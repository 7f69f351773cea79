"""Who may do what."""

from conftest import ALL, expanded, resources

# What AWS lets nobody restrict to a resource that has a name, each with its place in the manual.
NAMELESS = {
    # Service Authorization Reference, X-Ray: no resource types
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
    # DynamoDB: lists what is there
    "dynamodb:ListStreams",
    # EC2: Lambda makes interfaces that have no names before; our code is denied the same actions
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
}


def listed(value):
    return value if isinstance(value, list) else [value]


def allowances():
    """Every statement of every role that allows something."""
    for name, role in resources("AWS::IAM::Role"):
        for policy in role["Properties"].get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                if statement["Effect"] == "Allow":
                    yield name, statement


def test_no_role_may_do_everything_of_a_kind():
    for name, statement in allowances():
        for action in listed(statement["Action"]):
            assert "*" not in action, f"{name} may {action}"


def test_a_right_is_in_the_role_that_has_it():
    assert resources("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::User") == []


def test_what_everybody_may_is_narrowed():
    """Policies of keys, topics, buckets and endpoints: whoever it is, is told by a condition."""
    for path in ALL:
        for statement in statements(expanded(path)["Resources"]):
            open_to_all = statement.get("Principal") in ("*", {"AWS": "*"})
            if open_to_all and statement["Effect"] == "Allow":
                # AWS's own buckets, to which CloudFormation signs the URL
                answers = "cloudformation-custom-resource-response" in str(statement["Resource"])
                assert answers or "Account" in str(statement.get("Condition")), statement


def statements(node):
    """All statements of all policies below a node."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        if key == "Statement":
            yield from listed(child)
        yield from statements(child)


def test_a_resource_is_named_wherever_it_has_a_name():
    for name, statement in allowances():
        if "*" in listed(statement["Resource"]):
            nameless = set(listed(statement["Action"]))
            assert nameless <= NAMELESS, f"{name} may {nameless - NAMELESS} on everything"


def test_each_function_has_a_role_of_its_own():
    functions = resources("AWS::Lambda::Function")
    roles = [str(function["Properties"]["Role"]) for _, function in functions]
    assert len(roles) == len(set(roles)) >= 4


def test_what_a_role_may_do_is_written_out():
    """SAM adds managed policies where a function names no role; the one left is CodeDeploy's."""
    for name, role in resources("AWS::IAM::Role"):
        if not name.endswith("CodeDeployServiceRole"):
            assert "ManagedPolicyArns" not in role["Properties"], name


def test_each_function_logs_in_as_itself():
    users = {
        "ProjectorFunction": "millrace_projector",
        "QueryFunction": "millrace_reader",
        "MigrateFunction": "millrace_owner",
    }
    for name, user in users.items():
        function = expanded()["Resources"][name]["Properties"]
        assert function["Environment"]["Variables"]["DATABASE_USER"] == user
        assert "DATABASE_URL" not in function["Environment"]["Variables"]
    logins = {
        role: [listed(s["Resource"])[0]["Ref"] for n, s in allowances()
               if n.endswith(role) and s["Action"] == "rds-db:connect"]
        for role in ("CommandRole", "ProjectorRole", "QueryRole", "MigrateRole")
    }
    assert logins == {
        "CommandRole": [],
        "ProjectorRole": ["ProjectorLogin"],
        "QueryRole": ["ReaderLogin"],
        "MigrateRole": ["OwnerLogin"],
    }


def test_keys_are_made_by_one_function_and_destroyed_by_another():
    of_the_table = {
        name.split(": ")[1]: set(listed(s["Action"]))
        for name, s in allowances() if s["Resource"] == {"Ref": "KeyTableArn"}
    }
    assert of_the_table == {
        "CommandRole": {"dynamodb:GetItem", "dynamodb:PutItem"},
        "ProjectorRole": {"dynamodb:GetItem", "dynamodb:UpdateItem"},
    }
    of_kms = {
        name.split(": ")[1]: set(listed(s["Action"]))
        for name, s in allowances() if "StringLike" in s.get("Condition", {})
        and s["Condition"]["StringLike"] == {"kms:EncryptionContext:subject": "customer-*"}
    }
    assert of_kms == {"CommandRole": {"kms:Decrypt", "kms:Encrypt"}, "ProjectorRole": {"kms:Decrypt"}}


def test_nothing_leads_out_of_the_network():
    ways_out = ("AWS::EC2::NatGateway", "AWS::EC2::InternetGateway", "AWS::EC2::Route")
    assert resources(*ways_out) == []
    for name, instance in resources("AWS::RDS::DBInstance"):
        assert instance["Properties"]["PubliclyAccessible"] is False, name
