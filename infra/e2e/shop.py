"""The shop over HTTP: what a caller of the deployed API does and sees."""

import json
import pathlib
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

DATA = pathlib.Path(__file__).resolve().parents[2] / "tests/data/baskets"
VISIBLE_WITHIN_S = 120


class Shop:
    def __init__(self, url, host, issuer):
        self.url, self.host, self.issuer = url, host, issuer

    def ask(self, method, path, body=None, scope="staff", **headers):
        """Status, headers and JSON of one request."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Host": self.host,
                "Content-Type": "application/json",
                **({"Authorization": f"Bearer {self.issuer.token(scope)}"} if scope else {}),
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.headers, refusal.read().decode()

    def command(self, path, body, key, scope):
        status, headers, answer = self.ask("POST", path, body, scope, Idempotency_Key=key)
        assert status in (200, 201), (path, status, answer)
        return answer["id"], headers["Consistency-Token"]

    def load(self, orders):
        """The first so many baskets with their customers and products. Their ids and tokens."""
        baskets = read("orders.ndjson")[:orders]
        skus = {line["sku"] for basket in baskets for line in basket["lines"]}
        products = [product for product in read("products.ndjson") if product["sku"] in skus]
        customers = [it for it in read("customers.ndjson")
                     if it["reference"] in {basket["customer"] for basket in baskets}]
        with ThreadPoolExecutor(8) as workers:
            ids = dict(workers.map(
                lambda it: (it["reference"], self.command("/customers", it, it["reference"], "import")[0]),
                customers,
            ))
            list(workers.map(lambda it: self.command("/products", it, it["sku"], "import"), products))

            def place(basket):
                order = {name: value for name, value in basket.items() if name != "customer"}
                order["customer_id"] = ids[basket["customer"]]
                return self.command("/orders/import", order, basket["reference"], "import")

            placed = list(workers.map(place, baskets))
        return baskets, placed

    def wait_for(self, path, token, scope="staff"):
        """The answer that has seen the write of `token`."""
        deadline = time.monotonic() + VISIBLE_WITHIN_S
        while True:
            status, _, answer = self.ask("GET", path, None, scope, Consistency_Token=token, Prefer="wait=5")
            if status == 200:
                return answer
            assert status == 503 and time.monotonic() < deadline, (path, status, answer)


def read(name):
    return [json.loads(line) for line in (DATA / name).read_text().splitlines()]
