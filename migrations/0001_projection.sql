-- How far each stream is in the rows. The engine's own; it knows no other table.
create table position (
    stream text primary key,
    -- where the last step started; a step holds only if the stream was still there
    prior bigint not null,
    applied bigint not null,
    -- when the last applied commit was recorded, by the clock of the command function
    recorded_at timestamptz,
    -- when it became visible, by the clock of the database
    applied_at timestamptz not null,
    -- whether the commit after `applied` is quarantined; later ones wait in the event table
    parked boolean not null
);

create index position_applied_at on position (applied_at);
create index position_recorded_at on position (recorded_at);
create index position_parked on position (stream) where parked;

-- Commits that could not be applied, with what was there and what somebody did about it. A commit
-- that was skipped stays on the record for ever.
create table quarantine (
    stream text not null,
    version bigint not null,
    error text not null,
    payload text not null,
    quarantined_at timestamptz not null default now(),
    resolution text,
    reason text,
    resolved_at timestamptz,
    primary key (stream, version),
    constraint quarantine_resolution_known check (resolution in ('redriven', 'skipped')),
    constraint quarantine_skip_has_reason check (resolution <> 'skipped' or reason is not null)
);

-- Undoes a statement whose positions somebody else moved first. 40001 is serialization_failure:
-- read again, fold again.
create function expect_moved(moved bigint, expected bigint) returns void language plpgsql as $$
begin
    if moved <> expected then
        raise exception 'moved % of % positions', moved, expected using errcode = '40001';
    end if;
end
$$;
