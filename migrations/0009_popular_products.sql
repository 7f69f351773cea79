-- The most sold products first, by an index that sales hardly move. Every line of every order counts
-- up `units`; an index on it would be written to each time. `popularity` changes when the units have
-- doubled, and the index has only what sold eight times or more, so nearly all updates stay in
-- place (HOT). What has the same popularity is sorted by its units when it is asked for.
create function popularity(units bigint) returns integer immutable parallel safe language sql
return width_bucket(units, array[
    8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072, 262144, 524288,
    1048576, 2097152, 4194304, 8388608, 16777216, 33554432, 67108864, 134217728, 268435456, 536870912
]::bigint[]);

-- Also where a generation of the table is being built, or lies there for the way back.
do $$
declare
    generation text;
begin
    foreach generation in array array['public', 'next_generation', 'previous_generation'] loop
        if to_regclass(format('%I.product_sales', generation)) is not null then
            execute format(
                'alter table %I.product_sales
                    add column popularity integer not null
                    generated always as (public.popularity(units)) stored', generation);
            execute format(
                'create index product_sales_popular on %I.product_sales (popularity)
                    where popularity > 0', generation);
        end if;
    end loop;
end
$$;
