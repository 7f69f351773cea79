"""The templates, as CloudFormation gets them."""

import functools
import pathlib

import pytest
from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

ROOT = pathlib.Path(__file__).resolve().parents[2]


class NoManagedPolicies:
    """Every role is written out, so none is looked up by name."""

    def load(self):
        return {}


@functools.cache
def source(path):
    return yaml_parse((ROOT / path).read_text())


@functools.cache
def expanded(path="template.yaml"):
    """A template after its transform: what SAM writes for us is tested with what we write."""
    template = yaml_parse((ROOT / path).read_text())
    if "Transform" not in template:
        return template
    # the translator wants code that is uploaded already
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    template["Globals"]["Function"].pop("CodeUri")
    return transform(template, {}, NoManagedPolicies())


NESTED = {
    resource["Properties"]["TemplateURL"]: name
    for name, resource in source("template.yaml")["Resources"].items()
    if resource["Type"] == "AWS::CloudFormation::Stack"
}

ALL = ["template.yaml", *NESTED]


def resources(*kinds):
    """All resources of these kinds in all templates, by template and name."""
    return [
        (f"{path}: {name}", resource)
        for path in ALL
        for name, resource in expanded(path)["Resources"].items()
        if resource["Type"] in kinds
    ]


@pytest.fixture(autouse=True)
def region(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
