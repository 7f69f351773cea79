"""How much there is of everything, and that it adds up."""

import re

import pytest
from conftest import NESTED, ROOT, expanded, source

SIZES = source("template.yaml")["Mappings"]["Sizes"]


def read(path, pattern):
    """A number that the code says."""
    return int(re.search(pattern, (ROOT / path).read_text()).group(1))


# Connections that one sandbox of a function holds; the projector has a second one for the next
# generation while there is one, and a migration waits on one while it works on another.
POOLS = {
    "Projector": read("functions/projector/src/main.rs", r"database::connections\((\d+)\)") + 1,
    "Query": read("functions/query/src/settings.rs", r"MOST_CONNECTIONS: u32 = (\d+);"),
}
MIGRATIONS = 2

# Amazon Aurora User Guide, "Maximum connections for Aurora Serverless v2", PostgreSQL: what the
# largest capacity allows. Below an ACU of 1, or with a minimum of 0.5 or less, 2,000 is the most.
MOST_CONNECTIONS = {1: 189, 4: 823, 8: 1669, 16: 3360, 32: 5000, 64: 5000, 128: 5000, 256: 5000}

# An account's usual limit, of which Lambda keeps 100 for functions without a reservation.
ACCOUNT = 1000 - 100


def connections(size):
    return sum(size[function] * pool for function, pool in POOLS.items()) + MIGRATIONS


def database_takes(size):
    largest = float(size["MaxCapacity"])
    most = max(count for capacity, count in MOST_CONNECTIONS.items() if capacity <= largest)
    return min(most, 2000) if float(size["MinCapacity"]) <= 0.5 else most


@pytest.mark.parametrize("name", SIZES)
def test_all_sandboxes_together_stay_below_what_the_database_takes(name):
    assert connections(SIZES[name]) <= 0.8 * database_takes(SIZES[name])


@pytest.mark.parametrize("name", SIZES)
def test_the_alarm_for_connections_comes_at_four_fifths_of_the_plan(name):
    size = SIZES[name]
    on_the_reader = size["Query"] * POOLS["Query"] if size["Reader"] == "true" else 0
    assert size["ReaderConnectionAlarm"] == int(0.8 * on_the_reader)
    assert size["WriterConnectionAlarm"] == int(0.8 * (connections(size) - on_the_reader))


def test_whoever_names_a_capacity_names_one_with_room_for_all_connections():
    rules = source("template.yaml")["Rules"]
    (rule,) = rules["ProductionHasRoomForItsConnections"]["Assertions"]
    (contains,) = rule["Assert"]["Fn::Not"]
    too_small, parameter = contains["Fn::Contains"]
    assert parameter == {"Ref": "DatabaseMaxCapacity"}
    for name, size in SIZES.items():
        # an overridden minimum of half a unit or less halves nothing below 2,000
        fits = [c for c in MOST_CONNECTIONS if connections(size) <= 0.8 * min(2000, MOST_CONNECTIONS[c])]
        refused = {float(capacity) for capacity in too_small} if name == "production" else set()
        halves = {half / 2 for half in range(2, 512)}
        assert {half for half in halves if half < min(fits)} == refused, name


@pytest.mark.parametrize("name", SIZES)
def test_the_reservations_leave_the_rest_of_the_account_its_share(name):
    reserved = sum(SIZES[name][function] for function in ("Command", "Projector", "Query"))
    assert reserved + MIGRATIONS <= ACCOUNT


def test_every_size_says_everything():
    assert len({frozenset(size) for size in SIZES.values()}) == 1


def test_every_function_has_a_reservation_and_none_takes_another_ones():
    for name, resource in expanded()["Resources"].items():
        if resource["Type"] == "AWS::Lambda::Function":
            assert "ReservedConcurrentExecutions" in resource["Properties"], name


@pytest.mark.parametrize("path", NESTED)
def test_a_nested_stack_gets_exactly_what_it_asks_for(path):
    given = source("template.yaml")["Resources"][NESTED[path]]["Properties"].get("Parameters", {})
    assert set(given) == set(expanded(path).get("Parameters", {}))


def test_what_is_taken_from_a_nested_stack_is_there():
    outputs = {name: set(expanded(path)["Outputs"]) for path, name in NESTED.items() if "Outputs" in expanded(path)}
    for stack, output in taken(expanded()):
        assert output in outputs[stack], f"{stack} has no output {output}"


def taken(node):
    """All `!GetAtt Stack.Outputs.Name` below a node."""
    if isinstance(node, dict):
        attribute = node.get("Fn::GetAtt")
        path = attribute if isinstance(attribute, str) else ".".join(attribute or [])
        if ".Outputs." in path:
            stack, _, output = path.split(".")
            yield stack, output
        for value in node.values():
            yield from taken(value)
    elif isinstance(node, list):
        for value in node:
            yield from taken(value)
