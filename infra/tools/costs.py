#!/usr/bin/env python3
"""What commands cost on AWS: writes docs/costs.md below its first table, or checks it.

The first table of the page is what DynamoDB bills a command; a test measures that and fails when
a command costs more. What takes time is in BENCHMARKS.md. This script multiplies both with list prices.
`--check` only compares.
"""

import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
PAGE = HOME / "docs" / "costs.md"
BENCHMARKS = (HOME / "BENCHMARKS.md").read_text()
MARK = "<!-- below: infra/tools/costs.py -->"
MILLION = 1_000_000

# us-east-1, on demand, without free tiers and discounts, USD; as of November 2026, from
# aws.amazon.com/{dynamodb/pricing/on-demand,lambda/pricing,api-gateway/pricing,step-functions/pricing,cloudwatch/pricing}
WRITE_UNIT = 0.625 / MILLION
READ_UNIT = 0.125 / MILLION
LAMBDA_REQUEST = 0.20 / MILLION
LAMBDA_GB_SECOND_ARM = 0.0000133334
HTTP_API_REQUEST = 1.00 / MILLION
STATE_TRANSITION = 25.00 / MILLION
LOG_GB = 0.50
ACU_HOUR = 0.12
AURORA_IO = 0.20 / MILLION


def measured(figure):
    """The value of a figure in BENCHMARKS.md."""
    for line in BENCHMARKS.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == figure:
            return float(cells[1].split()[0])
    sys.exit(f"BENCHMARKS.md has no {figure}: run make bench")


MEMORY_GB = 0.5
# Lambda gives a whole core at 1,769 MB. A quarter of a core an ACU: 8 of them are as large as db.r6g.large.
CORES = MEMORY_GB * 1024 / 1769
CORES_AN_ACU = 0.25
COMMAND_MS = measured("CPU a command, all of it") / 1000 / CORES
# The projector waits for the database, which has twice as long as in the benchmark.
PROJECTED_MS = 2 * 1000 / measured("apply 100")
# Both cores at work, function and database on them.
ROWS_A_CORE = measured("two projectors") / 2
# Published: what DynamoDB takes for a put (p50, alexdebrie).
DYNAMODB_MS = 7.6
PROJECTOR_OVERHEAD_MS = 10.0
LOG_BYTES = 260
BATCH = 10
# Rows and indexes of an order are some 24 KB; Aurora bills a write of its log for each 4 KB.
ORDER_IOS = 2 * 24 / 4

# One order of the baskets: a cart of ten lines, checked out, paid, shipped and delivered.
ORDER = {"open a cart": 1, "put into a cart": 10, "check out 10 lines": 1, "pay": 1, "ship": 1, "deliver": 1}
# Commits that an order leaves: a checkout leaves one for the cart, the order and each product.
COMMITS_PER_ORDER = 1 + 10 + 12 + 3


def bills(page):
    """The first table: name -> (write units, read units)."""
    rows = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 4 and cells[0] not in ("command", "---"):
            rows[cells[0]] = (float(cells[2]), float(cells[3]))
    return rows


def lambda_time(milliseconds):
    return milliseconds / 1000 * MEMORY_GB * LAMBDA_GB_SECOND_ARM


def command(write_units, read_units):
    """The parts of one command, request to commit."""
    return {
        "DynamoDB writes": write_units * WRITE_UNIT,
        "DynamoDB reads": read_units * READ_UNIT,
        "Lambda requests": LAMBDA_REQUEST,
        "Lambda time": lambda_time(COMMAND_MS + DYNAMODB_MS),
    }


def projected(commits, batch=BATCH):
    """Commit to row, Aurora aside; Lambda's reads of a table's stream are free."""
    batches = commits / batch
    return {
        "projector requests": batches * LAMBDA_REQUEST,
        "projector time": lambda_time(batches * PROJECTOR_OVERHEAD_MS + commits * PROJECTED_MS),
        "stream reads": 0.0,
    }


def aurora(commits):
    """What an order more costs; the smallest capacity costs what it costs, see docs/operations.md."""
    acu_seconds = commits / (ROWS_A_CORE * CORES_AN_ACU)
    return {"Aurora, capacity": acu_seconds / 3600 * ACU_HOUR, "Aurora, writes": ORDER_IOS * AURORA_IO}


def workflow():
    """A workflow per command: 10 transitions, 16 writes, 6 reads, 23 Lambda requests."""
    return {
        "state transitions": 10 * STATE_TRANSITION,
        "DynamoDB writes": 16 * WRITE_UNIT,
        "DynamoDB reads": 6 * READ_UNIT,
        "Lambda requests": 23 * LAMBDA_REQUEST,
    }


