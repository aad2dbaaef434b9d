-- Broadcasts (engine/broadcast.py) and schedules (engine/schedule.py).

-- name: broadcast_begin
insert into broadcast (what, journey, segment, linked, kind, payload, created_at)
values (%s, %s, %s, %s::json, %s, %s::json, %s) returning id;

-- name: broadcast_parts
insert into broadcast_part (broadcast, partition) select %s, partition from head;

-- name: broadcast_parts_named
insert into broadcast_part (broadcast, partition, ids)
select %s, id %% %s, array_agg(id) from unnest(%b::bigint[]) t(id) group by 2;

-- name: broadcast_next
-- The oldest whose partition has a short backlog and has applied what was appended for it last; in a replay there is no backlog.
select p.broadcast, p.partition, p.ids is not null, p.upto, b.segment, b.linked, b.kind, b.payload
from broadcast_part p join broadcast b on b.id = p.broadcast
join head h on h.partition = p.partition join cursor c on c.partition = p.partition
where not p.done and (%s or (c.seq >= p.seq and h.seq - c.seq <= %s))
order by p.broadcast, p.partition limit 1 for update of p skip locked;

-- name: broadcast_named
select id from broadcast_part p, unnest(p.ids) id
where p.broadcast = %s and p.partition = %s and id > %s group by id order by id limit %s;

-- name: broadcast_members
select profile_id from membership where partition = %s and segment = %s and profile_id > %s order by profile_id limit %s;

-- name: broadcast_everybody
select id from profile where partition = %s and id > %s order by id limit %s;

-- name: broadcast_people
select id, state, attributes from profile where partition = %s and id > %s order by id limit %s;

-- name: head_seq
select seq from head where partition = %s;

-- name: broadcast_advance
update broadcast_part set upto = %s, told = told + %s, seq = greatest(seq, %s), done = %s
where broadcast = %s and partition = %s;

-- name: broadcast_lock
select id from broadcast where id = %s for update;

-- name: broadcast_end
update broadcast b set ended_at = %s where b.id = %s and b.ended_at is null
    and not exists (select from broadcast_part p where p.broadcast = b.id and not p.done);

-- name: broadcast_one
select b.id, b.what, b.journey, b.created_at, b.ended_at, coalesce(sum(p.told), 0)::bigint,
    count(*) filter (where p.done), count(p.partition)
from broadcast b left join broadcast_part p on p.broadcast = b.id where b.id = %s group by b.id;

-- name: broadcast_recent
select b.id, b.what, b.journey, b.created_at, b.ended_at, coalesce(sum(p.told), 0)::bigint,
    count(*) filter (where p.done), count(p.partition)
from broadcast b left join broadcast_part p on p.broadcast = b.id group by b.id order by b.id desc limit %s;

-- name: schedule_all
select journey, mark, since, due, fired from schedule order by journey, mark for update;

-- name: schedule_put
insert into schedule (journey, mark, since, due, fired) values (%s, %s, %s, %s, %s)
on conflict (journey, mark) do update set since = excluded.since, due = excluded.due, fired = excluded.fired;

-- name: schedule_delete
delete from schedule where journey = %s and mark = %s;

-- name: schedule_work
-- The plan up to which schedules are known, the newest plan, and the soonest due.
select coalesce((select (value::text)::bigint from workspace where name = 'schedules'), 0),
    coalesce((select max(number) from plan_change), 0), (select min(due) from schedule);

-- name: schedule_known
insert into workspace (name, value) values ('schedules', to_json(0)) on conflict (name) do nothing;

-- name: schedule_lock
select (value::text)::bigint from workspace where name = 'schedules' for update;

-- name: schedule_lifted
update workspace set value = to_json(%s::bigint) where name = 'schedules';

-- name: anybody
select 1 from profile limit 1;
