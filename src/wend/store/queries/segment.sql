-- Segments, their back-fill, and who is in them. Statements of one person's batch are in engine.sql.

-- name: segment_published
-- A version that is being back-filled leaves the one in force where it is.
insert into segment as s (id, name, kind, status, document, version, live_version, created_at, updated_at)
values (%s, %s, %s, %s, %s::json, %s, %s, %s, %s)
on conflict (id) do update set name = excluded.name, kind = excluded.kind, status = excluded.status,
    document = excluded.document, version = excluded.version, updated_at = excluded.updated_at,
    live_version = greatest(s.live_version, excluded.live_version);

-- name: segment_live
update segment set status = 'live', live_version = %s, updated_at = %s where id = %s;

-- name: segment_gone
delete from segment where id = %s;

-- name: backfill_begin
-- The latest version only: whatever was begun before is given up.
with given_up as (delete from backfill where segment = %s and version < %s)
insert into backfill (segment, version, partition, updated_at)
select %s, %s, partition, %s from head;

-- name: backfill_forget
delete from backfill where segment = %s;
