"""What other services get: docs/events.md is the contract, samples/commit.json its pinned form."""

import json
import re

from conftest import ROOT, source

PIPE = source("infra/publishing.yaml")["Resources"]["Pipe"]["Properties"]
STREAM = json.loads((ROOT / "tests/events/stream.json").read_text())["Records"][0]
SAMPLE = json.loads((ROOT / "infra/tests/samples/commit.json").read_text())


def rendered(record):
    """As EventBridge Pipes fills a template in: a text, as it is, in quotes, a list without them."""

    def at(match):
        quote, path = match.groups()
        value = record
        for name in path.split("."):
            value = value[name]
        assert isinstance(value, str) == bool(quote), f"{path} is quoted, or is not, and should be otherwise"
        return f'"{value}"' if quote else json.dumps(value)

    template = PIPE["TargetParameters"]["InputTemplate"]
    return json.loads(re.sub(r"(\"?)<\$\.([\w.]+)>\1", at, template))


def pattern():
    (one,) = PIPE["SourceParameters"]["FilterCriteria"]["Filters"]
    return json.loads(one["Pattern"])


def test_a_published_commit_has_the_pinned_form():
    assert rendered(STREAM) == SAMPLE


def test_the_contract_shows_the_pinned_sample():
    blocks = re.findall(r"```json\n(.*?)```", (ROOT / "docs/events.md").read_text(), re.DOTALL)
    assert SAMPLE in [json.loads(block).get("detail") for block in blocks]


def test_neither_the_caller_nor_the_request_is_published():
    template = PIPE["TargetParameters"]["InputTemplate"]
    for inside in ("actor", "request", "command_id"):
        assert inside not in template


def test_no_event_that_names_a_person_is_published():
    prefixes = [it["prefix"] for it in pattern()["dynamodb"]["Keys"]["stream"]["S"]]
    assert prefixes == ["cart-", "order-", "product-"]


def test_only_new_commits_are_published():
    assert pattern()["eventName"] == ["INSERT"]
    assert pattern()["dynamodb"]["NewImage"]["kind"]["S"] == ["commit"]
