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

-- name: backfill_todo
-- What there is to do for these partitions, how far they are behind, and whether all partitions have read the log, judged their
-- people, and are done.
with filled as (
    select b.*, bool_and(b.ready) over w as all_ready, bool_and(b.upto = %s) over w as all_judged, bool_and(b.done) over w as all_done
    from backfill b join segment s on s.id = b.segment and s.version = b.version and s.status = 'warming'
    window w as (partition by b.segment))
select b.segment, b.version, b.partition, b.staged, b.ready, b.upto, b.done, h.seq - c.seq, b.all_ready, b.all_judged, b.all_done
from filled b join cursor c on c.partition = b.partition join head h on h.partition = b.partition
where b.partition = any(%b::int[]) order by b.segment desc, b.partition;

-- name: backfill_all
-- Rows are held until the end of the transaction, so that nothing is reopened meanwhile.
select bool_and(done) from (select done from backfill where segment = %s and version = %s order by partition for share) b;

-- name: backfill_take
-- One at a time; none: a newer version was published, or it is gone.
select staged, oldest, ready, upto, done, again, updated_at from backfill
where segment = %s and version = %s and partition = %s for update;

-- name: backfill_staged
update backfill set staged = %s, oldest = %s, ready = ready or %s where segment = %s and version = %s and partition = %s;

-- name: backfill_judged
update backfill set upto = %s, people = people + %s, matched = matched + %s, again = %b::bigint[], done = %s, updated_at = %s
where segment = %s and version = %s and partition = %s;

-- name: backfill_done
-- Nobody was merged meanwhile.
update backfill set done = true where segment = %s and version = %s and partition = %s;

-- name: backfill_reopen
-- Somebody who was to be judged once more has become another person meanwhile.
update backfill set done = false, again = array_append(again, %s)
where segment = %s and version = %s and partition = %s and not %s = any(again);

-- name: log_oldest
select seq, at from log where partition = %s order by seq limit 1;

-- name: cursor_seq
select seq from cursor where partition = %s;

-- name: stage
-- `at` prunes days in which nothing can count any more.
insert into backfill_row (partition, segment, version, profile_id, seq, at, payload)
select partition, %(segment)s, %(version)s, profile_id, seq, at,
    case when %(whole)s then payload
         else json_build_object('name', payload->>'name', 'at', (payload->>'at')::bigint) end
from log where partition = %(partition)s and seq > %(after)s and seq <= %(upto)s and at >= %(since)s
    and kind = 'event' and (%(all)s or payload->>'name' = any(%(names)s::text[])) and payload->'about' is null
on conflict do nothing;

-- name: staged_rows
-- Without those that changed nobody: repeats, and what a tombstone passed on (it stands in the other's log again).
select b.profile_id, b.seq, b.at, b.payload
from unnest(%b::int[], %b::bigint[]) t(partition, profile_id)
join backfill_row b on b.partition = t.partition and b.segment = %s and b.version = %s and b.profile_id = t.profile_id
where not exists (select from left_out o
    where o.partition = b.partition and o.profile_id = b.profile_id and o.seq = b.seq)
order by b.profile_id, b.seq;

-- name: staged_people
-- Whoever did something that counts, or was merged with somebody who may have.
select id from (
    (select distinct profile_id as id from backfill_row
     where partition = %(partition)s and segment = %(segment)s and version = %(version)s and profile_id > %(after)s
     order by profile_id limit %(limit)s)
    union
    (select distinct survivor from alias where survivor > %(after)s and survivor %% %(partitions)s = %(partition)s
     order by survivor limit %(limit)s)
) found order by id limit %(limit)s;

-- name: all_people
select id from profile where partition = %(partition)s and id > %(after)s order by id limit %(limit)s;

-- name: people_between
select count(*) from profile where partition = %s and id > %s and id <= %s;

-- name: alias_of
select absorbed, survivor from alias where survivor = any(%b::bigint[]) order by absorbed;

-- name: survivors_since
select distinct survivor from alias where at >= %s and survivor %% %s = %s order by survivor;

-- name: merges_ahead
-- People about to be absorbed, by rows of the log that are not applied yet.
select (payload->>'absorbed')::bigint from log where partition = %s and seq > %s and at >= %s and kind = 'merge_await';

-- name: parked_seqs
select profile_id, seq, reason from parked where partition = %s and profile_id = any(%b::bigint[]);

-- name: staged_forget
delete from backfill_row where partition = %s and segment = %s;

-- name: membership_forget
delete from membership where partition = %s and segment = any(%s::text[]);

-- name: segment_sweep
-- Whose membership a new version changes is due now: what reads the segment must hear of it.
update profile p set wakes_at = least(p.wakes_at, %(at)s)
where p.partition = %(partition)s and p.id in (
    select coalesce(o.profile_id, n.profile_id)
    from (select profile_id from membership where partition = %(partition)s and segment = %(old)s) o
    full join (select profile_id from membership where partition = %(partition)s and segment = %(new)s) n using (profile_id)
    where o.profile_id is null or n.profile_id is null)
    and not exists (select from parked k where k.partition = p.partition and k.profile_id = p.id);

-- name: membership_left
delete from membership m where m.partition = %(partition)s and m.segment = %(old)s and not exists (
    select from membership n where n.partition = m.partition and n.segment = %(new)s and n.profile_id = m.profile_id);

-- name: membership_entered
-- Who stays keeps the instant since which they are in it.
insert into membership (partition, segment, profile_id, since)
select partition, %(old)s, profile_id, since from membership where partition = %(partition)s and segment = %(new)s
on conflict do nothing;

-- name: cursor_plan
select plan from cursor where partition = %s;
