-- What was sold and what came back, a row a product.
--
-- A sale counts when its order was placed, a refund when the goods came back; so a product may
-- have refunds and no sale. Orders that are cancelled now count as nothing. Units and gross are as
-- bought, whatever came back later.
--
-- `orders` are those with the product, each counted once: the lines with it, less those `again`
-- that repeat a product within their order. Few orders have such lines, and say so.
with sold as (
    select l.sku, count(*) as lines, sum(l.quantity) as units, sum(l.total_cents) as gross_cents
    from order_history o
    join order_line l on l.order_id = o.id
    where o.status <> 'cancelled'
        and o.placed_at >= coalesce($1::timestamptz, '-infinity')
        and o.placed_at < coalesce($2::timestamptz, 'infinity')
    group by l.sku
), again as (
    select l.sku, count(*) - count(distinct l.order_id) as lines
    from order_history o
    join order_line l on l.order_id = o.id
    where o.repeated_lines is distinct from 0 and o.status <> 'cancelled'
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
), summed as (
    select sku, coalesce(sold.lines, 0) - coalesce(again.lines, 0) as orders,
        coalesce(units, 0) as units, coalesce(gross_cents, 0) as gross_cents,
        coalesce(refund_cents, 0) as refund_cents
    from sold left join again using (sku) full join returned using (sku)
)
-- Sums are exact; beyond 64 bits they are cut on the way out.
select sku as bucket, orders,
    least(units, 9223372036854775807)::bigint as units,
    least(gross_cents, 9223372036854775807)::bigint as gross_cents,
    least(refund_cents, 9223372036854775807)::bigint as refund_cents,
    greatest(least(gross_cents - refund_cents, 9223372036854775807), -9223372036854775808)::bigint
        as net_cents
from summed
order by sku collate "C"
