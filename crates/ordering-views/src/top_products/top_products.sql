-- The products that brought in most, a row a product: the first rows of the sales report by
-- product, sorted by what is left after refunds.
--
-- A sale counts when its order was placed, a refund when the goods came back; orders that are
-- cancelled now count as nothing. Units are as bought, whatever came back later.
with sold as (
    select l.sku, sum(l.quantity) as units, sum(l.total_cents) as gross_cents
    from order_history o
    join order_line l on l.order_id = o.id
    where o.status <> 'cancelled'
        and o.placed_at >= coalesce($1::timestamptz, '-infinity')
        and o.placed_at < coalesce($2::timestamptz, 'infinity')
    group by l.sku
), returned as (
    select r.sku, sum(r.refund_cents) as refund_cents
    from order_refund r
    join order_history o on o.id = r.order_id
    where o.status <> 'cancelled'
        and r.returned_at >= coalesce($1::timestamptz, '-infinity')
        and r.returned_at < coalesce($2::timestamptz, 'infinity')
    group by r.sku
), top as (
    select sku, coalesce(units, 0) as units,
        coalesce(gross_cents, 0) - coalesce(refund_cents, 0) as net_cents
    from sold full join returned using (sku)
    order by net_cents desc, sku collate "C"
    limit $3
)
-- Sums are exact; beyond 64 bits they are cut on the way out.
select top.sku, p.name as product_name,
    least(top.units, 9223372036854775807)::bigint as units,
    greatest(least(top.net_cents, 9223372036854775807), -9223372036854775808)::bigint as net_cents
from top left join product p on p.sku = top.sku
order by top.net_cents desc, top.sku collate "C"
