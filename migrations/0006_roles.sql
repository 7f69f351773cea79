-- Who may do what. The projector writes rows, the query function reads them, and whoever runs the
-- migrations owns the schema.

-- Roles belong to the whole server, so another database of it may have them already, or may be
-- making them at this moment. An owner who may not make roles goes without: then the functions log
-- in as somebody else, as they do on one's own machine.
do $$
declare
    wanted text;
begin
    foreach wanted in array array ['millrace_projector', 'millrace_reader'] loop
        begin
            if not exists (select from pg_roles where rolname = wanted) then
                execute format('create role %I login', wanted);
            end if;
            -- RDS: they log in with a token and never with a password
            if exists (select from pg_roles where rolname = 'rds_iam') then
                execute format('grant rds_iam to %I', wanted);
            end if;
        exception
            when duplicate_object or unique_violation then null;
            when insufficient_privilege then
                raise notice 'no role %: % may not make roles', wanted, current_user;
        end;
    end loop;
end
$$;

-- Lets the two into a schema: to the tables that are there, and to those that whoever calls this
-- makes there later. For a schema that somebody makes by hand: a rebuild copies the rights itself.
create function admit_functions(into_schema text) returns void language plpgsql as $$
declare
    admitted record;
begin
    for admitted in
        select rolname, rights
        from (values
            ('millrace_projector', 'select, insert, update, delete'),
            ('millrace_reader', 'select')
        ) as wanted (name, rights)
        join pg_roles on rolname = name
    loop
        execute format('grant usage on schema %I to %I', into_schema, admitted.rolname);
        execute format('grant %s on all tables in schema %I to %I',
            admitted.rights, into_schema, admitted.rolname);
        execute format('alter default privileges in schema %I grant %s on tables to %I',
            into_schema, admitted.rights, admitted.rolname);
    end loop;
end
$$;

revoke all on function admit_functions(text) from public;

revoke create on schema public from public;
select admit_functions('public');

-- What is narrower than that, and how their sessions behave. A role's settings hold from its first
-- statement on, and RDS Proxy does not pin a session for them.
do $$
declare
    setting record;
begin
    execute format('revoke all on database %I from public', current_database());
    for setting in
        select role, statement
        from (values
            ('millrace_projector', 'grant connect on database %2$I to %1$I'),
            ('millrace_reader', 'grant connect on database %2$I to %1$I'),
            ('millrace_projector', 'revoke all on _sqlx_migrations from %1$I'),
            ('millrace_reader', 'revoke all on _sqlx_migrations from %1$I'),
            -- what was quarantined stays on the record
            ('millrace_projector', 'revoke delete on quarantine from %1$I'),
            ('millrace_reader', 'alter role %1$I in database %2$I set default_transaction_read_only = on'),
            -- both end before their function is ended
            ('millrace_reader', 'alter role %1$I in database %2$I set statement_timeout = ''5s'''),
            -- why, says `SETTINGS` in functions/query/src/settings.rs
            ('millrace_reader', 'alter role %1$I in database %2$I set plan_cache_mode = force_custom_plan'),
            ('millrace_reader', 'alter role %1$I in database %2$I set work_mem = ''32MB'''),
            ('millrace_reader', 'alter role %1$I in database %2$I set random_page_cost = 1.1'),
            ('millrace_reader', 'alter role %1$I in database %2$I set jit = off'),
            ('millrace_projector', 'alter role %1$I in database %2$I set statement_timeout = ''25s'''),
            -- a frozen sandbox keeps its session, and a session keeps Aurora from pausing
            ('millrace_reader', 'alter role %1$I in database %2$I set idle_session_timeout = ''2min'''),
            ('millrace_projector', 'alter role %1$I in database %2$I set idle_session_timeout = ''2min'''),
            -- a sandbox that was frozen or ended inside a transaction holds nobody up
            ('millrace_projector',
                'alter role %1$I in database %2$I set idle_in_transaction_session_timeout = ''30s''')
        ) as wanted (role, statement)
        join pg_roles on rolname = role
    loop
        begin
            execute format(setting.statement, setting.role, current_database());
        exception
            when insufficient_privilege then
                raise notice '% may not say how sessions of % behave', current_user, setting.role;
        end;
    end loop;
end
$$;
