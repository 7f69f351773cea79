-- The orders of the year once more, {round} years earlier and under other numbers.
create temporary table again as
select id, md5(id::text || '{round}')::uuid as copy
from order_history where reference not like '%/%'
order by placed_at limit {more};

insert into order_history (id, reference, status, customer_id, total_cents, refund_cents, currency,
    placed_at, words, units, repeated_lines, version)
select a.copy, o.reference || '/{round}', o.status, o.customer_id, o.total_cents, o.refund_cents,
    o.currency, o.placed_at - interval '{round} years', replace(o.words, ' ', ' {round}y'), o.units,
    o.repeated_lines, o.version
from order_history o join again a using (id);

insert into order_line (order_id, line_no, sku, quantity, returned_quantity, unit_price_cents,
    total_cents)
select a.copy, l.line_no, l.sku, l.quantity, l.returned_quantity, l.unit_price_cents, l.total_cents
from order_line l join again a on a.id = l.order_id;

drop table again
