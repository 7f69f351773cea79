-- The products by what was sold of them, by an index on the very number. Every line of every order
-- moves a product in it, so the counts of a large batch wait and are added by a later one, once for
-- a product instead of once for each batch (`Tally` in crates/projection). What was sold is the sum
-- of `product_sales` and of what waits.
--
-- The release before walks an index by `popularity` (0009). While it still answers, all products are
-- equally popular, which is the same order but for products whose orders were all cancelled, and nothing
-- is computed any more when a count moves.

-- Also where a generation of the tables is being built, or lies there for the way back.
do $$
declare
    generation text;
    admitted record;
begin
    foreach generation in array array['public', 'next_generation', 'previous_generation'] loop
        continue when to_regclass(format('%I.product_sales', generation)) is null;
        execute format('drop index if exists %I.product_sales_popular', generation);
        execute format(
            'alter table %I.product_sales
                alter column popularity drop expression, alter column popularity set default 1',
            generation);
        execute format('update %I.product_sales set popularity = 1', generation);
        execute format(
            'create index product_sales_units on %I.product_sales (units, sku) where units > 0',
            generation);
        -- a row a batch; nothing looks for one, and they go soon
        execute format(
            'create table %I.product_sales_waiting (keys text[] not null, counts bigint[] not null)',
            generation);
        execute format(
            'alter table %I.product_sales_waiting
                alter column keys set storage external, alter column counts set storage external',
            generation);
        for admitted in
            select a.privilege_type as right,
                case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end as role
            from pg_class c, aclexplode(c.relacl) a
            where c.oid = to_regclass(format('%I.product_sales', generation))
                and a.grantee <> c.relowner
        loop
            execute format('grant %s on %I.product_sales_waiting to %s',
                admitted.right, generation, admitted.role);
        end loop;
    end loop;
end
$$;

create or replace function popularity(units bigint) returns integer
immutable parallel safe language sql return 1;
