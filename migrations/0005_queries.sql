-- What a report needs of an order as a whole, so that it reads a row an order and not ten lines.
-- Both follow from the order's own lines. A build that does not know them leaves them empty, and a
-- report then counts the lines of that order.
alter table order_history
    -- pieces in it
    add column units bigint,
    -- lines with a product that an earlier line has, too; nearly always 0
    add column repeated_lines bigint;

update order_history o
set units = l.units, repeated_lines = l.repeated_lines
from (
    select order_id, sum(quantity) as units, count(*) - count(distinct sku) as repeated_lines
    from order_line
    group by order_id
) l
where l.order_id = o.id;

-- Filters with the sorts that walked past thousands of rows without these.
create index order_history_customer_total_cents on order_history (customer_id, total_cents, id);
create index product_department_price on product (department, unit_price_cents, sku);
create index product_category_price on product (category, unit_price_cents, sku);
