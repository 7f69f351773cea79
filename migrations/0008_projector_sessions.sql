-- How sessions of the projector plan. Its two statements bind whole batches as arrays. Planned for
-- the values at hand, a plan is made for every batch; and a batch looks so large to the planner
-- that it compiles the plan to machine code, each time, which takes a fifth of the batch's time.
do $$
declare
    setting text;
begin
    if exists (select from pg_roles where rolname = 'millrace_projector') then
        foreach setting in array array ['jit = off', 'plan_cache_mode = force_generic_plan'] loop
            execute format('alter role millrace_projector in database %I set %s',
                current_database(), setting);
        end loop;
    end if;
exception
    when insufficient_privilege then
        raise notice '% may not say how sessions of millrace_projector behave', current_user;
end
$$;
