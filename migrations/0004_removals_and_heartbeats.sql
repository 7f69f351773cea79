-- Streams that are no more, streams that were folded anew, and the beats by which a projection
-- that has stopped is told from one that has nothing to do.

alter table position
    -- how often the stream was folded anew; a step on rows from before holds no more
    add column refolds bigint not null default 0,
    -- a stream that is no more keeps its position, so that no late record brings it back
    add column removed_at timestamptz,
    add column removal text,
    add constraint position_removal_known check (removal in ('erased', 'expired')),
    add constraint position_removal_has_time check ((removal is null) = (removed_at is null)),
    add constraint position_removed_waits_for_nothing check (removal is null or not parked);

alter table quarantine
    drop constraint quarantine_resolution_known,
    add constraint quarantine_resolution_known
        check (resolution in ('redriven', 'skipped', 'removed'));

-- One row a beat's place: beats go into the event table and come back through its stream. All
-- times are by the clock of this database.
create table heartbeat (
    stream text primary key,
    -- the newest one that is in the event table
    sent_at timestamptz,
    -- the newest one that came through the stream
    arrived_at timestamptz,
    -- since when one is on its way; nothing, when the newest one has arrived
    waiting_since timestamptz
);
