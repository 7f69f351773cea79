-- The generation of tables that is being built beside the live one, while there is one. Its tables
-- are in the schema `next_generation`; those that were live before are in `previous_generation`.
create table rebuild (
    the_only_one boolean primary key default true,
    views text[] not null,
    -- where its commits come from, so that an interrupted rebuild goes on with the same
    source text not null,
    started_at timestamptz not null default now(),
    -- whether projectors write it, too: from when it is indexed
    followed boolean not null default false,
    constraint rebuild_one_at_a_time check (the_only_one)
);

-- How far each part of the source is copied.
create table rebuild_part (
    name text primary key,
    -- where the part goes on, in the words of its source; null when it is done
    next text,
    commits bigint not null
);
