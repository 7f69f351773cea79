-- Whoever is erased leaves the generation before the live one, too, so the projector may find its
-- tables. From now on a swap sees to it; this is for a generation that is there already.
do $$
declare
    admitted record;
begin
    for admitted in
        select distinct pg_get_userbyid(a.grantee) as name
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        cross join lateral aclexplode(c.relacl) a
        where n.nspname = 'previous_generation' and a.grantee <> c.relowner and a.grantee <> 0
    loop
        execute format('grant usage on schema previous_generation to %I', admitted.name);
    end loop;
end
$$;
