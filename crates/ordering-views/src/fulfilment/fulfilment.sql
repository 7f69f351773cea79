-- How long orders take, a row a step of their way.
--
-- Counted are orders placed in the period that are not cancelled now and whose time at both ends
-- of the step is known: an imported order says how far it had come and not when. Percentiles are
-- by nearest rank, so each is the time of an order and none is in between.
with took as (
    select date_part('epoch', paid_at - placed_at) as to_paid,
        date_part('epoch', shipped_at - paid_at) as to_shipped,
        date_part('epoch', delivered_at - shipped_at) as to_delivered
    from order_history
    where status <> 'cancelled'
        and placed_at >= coalesce($1::timestamptz, '-infinity')
        and placed_at < coalesce($2::timestamptz, 'infinity')
), ranked as (
    select count(to_paid) as paid, count(to_shipped) as shipped, count(to_delivered) as delivered,
        percentile_disc(array[0.5, 0.9, 0.99]) within group (order by to_paid) as to_paid,
        percentile_disc(array[0.5, 0.9, 0.99]) within group (order by to_shipped) as to_shipped,
        percentile_disc(array[0.5, 0.9, 0.99]) within group (order by to_delivered) as to_delivered
    from took
)
select s.step, s.orders, s.seconds[1] as p50_seconds, s.seconds[2] as p90_seconds,
    s.seconds[3] as p99_seconds
from ranked
cross join lateral (
    values (1, 'placed-to-paid', paid, to_paid), (2, 'paid-to-shipped', shipped, to_shipped),
        (3, 'shipped-to-delivered', delivered, to_delivered)
) as s (place, step, orders, seconds)
where s.orders > 0
order by s.place
