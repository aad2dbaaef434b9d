-- Who is who, and what was refused (intake room). Identifier rows are always locked and inserted in the order of their
-- key, before any head: with that no two transactions of intake can wait for each other in a circle.

-- name: identifiers_find
-- An absorbed person's identifier (a race between a merge and a look-up) leads to the survivor.
select k.namespace, k.value, coalesce(a.survivor, i.profile_id)
from unnest(%b::text[], %b::text[]) k(namespace, value)
join identifier i on i.namespace = k.namespace and i.value = k.value
left join alias a on a.absorbed = i.profile_id;

-- name: identifiers_lock
-- All identifiers of these people, and these identifiers whoever they mean. What is read by this statement may be older
-- than the lock it waited for, so it is read again with identifiers_of.
select 1 from identifier i
where i.profile_id = any(%(people)b::bigint[])
   or (i.namespace, i.value) in (select * from unnest(%(namespaces)b::text[], %(values)b::text[]))
order by i.namespace, i.value for update;

-- name: identifiers_of
select i.namespace, i.value, i.profile_id, i.at from identifier i
where i.profile_id = any(%(people)b::bigint[])
   or (i.namespace, i.value) in (select * from unnest(%(namespaces)b::text[], %(values)b::text[]));

-- name: identifiers_insert
-- The unique key decides who comes first; the returned rows are ours.
insert into identifier (namespace, value, profile_id, at)
select namespace, value, profile_id, %s from unnest(%b::text[], %b::text[], %b::bigint[]) t(namespace, value, profile_id)
order by namespace, value
on conflict do nothing returning namespace, value;

-- name: identifiers_repoint
update identifier i set profile_id = m.survivor
from unnest(%b::bigint[], %b::bigint[]) m(absorbed, survivor) where i.profile_id = m.absorbed;

-- name: alias_repoint
-- Whoever was absorbed by the absorbed one now leads to the survivor in one step.
update alias a set survivor = m.survivor
from unnest(%b::bigint[], %b::bigint[]) m(absorbed, survivor) where a.survivor = m.absorbed;

-- name: alias_insert
insert into alias (absorbed, survivor, at)
select absorbed, survivor, %s from unnest(%b::bigint[], %b::bigint[]) m(absorbed, survivor);

-- name: conflict_insert
-- A conflict repeats with every event of a shared device: it is kept once, also when it was resolved. A cache may not know
-- yet that an operator has merged the two.
insert into identity_conflict (at, namespace, value, profile_id, other_id, detail)
select %s, c.namespace, c.value, c.profile_id, c.other_id, c.detail
from unnest(%b::text[], %b::text[], %b::bigint[], %b::bigint[], %b::json[]) c(namespace, value, profile_id, other_id, detail)
left join alias p on p.absorbed = c.profile_id
left join alias o on o.absorbed = c.other_id
where coalesce(p.survivor, c.profile_id) <> coalesce(o.survivor, c.other_id)
on conflict do nothing;

-- name: dead_letters_insert
insert into dead_letter (at, source, code, message, body)
select %s, source, code, message, body from unnest(%b::text[], %b::text[], %b::text[], %b::text[]) d(source, code, message, body);

-- name: mode_hold
-- Whoever changes the mode waits for the groups that are being written, and they for the change.
select value from workspace where name = 'mode' for share;

-- name: import_begin
insert into import_job (id, source, updated_at) values (%s, %s, %s) on conflict (id) do nothing;

-- name: import_get
select position, accepted, rejected, done from import_job where id = %s;

-- name: import_lock
select position from import_job where id = %s for update;

-- name: import_advance
update import_job set position = %s, accepted = %s, rejected = %s, done = %s, updated_at = %s where id = %s;
