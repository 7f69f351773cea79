-- What was sold and what came back, a row a bucket of whole orders: a time or a customer.
--
-- A sale counts when its order was placed, a refund when the goods came back; so a bucket may
-- have refunds and no sale. Orders that are cancelled now count as nothing. `orders` are those
-- placed in the bucket. Units and gross are as bought, whatever came back later.
--
-- An order's total is the sum of its lines, so lines are read only of orders that do not say how
-- many pieces they have, and those are looked for only where there are any.
--
-- {sold} and {returned} are the bucket of an order `o`, by the order's or the return's time; {label}
-- is how a bucket is written.
with sold as (
    select {sold} as bucket, count(*) as orders, sum(o.total_cents) as gross_cents,
        sum(o.units) as units, count(*) - count(o.units) as silent
    from order_history o
    where o.status <> 'cancelled'
        and o.placed_at >= coalesce($1::timestamptz, '-infinity')
        and o.placed_at < coalesce($2::timestamptz, 'infinity')
    group by bucket
), counted as (
    select {sold} as bucket, sum(l.quantity) as units
    from order_history o
    join order_line l on l.order_id = o.id
    where o.units is null and o.status <> 'cancelled'
        and o.placed_at >= coalesce($1::timestamptz, '-infinity')
        and o.placed_at < coalesce($2::timestamptz, 'infinity')
        and (select sum(silent) from sold) > 0
    group by bucket
), returned as (
    select {returned} as bucket, sum(r.refund_cents) as refund_cents
    from order_refund r
    join order_history o on o.id = r.order_id
    where o.status <> 'cancelled'
        and r.returned_at >= coalesce($1::timestamptz, '-infinity')
        and r.returned_at < coalesce($2::timestamptz, 'infinity')
    group by bucket
), summed as (
    select bucket, coalesce(orders, 0) as orders,
        coalesce(sold.units, 0) + coalesce(counted.units, 0) as units,
        coalesce(gross_cents, 0) as gross_cents, coalesce(refund_cents, 0) as refund_cents
    from sold left join counted using (bucket) full join returned using (bucket)
)
-- Sums are exact; beyond 64 bits they are cut on the way out.
select {label} as bucket, orders,
    least(units, 9223372036854775807)::bigint as units,
    least(gross_cents, 9223372036854775807)::bigint as gross_cents,
    least(refund_cents, 9223372036854775807)::bigint as refund_cents,
    greatest(least(gross_cents - refund_cents, 9223372036854775807), -9223372036854775808)::bigint
        as net_cents
from summed
order by {label} collate "C"
