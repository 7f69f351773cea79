-- The customers who left most, a row a customer: the first rows of the sales report by customer,
-- sorted by what is left after refunds.
--
-- An order counts when it was placed, a refund when the goods came back; orders that are
-- cancelled now count as nothing. An order's total is the sum of its lines, so no line is read.
with bought as (
    select o.customer_id, count(*) as orders, sum(o.total_cents) as gross_cents
    from order_history o
    where o.status <> 'cancelled'
        and o.placed_at >= coalesce($1::timestamptz, '-infinity')
        and o.placed_at < coalesce($2::timestamptz, 'infinity')
    group by o.customer_id
), returned as (
    select o.customer_id, sum(r.refund_cents) as refund_cents
    from order_refund r
    join order_history o on o.id = r.order_id
    where o.status <> 'cancelled'
        and r.returned_at >= coalesce($1::timestamptz, '-infinity')
        and r.returned_at < coalesce($2::timestamptz, 'infinity')
    group by o.customer_id
), top as (
    select customer_id, coalesce(orders, 0) as orders,
        coalesce(gross_cents, 0) - coalesce(refund_cents, 0) as net_cents
    from bought full join returned using (customer_id)
    order by net_cents desc, customer_id
    limit $3
)
-- Sums are exact; beyond 64 bits they are cut on the way out.
select top.customer_id, c.name as customer_name, top.orders,
    greatest(least(top.net_cents, 9223372036854775807), -9223372036854775808)::bigint as net_cents
from top left join customer c on c.id = top.customer_id
order by top.net_cents desc, top.customer_id
