-- Products that run out, a row a product with less than $1 pieces at hand.
--
-- Stock is as of now; discontinued products are not bought again and have no row. Units are the
-- pieces in orders placed within the 28 days up to $2 that are not cancelled now, whatever came
-- back later. Days of cover: for how long the stock lasts at that rate, so 0 when there is none
-- and empty when nothing was sold.
with sold as (
    select l.sku, sum(l.quantity) as units
    from order_history o
    join order_line l on l.order_id = o.id
    where o.status <> 'cancelled'
        and o.placed_at >= $2::timestamptz - interval '28 days'
        and o.placed_at < $2::timestamptz
    group by l.sku
)
-- Sums are exact; beyond 64 bits they are cut on the way out.
select p.sku, p.name as product_name, p.stock,
    least(coalesce(s.units, 0), 9223372036854775807)::bigint as units_sold_28d,
    p.stock * 28::float8 / s.units::float8 as days_of_cover
from product p
left join sold s on s.sku = p.sku
where p.stock < $1 and not p.discontinued
order by days_of_cover nulls last, units_sold_28d desc, p.stock, p.sku collate "C"
limit $3
