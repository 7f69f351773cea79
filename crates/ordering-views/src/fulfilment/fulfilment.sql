-- How long orders take, a row a step of their way.
--
-- Counted are orders placed in the period that are not cancelled now and whose time at both ends
-- of the step is known: an imported order says how far it had come and not when. Percentiles are
-- by nearest rank, so each is the time of an order and none is in between.
with took as (
    select s.place, s.step, extract(epoch from s.took)::float8 as seconds
    from order_history o
    cross join lateral (
        values (1, 'placed-to-paid', o.paid_at - o.placed_at),
            (2, 'paid-to-shipped', o.shipped_at - o.paid_at),
            (3, 'shipped-to-delivered', o.delivered_at - o.shipped_at)
    ) as s (place, step, took)
    where o.status <> 'cancelled' and s.took is not null
        and o.placed_at >= coalesce($1::timestamptz, '-infinity')
        and o.placed_at < coalesce($2::timestamptz, 'infinity')
), ranked as (
    select place, step, count(*) as orders,
        percentile_disc(array[0.5, 0.9, 0.99]) within group (order by seconds) as seconds
    from took
    group by place, step
)
select step, orders, seconds[1] as p50_seconds, seconds[2] as p90_seconds,
    seconds[3] as p99_seconds
from ranked
order by place
