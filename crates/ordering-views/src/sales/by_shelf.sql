-- What was sold and what came back, a row a department or a category.
--
-- A sale counts when its order was placed, a refund when the goods came back; so a bucket may
-- have refunds and no sale. Orders that are cancelled now count as nothing. An order counts once in
-- each bucket that it has a line of. Units and gross are as bought, whatever came back later.
--
-- {shelf} is the bucket of a product `p`.
with sold as (
    select bucket, count(*) as orders, sum(units) as units, sum(gross_cents) as gross_cents
    from (
        select {shelf} as bucket, sum(l.quantity) as units, sum(l.total_cents) as gross_cents
        from order_history o
        join order_line l on l.order_id = o.id
        left join product p on p.sku = l.sku
        where o.status <> 'cancelled'
            and o.placed_at >= coalesce($1::timestamptz, '-infinity')
            and o.placed_at < coalesce($2::timestamptz, 'infinity')
        group by bucket, o.id
    ) by_order
    group by bucket
), returned as (
    select {shelf} as bucket, sum(r.refund_cents) as refund_cents
    from order_refund r
    join order_history o on o.id = r.order_id
    left join product p on p.sku = r.sku
    where o.status <> 'cancelled'
        and r.returned_at >= coalesce($1::timestamptz, '-infinity')
        and r.returned_at < coalesce($2::timestamptz, 'infinity')
    group by bucket
), summed as (
    select bucket, coalesce(orders, 0) as orders, coalesce(units, 0) as units,
        coalesce(gross_cents, 0) as gross_cents, coalesce(refund_cents, 0) as refund_cents
    from sold full join returned using (bucket)
)
-- Sums are exact; beyond 64 bits they are cut on the way out.
select bucket, orders,
    least(units, 9223372036854775807)::bigint as units,
    least(gross_cents, 9223372036854775807)::bigint as gross_cents,
    least(refund_cents, 9223372036854775807)::bigint as refund_cents,
    greatest(least(gross_cents - refund_cents, 9223372036854775807), -9223372036854775808)::bigint
        as net_cents
from summed
order by bucket collate "C"
