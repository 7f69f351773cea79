"""How much there is of everything, and that it adds up."""

import pytest
from conftest import NESTED, expanded, source

SIZES = source("template.yaml")["Mappings"]["Sizes"]

# Connections that one sandbox of a function holds; the projector's second one is for the next
# generation while there is one.
POOLS = {"Projector": 2, "Query": 2}
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
    assert SIZES[name]["ConnectionAlarm"] == int(0.8 * connections(SIZES[name]))


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
