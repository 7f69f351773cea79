-- The read model of the shop. Each row belongs to one stream, `version` is the commit it is as of.
-- `words` is what a search finds it by: lower case, without accents, a blank between two words.

create table product (
    sku text primary key,
    name text not null,
    department text not null,
    category text,
    brand text,
    unit_price_cents bigint not null,
    stock bigint not null,
    discontinued boolean not null,
    words text not null,
    search tsvector not null
        generated always as (array_to_tsvector(string_to_array(words, ' '))) stored,
    version bigint not null
);

create index product_name on product (name, sku);
create index product_unit_price_cents on product (unit_price_cents, sku);
create index product_department on product (department, name, sku);
create index product_category on product (category, name, sku);
create index product_search on product using gin (search);

-- Pieces sold in orders that are not cancelled, whatever came back later. Apart from `product`,
-- as its rows come from orders and may be there before the product is.
-- Counted up all the time: no index on the count and room on each page keep an update in place.
create table product_sales (
    sku text primary key,
    units bigint not null
) with (fillfactor = 70);

create table customer (
    id uuid primary key,
    reference text,
    name text not null,
    email text not null,
    registered_at timestamptz not null,
    words text not null,
    search tsvector not null
        generated always as (array_to_tsvector(string_to_array(words, ' '))) stored,
    version bigint not null
);

create index customer_search on customer using gin (search);

create table cart (
    id uuid primary key,
    customer_id uuid not null,
    status text not null,
    order_id uuid,
    version bigint not null,
    constraint cart_status_known check (status in ('open', 'checked_out'))
);

create table cart_line (
    cart_id uuid not null,
    sku text not null,
    quantity bigint not null,
    primary key (cart_id, sku)
);

-- No foreign keys: an order may be projected before its product or customer.
create table order_history (
    id uuid primary key,
    reference text,
    status text not null,
    customer_id uuid not null,
    total_cents bigint not null,
    refund_cents bigint not null,
    currency text not null,
    placed_at timestamptz not null,
    paid_at timestamptz,
    shipped_at timestamptz,
    delivered_at timestamptz,
    cancelled_at timestamptz,
    carrier text,
    tracking_number text,
    words text not null,
    search tsvector not null
        generated always as (array_to_tsvector(string_to_array(words, ' '))) stored,
    version bigint not null,
    constraint order_history_status_known
        check (status in ('placed', 'paid', 'shipped', 'delivered', 'cancelled')),
    constraint order_history_refund_within_total check (refund_cents between 0 and total_cents)
);

create index order_history_placed_at on order_history (placed_at, id);
create index order_history_total_cents on order_history (total_cents, id);
create index order_history_customer on order_history (customer_id, placed_at, id);
create index order_history_status on order_history (status, placed_at, id);
create index order_history_search on order_history using gin (search);

create table order_line (
    order_id uuid not null,
    line_no bigint not null,
    sku text not null,
    quantity bigint not null,
    returned_quantity bigint not null,
    unit_price_cents bigint not null,
    total_cents bigint not null,
    primary key (order_id, line_no),
    constraint order_line_returned_within_bought
        check (returned_quantity between 0 and quantity)
);

create index order_line_sku on order_line (sku, order_id);

create table order_timeline (
    order_id uuid not null,
    version bigint not null,
    index bigint not null,
    event_type text not null,
    at timestamptz not null,
    data jsonb not null,
    primary key (order_id, version, index)
);

-- What came back, a row a line: a refund counts in the month of the return, not of the sale.
create table order_refund (
    order_id uuid not null,
    version bigint not null,
    line_no bigint not null,
    sku text not null,
    quantity bigint not null,
    refund_cents bigint not null,
    returned_at timestamptz not null,
    primary key (order_id, version, line_no)
);

create index order_refund_returned_at on order_refund (returned_at);

-- Every event of every stream, as it was recorded.
create table audit_trail (
    stream text not null,
    version bigint not null,
    index bigint not null,
    event_type text not null,
    schema_version bigint not null,
    at timestamptz not null,
    recorded_at timestamptz not null,
    actor text not null,
    command_id text not null,
    correlation_id text not null,
    causation_id text,
    data jsonb not null,
    primary key (stream, version, index)
);
