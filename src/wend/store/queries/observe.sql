-- Types of properties and attributes, from samples of the log (engine/observe.py). Once an hour.

-- name: observed_until
select value from workspace where name = 'observed';

-- name: observed
insert into workspace (name, value) values ('observed', %s) on conflict (name) do update set value = excluded.value;

-- name: observe
-- The NUL character is JSON that PostgreSQL cannot take apart: such rows are passed over.
with recent as materialized (
    select r.kind, r.at, r.payload
    from unnest(%(partitions)b::int[]) p(number)
    cross join lateral (
        select l.kind, l.at, l.payload from log l
        where l.partition = p.number and l.at > %(since)s and l.at <= %(until)s
        order by l.seq desc limit %(sample)s
    ) r
    where r.kind in ('event', 'identify', 'group') and position('\u0000' in r.payload::text) = 0
), found as (
    select case r.kind when 'event' then 'event' when 'identify' then 'attribute' else 'company' end as kind,
        case r.kind when 'event' then left(r.payload->>'name', 200) else '' end as name,
        left(e.key, 200) as property, json_typeof(e.value) as type, count(*) as n, max(r.at) as at
    from recent r
    cross join lateral json_each(case r.kind when 'event' then r.payload->'properties' else r.payload->'traits' end) e
    where json_typeof(e.value) <> 'null'
    group by 1, 2, 3, 4
), kept as (
    insert into schema_seen as s (kind, name, property, type, n, at)
    select kind, name, property, type, n, at from found order by kind, name, property, type
    on conflict (kind, name, property, type) do update set n = s.n + excluded.n, at = greatest(s.at, excluded.at)
    returning 1
)
select count(*) from kept;

-- name: observe_forget
delete from schema_seen s where s.at < %(before)s
    or s.ctid = any(array(select o.ctid from schema_seen o order by o.at desc, o.ctid offset %(most)s));
