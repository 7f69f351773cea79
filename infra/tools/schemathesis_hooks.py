"""What Schemathesis cannot find out by itself: what a token and a cursor of this API look like, and
which things there are. tests/openapi.sh says so in its environment."""

import json
import os
import uuid

import schemathesis
from hypothesis import strategies

KNOWN = json.loads(os.environ["KNOWN_THINGS"])

schemathesis.openapi.format("consistency-token", strategies.just(os.environ["KNOWN_TOKEN"]))
schemathesis.openapi.format("cursor", strategies.just(os.environ["KNOWN_CURSOR"]))


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Half of all paths name something that is there: else nearly every answer would be a 404. What is
    no id on purpose stays none."""
    if not path_parameters:
        return path_parameters
    thing = context.operation.path.split("/")[1]
    for name, value in path_parameters.items():
        known = KNOWN.get("products" if name == "sku" else thing)
        place = sum(map(ord, repr(value)))
        if known and place % 2 == 0 and (name != "id" or is_uuid(value)):
            path_parameters[name] = known[place // 2 % len(known)]
    return path_parameters


@schemathesis.hook
def before_call(context, case, kwargs):
    """A cursor belongs to one list, its filters and its sort: with anything else, or in another list,
    it is refused. A `?` that is hidden in a path ends it, as API Gateway cuts it there: that would be a
    request for another route. And a tag is in quotes, which some phases lose."""
    for name, value in (case.path_parameters or {}).items():
        if isinstance(value, str):
            case.path_parameters[name] = value.replace("?", "-").replace("%3F", "-")  # encoded by now
    query, headers = case.query or {}, case.headers or {}
    if "cursor" in query and (len(query) > 1 or case.operation.path != "/orders"):
        del query["cursor"]
    case.body = without_fractions(case.body)
    tag = headers.get("If-Match")
    if tag and tag[0].isdigit():
        headers["If-Match"] = f'"{tag}"'


def without_fractions(body):
    """To JSON Schema 5.0 is an integer. This API wants it written as 5, see docs/api-choices.md."""
    if isinstance(body, float) and body.is_integer():
        return int(body)
    if isinstance(body, dict):
        return {name: without_fractions(value) for name, value in body.items()}
    if isinstance(body, list):
        return [without_fractions(value) for value in body]
    return body


def is_uuid(value):
    try:
        return bool(uuid.UUID(str(value)))
    except ValueError:
        return False