def table(title, columns):
    """Columns of parts, in USD a million."""
    parts = list(dict.fromkeys(part for column in columns.values() for part in column))
    lines = [f"| {title} | " + " | ".join(columns) + " |", "| --- |" + " ---: |" * len(columns)]
    for part in parts:
        cells = (f"{column[part] * MILLION:.2f}" if part in column else "" for column in columns.values())
        lines.append(f"| {part} | " + " | ".join(cells) + " |")
    sums = (f"**{sum(column.values()) * MILLION:.2f}**" for column in columns.values())
    lines.append("| **sum** | " + " | ".join(sums) + " |")
    return "\n".join(lines)


def added(*columns):
    total = {}
    for column in columns:
        for part, cost in column.items():
            total[part] = total.get(part, 0.0) + cost
    return total


def times(count, column):
    return {part: count * cost for part, cost in column.items()}


def below(rows):
    mean = command(*rows["book stock, mean of 500"])
    single = added(mean, projected(1))
    cold = added(command(*rows["book stock, cold, long stream"]), projected(1))
    orders = added(
        *(times(count, command(*rows[name])) for name, count in ORDER.items()),
        projected(COMMITS_PER_ORDER),
        aurora(COMMITS_PER_ORDER),
    )
    number = sum(ORDER.values())
    front = {"API Gateway": HTTP_API_REQUEST, "logs": LOG_BYTES / 1e9 * LOG_GB}
    with_front = sum(single.values()) + HTTP_API_REQUEST
    assert sum(single.values()) * MILLION < 2 and with_front * MILLION < 2, "2 USD is the limit"
    return f"""
## A million commands, in USD

From request to row, Aurora aside. `warm` is a keyed command on one stream with its share of
snapshots, by the mean over 500 of them; `cold` reads a long stream first, as in a new sandbox.

{table("a million commands on one stream", {"warm": single, "cold": cold, "a workflow per command": workflow()})}

In front of both designs alike: {HTTP_API_REQUEST * MILLION:.2f} for API Gateway's HTTP API and \
{front["logs"] * MILLION:.2f} for a log line of {LOG_BYTES} bytes a
request. With API Gateway, a warm command is at {with_front * MILLION:.2f}.

## A million orders, in USD

An order is {number} commands: a cart of ten lines, checked out, paid, shipped, delivered. They leave
{COMMITS_PER_ORDER} commits.

{table("a million orders", {"Millrace": orders, "a workflow per command": times(number, workflow())})}

## What this rests on

- List prices of us-east-1 on demand, November 2026, without free tiers: {WRITE_UNIT * MILLION:.3f} a million write units,
  {READ_UNIT * MILLION:.3f} a million read units, {LAMBDA_REQUEST * MILLION:.2f} a million Lambda requests, {LAMBDA_GB_SECOND_ARM * MILLION:.4f} a million GB-seconds on arm64,
  {STATE_TRANSITION * MILLION:.2f} a million state transitions. Lambda reads a table's stream for nothing.
- A command takes {COMMAND_MS:.1f} ms of ours (CPU of the whole function, at its share of a core) and {DYNAMODB_MS} ms of waiting for DynamoDB
  (its published p50 for a put), with {MEMORY_GB * 1024:.0f} MB. The projector takes {PROJECTED_MS:.2f} ms a commit
  and {PROJECTOR_OVERHEAD_MS:.0f} ms a batch, and gets {BATCH} commits a batch; were each
  commit a batch of its own, the projector would cost {sum(projected(1, 1).values()) * MILLION:.2f}.
- The workflow is the design that runs 10 state transitions, 16 writes, 6 reads and 23 Lambda requests
  a command; its Lambda time is left out.
- A core of Aurora makes rows of {ROWS_A_CORE:.0f} commits a second, as here, and an ACU ({ACU_HOUR:.2f} an hour) has a quarter of one.
  An order is {ORDER_IOS:.0f} writes of its log, at {AURORA_IO * MILLION:.2f} a million. The smallest capacity costs what it costs, sold or not.
- The times are those of [BENCHMARKS.md](../BENCHMARKS.md), of x86_64 cores. Storage and data transfer are not in here.
"""


def main():
    page = PAGE.read_text()
    kept = page.split(MARK)[0]
    wanted = kept + MARK + "\n" + below(bills(kept))
    if "--check" in sys.argv[1:]:
        if page != wanted:
            sys.exit("docs/costs.md is not what infra/tools/costs.py makes of it: run it without --check")
        return
    PAGE.write_text(wanted)


if __name__ == "__main__":
    main()
