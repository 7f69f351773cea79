#!/usr/bin/env bash
# Holds the running API to docs/openapi.json: Schemathesis makes requests up from it, good and bad
# ones, in chains and alone, and looks at every answer. No 500, no status or header that is not
# described, no body that is not as its schema says; what the schema allows is not malformed.
# Against a stack of its own, with a small shop in it.
set -euo pipefail
cd "$(dirname "$0")/.."

# Examples an operation: with them it takes well under a minute.
readonly EXAMPLES=${EXAMPLES:-10} SEED=${SEED:-1}

for tool in curl python3 schemathesis; do
    if ! command -v "$tool" >/dev/null; then
        echo "tests/openapi.sh needs $tool: run it as \`make openapi\`" >&2
        exit 2
    fi
done

source tests/stack.sh
start_stack

readonly API=http://127.0.0.1:$PORT
TOKEN=$("$STACK" token --scope "shop staff analyst import")

call() {
    local path=$1 && shift
    curl -sS --fail-with-body -H "Authorization: Bearer $TOKEN" \
        -H 'Content-Type: application/json' "$API$path" "$@"
}

# The field of a JSON object that is read from standard input.
field() {
    python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"
}

# Two products, a customer, an open cart, and orders: placed, and old ones for a second page.
for sku in JAM-340 TEA-100; do
    call /products -d "{\"sku\": \"$sku\", \"name\": \"$sku\", \"department\": \"GROCERY\", \"unit_price_cents\": 499}"
    call "/products/$sku/stock" -d '{"received": 100000}'
done >/dev/null
customer=$(call /customers -d '{"name": "Ann Example", "email": "ann@example.com"}' | field id)
new_cart() {
    local cart
    cart=$(call /carts -d "{\"customer_id\": \"$customer\"}" | field id)
    for sku in JAM-340 TEA-100; do
        call "/carts/$cart/items" -d "{\"sku\": \"$sku\", \"quantity\": 2}" >/dev/null
    done
    echo "$cart"
}
orders=()
for _ in 1 2 3; do
    orders+=("$(call "/carts/$(new_cart)/checkout" -d '{}' | field order_id)")
done
for n in 1 2 3; do
    orders+=("$(call /orders/import -d "{\"reference\": \"old-$n\", \"customer_id\": \"$customer\", \"placed_at\": \"2017-01-0${n}T12:00:00Z\", \"lines\": [{\"sku\": \"JAM-340\", \"quantity\": $n, \"unit_price_cents\": 499}]}" | field id)")
done
cart=$(new_cart)

# All of it is in the rows before anything is asked.
KNOWN_TOKEN=$(call /products/JAM-340/stock -d '{"received": 1}' -D - -o /dev/null |
    tr -d '\r' | sed -n 's/^consistency-token: //p')
call "/orders/${orders[-1]}" -H "Consistency-Token: $KNOWN_TOKEN" -H 'Prefer: wait=20' >/dev/null
KNOWN_CURSOR=$(call '/orders?limit=1' | field next_cursor)
KNOWN_THINGS=$(python3 -c 'import json, sys
customer, cart, *orders = sys.argv[1:]
print(json.dumps({
    "products": ["JAM-340", "TEA-100"], "customers": [customer], "carts": [cart], "orders": orders,
    "streams": ["product-JAM-340", f"customer-{customer}", f"cart-{cart}", f"order-{orders[0]}"],
    "docs": ["swagger-ui.css"],
}))' "$customer" "$cart" "${orders[@]}")
export KNOWN_TOKEN KNOWN_CURSOR KNOWN_THINGS

# What an earlier run found would be tried again, also where it was settled since.
rm -rf .schemathesis

# A header that is set for all requests cannot be left out by `missing_required_header`. And
# `negative_data_rejection` counts a checkout without its optional body as a violation.
SCHEMATHESIS_HOOKS=schemathesis_hooks PYTHONPATH=infra/tools \
    schemathesis --config-file infra/tools/schemathesis.toml run docs/openapi.json \
    --url "$API" --header "Authorization: Bearer $TOKEN" --workers 2 --max-examples "$EXAMPLES" \
    --seed "$SEED" --generation-database none --checks all \
    --exclude-checks missing_required_header,negative_data_rejection --continue-on-failure --warnings off
