-- What else is in the orders that a product is in, a row a product; of all time.
--
-- An order counts once for a product, on however many lines it has it, and whatever came back
-- later; orders that are cancelled now count as nothing.
--
-- support: orders with both, of all orders. confidence: of the orders with the one that was asked
-- for. lift: confidence over the other's share of all orders; 1 when they are independent.
with with_it as materialized (
    select distinct o.id
    from order_line l
    join order_history o on o.id = l.order_id
    where l.sku = $1 and o.status <> 'cancelled'
), together as (
    select sku, count(*) as orders
    from (
        select distinct l.sku, l.order_id
        from with_it join order_line l on l.order_id = with_it.id
        where l.sku <> $1
    ) once
    group by sku
    order by orders desc, sku collate "C"
    limit $2
), counted as (
    select (select count(*) from order_history where status <> 'cancelled')::float8 as all_orders,
        (select count(*) from with_it)::float8 as with_it
)
select t.sku, p.name as product_name, t.orders,
    t.orders / c.all_orders as support,
    t.orders / c.with_it as confidence,
    t.orders * c.all_orders / (c.with_it * other.orders) as lift
from together t
cross join counted c
cross join lateral (
    select count(distinct o.id) as orders
    from order_line l
    join order_history o on o.id = l.order_id
    where l.sku = t.sku and o.status <> 'cancelled'
) other
left join product p on p.sku = t.sku
order by t.orders desc, t.sku collate "C"
