"""What is between a request and its rows."""

import json
import re

from conftest import ROOT, expanded, resources, source

METHODS = {"get", "post", "put", "delete"}


def api():
    body = expanded()["Resources"]["HttpApi"]["Properties"]["Body"]
    return [
        (path, method, operation)
        for path, operations in body["paths"].items()
        for method, operation in operations.items()
    ]


# The contract says nothing about anybody: who has no token yet reads it first.
PUBLIC = {"/openapi.json", "/docs", "/docs/{file}"}


def test_every_route_asks_for_a_scope_and_only_the_default_for_no_more_than_a_token():
    for path, method, operation in api():
        (tokens,) = operation["security"]
        if path in PUBLIC:
            continue
        assert list(tokens) == ["Tokens"], (path, method)
        if path == "/$default":
            assert tokens["Tokens"] == []
        else:
            assert tokens["Tokens"], f"{method} {path} takes any token"
            assert set(tokens["Tokens"]) <= {"shop", "staff", "analyst", "import"}


def test_the_contract_and_the_template_have_the_same_routes():
    contract = json.loads((ROOT / "docs/openapi.json").read_text())["paths"]
    promised = {(path, method) for path, item in contract.items() for method in item if method in METHODS}
    deployed = {(path, method) for path, method, _ in api() if path != "/$default"}
    assert deployed - {(path, "get") for path in PUBLIC} == promised - {(path, "get") for path in PUBLIC}


def test_commands_go_to_the_command_function_and_questions_to_the_other():
    for path, method, operation in api():
        if path == "/$default":
            continue
        function = "QueryFunction" if method == "get" else "CommandFunction"
        assert method in METHODS
        assert function in str(operation["x-amazon-apigateway-integration"]["uri"]), (method, path)


def test_each_function_is_built_and_answers_by_its_alias():
    functions = source("template.yaml")["Resources"]
    for name, function in functions.items():
        if function["Type"] == "AWS::Serverless::Function":
            binary = function["Metadata"]["BuildProperties"]["Binary"]
            assert (ROOT / "functions" / binary / "src/main.rs").is_file(), name
            assert f"{name}Aliaslive" in expanded()["Resources"], name


def test_the_stream_mapping_says_only_what_the_local_poller_plays():
    """The reader refuses a setting that it does not know; here, that SAM adds none behind its back."""
    reader = (ROOT / "infra/local/src/template/sam.rs").read_text()
    fields = re.search(r"struct StreamEvent \{(.*?)\n\}", reader, re.DOTALL).group(1)
    played = {
        "".join(word.title() for word in field.split("_"))
        for field in re.findall(r"^ {4}_?(\w+):", fields, re.MULTILINE)
    }
    mapping = expanded()["Resources"]["ProjectorFunctionCommits"]["Properties"]
    assert set(mapping) - {"EventSourceArn", "FunctionName", "Tags"} <= played
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == {
        "Fn::GetAtt": ["DiscardedBatches", "Arn"]
    }


def test_the_schema_is_there_before_the_code_that_needs_it():
    for name in ("ProjectorFunction", "QueryFunction"):
        assert expanded()["Resources"][name]["DependsOn"] == ["Schema"] or (
            expanded()["Resources"][name]["DependsOn"] == "Schema"
        )
    version = expanded()["Resources"]["Schema"]["Properties"]["Code"]["Ref"]
    assert version.startswith("MigrateFunctionVersion"), "a new binary must run the migrations"


def test_what_cannot_be_made_again_outlives_the_stack():
    table = expanded()["Resources"]["EventTable"]
    assert table["Properties"]["DeletionProtectionEnabled"] is True
    assert table["Properties"]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    kept = ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::Cognito::UserPool")
    for name, resource in resources(*kept):
        assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain", name
    for name, cluster in resources("AWS::RDS::DBCluster"):
        assert cluster["DeletionPolicy"] == "Snapshot", name


def test_nothing_brings_a_destroyed_key_back():
    keys = expanded()["Resources"]["KeyTable"]["Properties"]
    assert "PointInTimeRecoverySpecification" not in keys
    assert "StreamSpecification" not in keys
    assert keys["DeletionProtectionEnabled"] is True


def test_every_alarm_tells_somebody_and_says_what_it_means():
    alarms = resources("AWS::CloudWatch::Alarm")
    assert len(alarms) >= 24
    manual = (ROOT / "docs/operations.md").read_text()
    for name, alarm in alarms:
        assert alarm["Properties"]["AlarmActions"], name
        assert alarm["Properties"]["AlarmDescription"], name
        assert f"`{name.split(': ')[1]}`" in manual, f"docs/operations.md does not know {name}"


def test_the_dashboard_is_json_and_its_places_do_not_overlap():
    (_, dashboard), = resources("AWS::CloudWatch::Dashboard")
    widgets = json.loads(dashboard["Properties"]["DashboardBody"]["Fn::Sub"])["widgets"]
    taken = set()
    for it in widgets:
        places = {(x, y) for x in range(it["x"], it["x"] + it["width"])
                  for y in range(it["y"], it["y"] + it["height"])}
        assert not places & taken and max(x for x, _ in places) < 24, it
        taken |= places


def test_alarms_and_dashboard_read_the_metrics_that_the_functions_file():
    for name in ("CommandFunction", "ProjectorFunction", "QueryFunction"):
        variables = expanded()["Resources"][name]["Properties"]["Environment"]["Variables"]
        assert variables["METRICS_NAMESPACE"] == {"Fn::Sub": "Millrace/${AWS::StackName}"}, name
    for nested in ("Alarms", "FlowAlarms", "Dashboard"):
        parameters = source("template.yaml")["Resources"][nested]["Properties"]["Parameters"]
        assert str(parameters["MetricsNamespace"]).find("Millrace/${AWS::StackName}") > 0, nested
    ours = [
        alarm["Properties"]
        for page in ("infra/alarms.yaml", "infra/flow-alarms.yaml")
        for alarm in source(page)["Resources"].values()
        if alarm["Type"] == "AWS::CloudWatch::Alarm" and "AWS/" not in str(alarm["Properties"])
    ]
    assert {alarm["MetricName"] for alarm in ours} == {
        "Requests", "FailedBatches", "Quarantined", "Parked", "CommitToVisible", "ProjectionStopped"
    }
    assert all("MetricsNamespace" in str(alarm["Namespace"]) for alarm in ours)
