"""What of the template the emulator lacks, and what stands in its place. All of it is here.

The template is expanded by the same library that AWS uses, so that what SAM writes is deployed with
what we write; then each of `REPLACEMENTS` is applied, and each of `NESTED` to the nested stacks.

Around the template two things are otherwise (`__main__.py`): the roles of the database are there
before the migrations, with a password that stands in for a token of IAM (`prepare_database`), and
CloudFormation deletes the stack at a call of its own, as `sam delete` cannot read the emulator's
URLs of S3 (`Deployment.delete`).
"""

import hashlib
import json
import pathlib
import string

from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

ROOT = pathlib.Path(__file__).resolve().parents[2]


class NoManagedPolicies:
    def load(self):
        return {}


def of_kind(template, kind):
    return {name: it for name, it in template["Resources"].items() if it["Type"] == kind}


def bootstraps_are_built_already(template, given):
    """`sam build` would build them once more: the code is where `make build` has put it."""
    for function in of_kind(template, "AWS::Serverless::Function").values():
        binary = function["Metadata"]["BuildProperties"]["Binary"]
        function["Properties"]["CodeUri"] = str(given["bootstraps"] / binary)
        function["Metadata"] = {}
    template["Globals"]["Function"].pop("CodeUri")


def routes_one_by_one(template, _):
    """The emulator makes no routes from an API's OpenAPI body."""
    api = template["Resources"]["HttpApi"]
    body = api["Properties"].pop("Body")
    api["Properties"].update(Name="millrace", ProtocolType="HTTP")
    api["Properties"].pop("FailOnWarnings", None)
    scheme = body["components"]["securitySchemes"]["Tokens"]["x-amazon-apigateway-authorizer"]
    reference = {"Ref": "HttpApi"}
    template["Resources"]["Tokens"] = {
        "Type": "AWS::ApiGatewayV2::Authorizer",
        "Properties": {
            "ApiId": reference,
            "Name": "Tokens",
            "AuthorizerType": "JWT",
            "IdentitySource": [scheme["identitySource"]],
            "JwtConfiguration": {
                "Issuer": scheme["jwtConfiguration"]["issuer"],
                "Audience": scheme["jwtConfiguration"]["audience"],
            },
        },
    }
    for number, (path, method, operation) in enumerate(
        (path, method, operation)
        for path, operations in body["paths"].items()
        for method, operation in operations.items()
    ):
        template["Resources"][f"Integration{number}"] = {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": reference,
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": operation["x-amazon-apigateway-integration"]["uri"],
                "PayloadFormatVersion": "2.0",
            },
        }
        key = "$default" if path == "/$default" else f"{method.upper()} {path}"
        template["Resources"][f"Route{number}"] = {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": reference,
                "RouteKey": key,
                **authorization(operation),
                "Target": {"Fn::Sub": f"integrations/${{Integration{number}}}"},
            },
        }


def authorization(operation):
    """What a route asks for: a token with a scope, or nothing where the template says `NONE`."""
    for requirement in operation.get("security", []):
        if "Tokens" in requirement:
            return {
                "AuthorizationType": "JWT",
                "AuthorizerId": {"Ref": "Tokens"},
                "AuthorizationScopes": requirement["Tokens"],
            }
    return {"AuthorizationType": "NONE"}


def no_gradual_deployment(template, _):
    """There is no CodeDeploy: an alias moves at once."""
    for name in list(template["Resources"]):
        resource = template["Resources"][name]
        if resource["Type"].startswith("AWS::CodeDeploy::") or name == "CodeDeployServiceRole":
            del template["Resources"][name]
        else:
            resource.pop("UpdatePolicy", None)


def the_local_postgres(template, given):
    """There is no Aurora, no token and no certificate: the functions get a URL of a local Postgres
    each, with the role that they have when deployed."""
    for name, url in given["databases"].items():
        variables = template["Resources"][name]["Properties"]["Environment"]["Variables"]
        for variable in list(variables):
            if variable.startswith("DATABASE_"):
                del variables[variable]
        variables["DATABASE_URL"] = url


def where_dynamodb_is(template, given):
    """On one's own machine the SDK has to be told where AWS is."""
    for function in of_kind(template, "AWS::Lambda::Function").values():
        variables = function["Properties"].setdefault("Environment", {}).setdefault("Variables", {})
        variables["AWS_ENDPOINT_URL"] = given["endpoint"]


def a_key_without_punctuation(template, _):
    """The emulator knows which characters to leave out, but not that punctuation is among them."""
    secret = template["Resources"]["CursorKey"]["Properties"]["GenerateSecretString"]
    secret["ExcludeCharacters"] = string.punctuation


def an_issuer_without_tls(template, given):
    """The tokens come from a process of the test, which has no certificate."""
    template["Parameters"]["JwtIssuer"].pop("AllowedPattern")
    template["Parameters"]["JwtIssuer"]["Default"] = given["issuer"]


def no_arithmetic_of_metrics(template, _):
    """An alarm is on one metric, not on an expression of several."""
    for name, alarm in of_kind(template, "AWS::CloudWatch::Alarm").items():
        if "Metrics" in alarm["Properties"]:
            del template["Resources"][name]


BEFORE = [bootstraps_are_built_already]
REPLACEMENTS = [
    routes_one_by_one,
    no_gradual_deployment,
    the_local_postgres,
    where_dynamodb_is,
    a_key_without_punctuation,
    an_issuer_without_tls,
]
# In each nested stack.
NESTED = [no_arithmetic_of_metrics]


def deployable(given):
    """The template for the emulator, as text."""
    template = yaml_parse((ROOT / "template.yaml").read_text())
    for replace in BEFORE:
        replace(template, given)
    # the translator takes uploaded code only
    code = {}
    for name, function in of_kind(template, "AWS::Serverless::Function").items():
        code[name] = function["Properties"]["CodeUri"]
        digest = hashlib.sha256((pathlib.Path(code[name]) / "bootstrap").read_bytes()).hexdigest()
        function["Properties"]["CodeUri"] = f"s3://{name}/{digest}"
    template = transform(template, {}, NoManagedPolicies())
    for name, path in code.items():
        template["Resources"][name]["Properties"]["Code"] = path
    for name, nested in of_kind(template, "AWS::CloudFormation::Stack").items():
        page = yaml_parse((ROOT / nested["Properties"]["TemplateURL"]).read_text())
        for replace in NESTED:
            replace(page, given)
        path = given["folder"] / f"{name}.json"
        path.write_text(json.dumps(page, indent=1))
        nested["Properties"]["TemplateURL"] = str(path)
    for replace in REPLACEMENTS:
        replace(template, given)
    return template
