"""Who may do what."""

from conftest import expanded, resources, source

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


def test_a_resource_is_named_wherever_it_has_a_name():
    for name, statement in allowances():
        if "*" in listed(statement["Resource"]):
            nameless = set(listed(statement["Action"]))
            assert nameless <= NAMELESS, f"{name} may {nameless - NAMELESS} on everything"


def test_each_function_has_a_role_of_its_own():
    functions = resources("AWS::Lambda::Function")
    roles = [str(function["Properties"]["Role"]) for _, function in functions]
    assert len(roles) == len(set(roles)) >= 4


def test_only_roles_of_ours_are_used():
    """SAM adds a role and a managed policy where a function names none; the one left is CodeDeploy's."""
    made_by_sam = set(expanded()["Resources"]) - set(source("template.yaml")["Resources"])
    roles = {name for name in made_by_sam if expanded()["Resources"][name]["Type"] == "AWS::IAM::Role"}
    assert roles == {"CodeDeployServiceRole"}
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


def test_nothing_leads_out_of_the_network():
    ways_out = ("AWS::EC2::NatGateway", "AWS::EC2::InternetGateway", "AWS::EC2::Route")
    assert resources(*ways_out) == []
    for name, instance in resources("AWS::RDS::DBInstance"):
        assert instance["Properties"]["PubliclyAccessible"] is False, name
