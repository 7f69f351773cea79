"""Deploys the template to an emulator, sends the baskets' first hundred orders through what runs
there, updates it, and deletes it: `make e2e`."""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
import psycopg2

from emulator import REGION, Emulator
from issuer import Issuer
from replacements import ROOT, deployable
from shop import Shop

STACK = "millrace"
ORDERS = 100
READY_WITHIN_S = 90
ROLES = {
    "ProjectorFunction": "millrace_projector",
    "QueryFunction": "millrace_reader",
    "MigrateFunction": None,  # the owner, who is whoever made the database
}


def step(text):
    print(f"e2e: {text}", flush=True)


class Deployment:
    def __init__(self, folder, emulator, issuer, bootstraps, database_url):
        self.folder, self.emulator, self.issuer = folder, emulator, issuer
        self.bootstraps, self.owner_url = bootstraps, database_url
        self.aws = {
            service: boto3.client(
                service, endpoint_url=emulator.endpoint, region_name=REGION,
                aws_access_key_id="test", aws_secret_access_key="test",
            )
            for service in ("cloudformation", "dynamodb", "lambda", "apigatewayv2", "logs")
        }

    def deploy(self, release, *parameters):
        given = {
            "folder": self.folder,
            "bootstraps": self.bootstraps,
            "endpoint": self.emulator.endpoint,
            "issuer": self.issuer.url,
            "databases": {name: as_role(self.owner_url, role) for name, role in ROLES.items()},
        }
        path = self.folder / f"{release}.json"
        path.write_text(json.dumps(deployable(given), indent=1))
        self.sam("deploy", "--template-file", str(path), "--resolve-s3", "--no-confirm-changeset",
                 "--no-fail-on-empty-changeset", "--capabilities", "CAPABILITY_IAM",
                 "CAPABILITY_AUTO_EXPAND", "--parameter-overrides", *parameters, "Architecture=x86_64")

    def delete(self):
        """`sam delete` would do the same, but does not know the emulator's URLs for S3's."""
        table = self.resources()["EventTable"]["PhysicalResourceId"]
        cloudformation = self.aws["cloudformation"]
        cloudformation.delete_stack(StackName=STACK)
        cloudformation.get_waiter("stack_delete_complete").wait(
            StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
        )
        kept = self.aws["dynamodb"].describe_table(TableName=table)["Table"]
        assert kept["ItemCount"] > ORDERS, "the events outlive the stack"

    def sam(self, *arguments):
        done = subprocess.run(
            ["sam", *arguments, "--stack-name", STACK, "--region", REGION],
            env=self.emulator.environment, cwd=self.folder, capture_output=True, text=True, check=False,
        )
        assert done.returncode == 0, f"sam {arguments[0]}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}\n{self.failures()}"

    def failures(self):
        """What went wrong, in the words of the stack and those that it nests."""
        cloudformation = self.aws["cloudformation"]
        stacks = cloudformation.describe_stacks()["Stacks"]
        events = [
            event
            for stack in stacks
            for event in cloudformation.describe_stack_events(StackName=stack["StackId"])["StackEvents"]
        ]
        return "\n".join(
            f"{it['LogicalResourceId']} {it['ResourceStatus']}: {it.get('ResourceStatusReason')}"
            for it in events
            if "FAILED" in it["ResourceStatus"] or "ROLLBACK" in it["ResourceStatus"]
        )

    def resources(self):
        pages = self.aws["cloudformation"].get_paginator("list_stack_resources").paginate(StackName=STACK)
        return {it["LogicalResourceId"]: it for page in pages for it in page["StackResourceSummaries"]}

    def shop(self):
        api = self.resources()["HttpApi"]["PhysicalResourceId"]
        host = f"{api}.execute-api.localhost:{self.emulator.port}"
        return Shop(self.emulator.endpoint, host, self.issuer)


def as_role(url, role):
    """The URL of the read model's database as that role, with the same password."""
    url = re.sub(r"/postgres(\?|$)", r"/millrace\1", url)
    return re.sub(r"//[^:]+:", f"//{role}:", url) if role else url


def prepare_database(url):
    """The database that Aurora's cluster comes with. The roles are made by the migrations; here they
    get the password that stands in for a token."""
    password = re.search(r"//[^:]+:([^@]+)@", url).group(1)
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("create database millrace")
        for role in filter(None, ROLES.values()):
            cursor.execute(f"create role {role} login password %s", (password,))
    connection.close()


def rows(url, question):
    with psycopg2.connect(as_role(url, None)) as connection, connection.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchone()[0]


