-- Who owns which partition, and what there is to do (engine.md 26).

-- name: cursors_all
select partition, epoch, owner, lease from cursor order by partition;

-- name: cursor_claim
-- Compare-and-swap on epoch: of two claimers one gets no row. `tries` counts an owner who died in the middle of an attempt.
update cursor set epoch = epoch + 1, owner = %s, lease = %s, tries = tries + %s
where partition = %s and epoch = %s returning epoch, seq, at;

-- name: cursors_renew
-- A cursor that a batch of ours holds renews itself with that batch.
update cursor set lease = %s where partition in (
    select partition from cursor where partition = any(%b::int[]) and owner = %s and lease < %s
    order by partition for update skip locked);

-- name: cursors_release
update cursor set owner = null, lease = 0 where partition in (
    select partition from cursor where partition = any(%b::int[]) and owner = %s order by partition for update);

-- name: cursor_stop
-- The note is for the operator; nobody claims it before `resume_partition`.
update cursor set epoch = epoch + 1, owner = %s, lease = %s where partition = %s and epoch = %s;

-- name: cursor_resume
update cursor set owner = null, lease = 0, tries = 0 where partition = %s and owner like 'stopped: %%';

-- name: work
-- Which of my partitions have rows to apply or somebody to wake. `min` reads one index entry per partition.
select c.partition, c.epoch, c.seq, c.at, h.seq, h.at,
    (select min(p.wakes_at) from profile p where p.partition = c.partition and p.wakes_at is not null), c.owner
from cursor c join head h on h.partition = c.partition where c.partition = any(%b::int[]) order by c.partition;

-- name: relay_sources
select distinct partition from relay where partition = any(%b::int[]);

-- name: relay_read
select outbox_seq, target, profile_id, kind, payload from relay where partition = %s order by outbox_seq limit %s;

-- name: relayed_read
select partition, outbox_seq from relayed where source = %s and partition = any(%b::int[]);

-- name: relayed_write
insert into relayed (partition, source, outbox_seq)
select t.partition, %s, t.outbox_seq from unnest(%b::int[], %b::bigint[]) t(partition, outbox_seq)
on conflict (partition, source) do update set outbox_seq = excluded.outbox_seq;

-- name: relay_delete
delete from relay where partition = %s and outbox_seq <= %s;

-- name: plan_changes
select number, at, kind, journey, version, document, reads, policy, mapping from plan_change
where number > %s and number <= %s order by number;

-- name: plan_next
select coalesce(max(number), 0) + 1 from plan_change;

-- name: plan_write
insert into plan_change (number, at, kind, journey, version, policy, document, reads, mapping)
values (%s, %s, %s, %s, %s, %s, %s::json, %s::json, %s::json);

-- name: journey_published
insert into journey (id, name, status, version, created_at, updated_at) values (%s, %s, %s, %s, %s, %s)
on conflict (id) do update set name = excluded.name, status = excluded.status, version = excluded.version,
    updated_at = excluded.updated_at;

-- name: journey_status
update journey set status = %s, updated_at = %s where id = %s;
