-- Monthly cohorts, a row for the customers whose first order was placed in one month (UTC), with
-- the share of them that placed an order in each later month.
--
-- Orders that are cancelled now count as nothing: a customer whose only order was cancelled is in
-- no cohort. The months go up to the newest one that anybody ordered in, so a month without orders
-- of the cohort is a 0; and ten years at most, lest one order with an odd date make a row of
-- thousands.
with active as (
    select distinct customer_id, date_trunc('month', placed_at at time zone 'UTC') as month
    from order_history
    where status <> 'cancelled'
), joined as (
    select month, min(month) over (partition by customer_id) as cohort from active
), counted as (
    select cohort, month, count(*) as customers from joined group by cohort, month
), newest as (
    select max(month) as month from active
)
select to_char(first.cohort, 'YYYY-MM') as cohort, first.customers,
    array(
        select coalesce(later.customers, 0)::float8 / first.customers
        from newest
        cross join lateral generate_series(
            first.cohort + interval '1 month',
            least(newest.month, first.cohort + interval '120 months'),
            interval '1 month'
        ) as axis (month)
        left join counted later on later.cohort = first.cohort and later.month = axis.month
        order by axis.month
    ) as months
from counted first
where first.month = first.cohort
order by first.cohort
