-- The rows of the whole year of baskets, made by the database from the lines of `target/year`, as
-- folding 155,368 orders takes a debug build too long. What matters here is how many there are and
-- how they are spread: ids come from a hash, and so does how far an order has come.
insert into customer (id, reference, name, email, registered_at, words, version)
select md5(j ->> 'reference')::uuid, j ->> 'reference', j ->> 'name', j ->> 'email', '2016-12-01',
    lower(j ->> 'name'), 1
from customers;

insert into product (sku, name, department, category, brand, unit_price_cents, stock,
    discontinued, words, version)
select j ->> 'sku', j ->> 'name', j ->> 'department', j ->> 'category', j ->> 'brand',
    (j ->> 'unit_price_cents')::bigint, abs(hashtext(j ->> 'sku')) % 40, false,
    trim(lower(regexp_replace(j ->> 'name', '[^A-Za-z0-9]+', ' ', 'g'))), 1
from products;

create temporary table line as
select md5(o.j ->> 'reference')::uuid as order_id, l.line_no, l.line ->> 'sku' as sku,
    (l.line ->> 'quantity')::bigint as quantity,
    (l.line ->> 'unit_price_cents')::bigint as unit_price_cents
from orders o, jsonb_array_elements(o.j -> 'lines') with ordinality as l (line, line_no);

insert into order_line (order_id, line_no, sku, quantity, returned_quantity, unit_price_cents,
    total_cents)
select order_id, line_no, sku, quantity, 0, unit_price_cents, quantity * unit_price_cents
from line;

-- Of a hundred orders three are cancelled, one each is placed, paid and shipped.
insert into order_history (id, reference, status, customer_id, total_cents, refund_cents, currency,
    placed_at, words, units, repeated_lines, version)
select l.order_id, j ->> 'reference',
    (array['cancelled', 'cancelled', 'cancelled', 'placed', 'paid', 'shipped', 'delivered'])
        [least(abs(hashtext(j ->> 'reference')) % 100, 6) + 1],
    md5(j ->> 'customer')::uuid, l.total_cents, 0, 'USD', (j ->> 'placed_at')::timestamptz,
    replace(j ->> 'reference', '-', ' '), l.units, 0, 1
from orders o
join (
    select order_id, sum(quantity * unit_price_cents) as total_cents, sum(quantity) as units
    from line group by order_id
) l on l.order_id = md5(o.j ->> 'reference')::uuid;

insert into product_sales (sku, units)
select l.sku, sum(l.quantity)
from order_line l join order_history o on o.id = l.order_id
where o.status <> 'cancelled'
group by l.sku;