def traffic(shop):
    """A hundred orders over HTTP, seen in the queries."""
    baskets, placed = shop.load(ORDERS)
    with ThreadPoolExecutor(8) as workers:
        seen = list(workers.map(lambda it: shop.wait_for(f"/orders/{it[0]}", it[1]), placed))
    for basket, order in zip(baskets, seen):
        expected = sum(line["quantity"] * line["unit_price_cents"] for line in basket["lines"])
        assert (order["reference"], order["total_cents"]) == (basket["reference"], expected)
    status, _, page = shop.ask("GET", "/orders?limit=100", scope="analyst")
    assert status == 200 and len(page["items"]) == ORDERS, (status, page)
    return placed


def logs_tell_of_nobody(deployment):
    """What the functions have logged so far: something, and no address, name or token."""
    logs = deployment.aws["logs"]
    told = [
        event["message"]
        for page in logs.get_paginator("describe_log_groups").paginate()
        for group in page["logGroups"]
        for events in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        for event in events["events"]
    ]
    assert told, "nobody has logged anything"
    for line in told:
        secret = re.search(r"[\w.]+@[\w.]+\.\w+|Household|eyJ\w{10}|password", line)
        assert not secret, line


def doors_are_closed(shop):
    assert shop.ask("GET", "/orders", scope=None)[0] == 401
    assert shop.ask("POST", "/orders/import", {}, scope="staff")[0] == 403
    assert shop.ask("GET", "/reports/sales", scope="shop")[0] == 403
    status, headers, answer = shop.ask("GET", "/nowhere")
    assert (status, headers["Content-Type"]) == (404, "application/problem+json"), (status, answer)


def next_release(folder, bootstraps, migrate):
    """The bootstraps of a release with one migration more, and a query function of other bytes."""
    after = folder / "bootstraps"
    shutil.copytree(bootstraps, after)
    shutil.copy(migrate, after / "migrate" / "bootstrap")
    with (after / "query" / "bootstrap").open("ab") as query:
        query.write(b"\0")  # behind the end of the program
    return after


def update(deployment, shop, placed):
    """A changed function and a new migration, while queries go on."""
    before = set(deployment.resources())
    with ThreadPoolExecutor(1) as background:
        deploying = background.submit(deployment.deploy, "next", "Size=dev")
        asked = 0
        while not deploying.done():
            identity, token = placed[asked % len(placed)]
            status, _, answer = shop.ask("GET", f"/orders/{identity}", Consistency_Token=token)
            assert status == 200, f"during the update: {status} {answer}"
            asked += 1
        deploying.result()
    versions = {re.sub("Version.*", "", name) for name in set(deployment.resources()) - before}
    assert versions == {"MigrateFunction", "QueryFunction"}, versions
    applied = "select count(*) from _sqlx_migrations where version = 9999 and success"
    assert rows(deployment.owner_url, applied) == 1
    return asked


def the_largest(deployment):
    """The stack anew, of the largest size and with a bus for others, on the same rows. (The emulator
    does not get from one size to another: it cannot update a role.)"""
    deployment.deploy("large", "Size=production", "PublishEvents=true")
    assert deployment.resources()["Publishing"]["ResourceStatus"] == "CREATE_COMPLETE"
    doors_are_closed(deployment.shop())


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--bootstraps", type=pathlib.Path, required=True)
    arguments.add_argument("--next-migrate", type=pathlib.Path, required=True)
    arguments.add_argument("--ministack", type=pathlib.Path, required=True)
    given = arguments.parse_args()
    database_url = os.environ["TEST_POSTGRES_URL"]
    os.environ["AWS_DEFAULT_REGION"] = REGION  # SAM's translator looks there
    folder = pathlib.Path(tempfile.mkdtemp(prefix="millrace-e2e-"))
    emulator, issuer = Emulator(folder, given.ministack), Issuer()
    started = time.monotonic()
    try:
        emulator.wait_until_ready(started + READY_WITHIN_S)
        prepare_database(database_url)
        deployment = Deployment(folder, emulator, issuer, given.bootstraps.resolve(), database_url)
        deployment.deploy("first", "Size=dev")
        step(f"deployed {len(deployment.resources())} resources after {time.monotonic() - started:.0f} s")
        shop = deployment.shop()
        doors_are_closed(shop)
        placed = traffic(shop)
        step(f"{ORDERS} orders placed and seen after {time.monotonic() - started:.0f} s")
        deployment.bootstraps = next_release(folder, deployment.bootstraps, given.next_migrate)
        asked = update(deployment, shop, placed)
        step(f"updated under {asked} queries after {time.monotonic() - started:.0f} s")
        logs_tell_of_nobody(deployment)
        deployment.delete()
        step(f"deleted after {time.monotonic() - started:.0f} s")
        the_largest(deployment)
        step(f"deployed once more, as production, after {time.monotonic() - started:.0f} s")
    except BaseException:
        print(emulator.log.read_text()[-6000:])
        raise
    finally:
        emulator.stop()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
