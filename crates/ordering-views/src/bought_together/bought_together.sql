-- What else is in the orders that a product is in, a row a product; of all time.
--
-- An order counts once for a product, on however many lines it has it, and whatever came back
-- later; orders that are cancelled now count as nothing. Both are told by the few that they concern:
-- lines are counted without a look at their order, but for those of cancelled orders, and less
-- those that repeat a product.
--
-- support: orders with both, of all orders. confidence: of the orders with the one that was asked
-- for. lift: confidence over the other's share of all orders; 1 when they are independent.
with cancelled as materialized (
    select id from order_history where status = 'cancelled'
), repeated as materialized (
    select l.order_id, l.sku, count(*) - 1 as lines
    from order_history o
    join order_line l on l.order_id = o.id
    where o.repeated_lines is distinct from 0 and o.status <> 'cancelled'
    group by l.order_id, l.sku
    having count(*) > 1
), with_it as materialized (
    select distinct l.order_id
    from order_line l
    where l.sku = $1 and not exists (select from cancelled c where c.id = l.order_id)
), together as materialized (
    select l.sku, count(*) - coalesce(max(again.lines), 0) as orders
    from with_it
    join order_line l on l.order_id = with_it.order_id
    left join (
        select r.sku, sum(r.lines)::bigint as lines
        from repeated r join with_it on with_it.order_id = r.order_id
        group by r.sku
    ) again on again.sku = l.sku
    where l.sku <> $1
    group by l.sku
    order by orders desc, l.sku collate "C"
    limit $2
), bought as (
    select l.sku, count(*) as lines
    from order_line l
    where l.sku = any(array(select sku from together))
        and not exists (select from cancelled c where c.id = l.order_id)
    group by l.sku
), counted as materialized (
    select (select count(*) from order_history where status <> 'cancelled')::float8 as all_orders,
        (select count(*) from with_it)::float8 as with_it
)
select t.sku, p.name as product_name, t.orders,
    t.orders / c.all_orders as support,
    t.orders / c.with_it as confidence,
    t.orders * c.all_orders / (c.with_it * (bought.lines - coalesce(again.lines, 0))) as lift
from together t
join bought on bought.sku = t.sku
left join (
    select sku, sum(lines)::bigint as lines from repeated group by sku
) again on again.sku = t.sku
cross join counted c
left join product p on p.sku = t.sku
order by t.orders desc, t.sku collate "C"
