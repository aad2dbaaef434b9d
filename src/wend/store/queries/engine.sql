-- The hot path: one batch of one partition. Arrays with %b; every statement names its partition.

-- name: tick
-- Rows up to seq are committed, later rows are never older than the returned instant (engine.md 2).
update head set at = greatest(at, %s) where partition = %s returning at, seq;

-- name: cursor_take
-- Must return a row: otherwise another worker owns the partition (epoch fence).
select c.seq, c.at, c.outbox_seq, c.plan, c.tries, exists (select from parked k where k.partition = c.partition)
from cursor c where c.partition = %s and c.epoch = %s for update;

-- name: cursor_advance
-- Must touch exactly one row, otherwise the batch is rolled back.
update cursor set seq = %s, at = greatest(at, %s), outbox_seq = %s, plan = %s, tries = 0, lease = greatest(lease, %s)
where partition = %s and epoch = %s and seq = %s;

-- name: cursor_failed
update cursor set tries = tries + 1 where partition = %s and epoch = %s;

-- name: log_read
-- `at` prunes the day partitions: without it every day is opened (9.75 against 0.46 ms over 373 days).
select seq, at, kind, message_hash, payload, false, profile_id from log
where partition = %s and seq > %s and seq <= %s and at >= %s and at <= %s order by seq limit %s;

-- name: people_load
select id, wakes_at, state, attributes from profile where partition = %s and id = any(%b::bigint[]);

-- name: wakes_due
select id, wakes_at, state, attributes from profile
where partition = %s and wakes_at <= %s order by wakes_at, id limit %s;

-- name: seen_find
select s.profile_id, s.hash, max(s.at) from unnest(%b::bigint[], %b::bigint[]) t(profile_id, hash)
join seen s on s.partition = %s and s.profile_id = t.profile_id and s.hash = t.hash and s.at >= %s
group by s.profile_id, s.hash;

-- name: seen_of
select profile_id, hash, at from seen where partition = %s and profile_id = any(%b::bigint[]) and at >= %s;

-- name: seen_write
insert into seen (partition, profile_id, hash, at)
select %s, p, h, a from unnest(%b::bigint[], %b::bigint[], %b::bigint[]) t(p, h, a) on conflict do nothing;

-- name: left_out_write
insert into left_out (partition, profile_id, seq, at)
select %s, p, s, a from unnest(%b::bigint[], %b::bigint[], %b::bigint[]) t(p, s, a) on conflict do nothing;

-- name: people_update
-- Attributes are left alone: most inputs do not change them.
update profile p set state = t.state, wakes_at = t.wakes_at
from unnest(%b::bigint[], %b::bytea[], %b::bigint[]) t(id, state, wakes_at) where p.partition = %s and p.id = t.id;

-- name: people_write
insert into profile (partition, id, attributes, state, wakes_at)
select %s, t.id, t.attributes::jsonb, t.state, t.wakes_at
from unnest(%b::bigint[], %b::text[], %b::bytea[], %b::bigint[]) t(id, attributes, state, wakes_at)
on conflict (partition, id) do update
set attributes = excluded.attributes, state = excluded.state, wakes_at = excluded.wakes_at;

-- name: outbox_write
-- An effect id that is there already is the same effect (engine.md 11).
insert into outbox (partition, effect_id, outbox_seq, profile_id, channel, journey, version, node, run, move, template,
    topic, transactional, address, at, not_before, expires_at, updated_at, data)
select %s, effect_id, outbox_seq, profile_id, channel, journey, version, node, run, move, template,
    topic, transactional, address, at, not_before, expires_at, at, data::json
from unnest(%b::text[], %b::bigint[], %b::bigint[], %b::text[], %b::text[], %b::int[], %b::text[], %b::text[], %b::int[],
    %b::text[], %b::text[], %b::boolean[], %b::text[], %b::bigint[], %b::bigint[], %b::bigint[], %b::text[])
    t(effect_id, outbox_seq, profile_id, channel, journey, version, node, run, move, template,
    topic, transactional, address, at, not_before, expires_at, data)
on conflict (partition, effect_id) do nothing;

-- name: outbox_withdraw
-- What is on its way already cannot be called back.
update outbox set status = 'withdrawn', updated_at = %s
where partition = %s and status = 'queued' and effect_id = any(%b::text[]);

-- name: relay_write
insert into relay (partition, outbox_seq, target, profile_id, kind, payload)
select %s, s, t, p, k, v::json
from unnest(%b::bigint[], %b::int[], %b::bigint[], %b::text[], %b::text[]) r(s, t, p, k, v);

-- name: step_write
insert into step (partition, profile_id, at, ordinal, kind, journey, version, run, move, node, branch, why, until, detail)
select %s, profile_id, at, ordinal, kind, journey, version, run, move, node, branch, why, until, detail::json
from unnest(%b::bigint[], %b::bigint[], %b::bigint[], %b::text[], %b::text[], %b::int[], %b::text[], %b::int[], %b::text[],
    %b::text[], %b::text[], %b::bigint[], %b::text[])
    t(profile_id, at, ordinal, kind, journey, version, run, move, node, branch, why, until, detail);

-- name: place_write
insert into place (partition, profile_id, run, journey, version, node, started, entered, until)
select %s, profile_id, run, journey, version, node, started, entered, until
from unnest(%b::bigint[], %b::text[], %b::text[], %b::int[], %b::text[], %b::bigint[], %b::bigint[], %b::bigint[])
    t(profile_id, run, journey, version, node, started, entered, until)
on conflict (partition, profile_id, run) do update
set version = excluded.version, node = excluded.node, entered = excluded.entered, until = excluded.until;

-- name: place_delete
delete from place p using unnest(%b::bigint[], %b::text[]) t(profile_id, run)
where p.partition = %s and p.profile_id = t.profile_id and p.run = t.run;

-- name: membership_write
insert into membership (partition, segment, profile_id, since)
select %s, s, p, a from unnest(%b::text[], %b::bigint[], %b::bigint[]) t(s, p, a)
on conflict (partition, segment, profile_id) do update set since = excluded.since;

-- name: membership_delete
delete from membership m using unnest(%b::text[], %b::bigint[]) t(s, p)
where m.partition = %s and m.segment = t.s and m.profile_id = t.p;

-- name: tally_write
insert into tally (partition, journey, version, node, what, day, n)
select %s, j, v, d, w, y, n from unnest(%b::text[], %b::int[], %b::text[], %b::text[], %b::int[], %b::bigint[]) t(j, v, d, w, y, n)
on conflict (partition, journey, version, node, what, day) do update set n = tally.n + excluded.n;

-- name: consent_write
insert into consent_log (partition, profile_id, at, ordinal, channel, topic, state, source, text, ip)
select %s, p, a, o, c, t, s, u, x, i
from unnest(%b::bigint[], %b::bigint[], %b::bigint[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[])
    r(p, a, o, c, t, s, u, x, i)
on conflict do nothing;

-- name: sweep
-- Make the people of a journey due at the instant at which its life changed, so that they are lifted (engine.md 17).
update profile p set wakes_at = least(p.wakes_at, %s)
where p.partition = %s and p.id in (
    select l.profile_id from place l join plan_change c on c.journey = l.journey
    where l.partition = %s and c.number = %s and c.kind = any(%s::text[]))
    and not exists (select from parked k where k.partition = p.partition and k.profile_id = p.id);

-- name: sweep_everybody
-- Everybody is due within `each` ms times the number of people, spread by a hash; with `roots` only who has such an attribute.
update profile p set wakes_at = least(p.wakes_at, %(at)s::bigint + n.people * %(each)s::bigint * (hashint8(p.id) & 1023) / 1024)
from (select count(*) as people from profile where partition = %(partition)s) n
where p.partition = %(partition)s and (%(roots)s::text[] is null or p.attributes ?| %(roots)s::text[])
    and not exists (select from parked k where k.partition = p.partition and k.profile_id = p.id);

-- name: parked_people
select profile_id, min(reason) from parked where partition = %s and profile_id = any(%b::bigint[]) group by profile_id;

-- name: parked_waiting
-- Of people who wait for a merge or an outcome.
select seq, at, kind, message_hash, payload, true, profile_id from parked
where partition = %s and profile_id = any(%b::bigint[]) and reason <> 'error' order by profile_id, seq;

-- name: parked_failed
select seq, at, kind, message_hash, payload, true, profile_id from parked
where partition = %s and profile_id = %s and reason = 'error' order by seq;

-- name: parked_write
insert into parked (partition, profile_id, seq, at, kind, message_hash, payload, reason, error, tries)
select %s, p, s, a, k, h, v::json, r, e, n
from unnest(%b::bigint[], %b::bigint[], %b::bigint[], %b::text[], %b::bigint[], %b::text[], %b::text[], %b::text[], %b::int[])
    t(p, s, a, k, h, v, r, e, n)
on conflict (partition, profile_id, seq) do update
set reason = excluded.reason, error = excluded.error, tries = parked.tries + excluded.tries;

-- name: parked_delete
delete from parked k using unnest(%b::bigint[], %b::bigint[]) t(p, s)
where k.partition = %s and k.profile_id = t.p and k.seq = t.s;

-- name: parked_list
select partition, profile_id, seq, at, kind, payload, reason, error, tries from parked
where reason = 'error' order by partition, profile_id, seq limit %s;

-- name: parked_attempt
update parked set tries = tries + 1 where partition = %s and profile_id = %s and reason = 'error'
    and seq = (select min(seq) from parked where partition = %s and profile_id = %s and reason = 'error');

-- name: parked_skip
-- History does not count what was skipped (seq 0 is no row but a failed wake).
with gone as (
    delete from parked where partition = %s and profile_id = %s and reason = 'error'
        and seq = (select min(seq) from parked where partition = %s and profile_id = %s and reason = 'error')
    returning partition, profile_id, seq, at, kind, payload
), kept as (
    insert into left_out (partition, profile_id, seq, at)
    select partition, profile_id, seq, at from gone where seq > 0 on conflict do nothing
)
select seq, kind, payload from gone;

-- name: cursor_hold
-- For work beside the batches (retry, skip): the row lock keeps the owner's batches out, whoever the owner is.
select seq, at, outbox_seq, plan, epoch from cursor where partition = %s for update;

-- name: cursor_outbox
update cursor set outbox_seq = %s where partition = %s and epoch = %s;

-- name: outbox_accept
-- A replay without a channel: everything that was decided up to here is taken as accepted.
update outbox set status = 'accepted', updated_at = at, why = 'replay' where partition = any(%b::int[]) and status = 'queued'
returning outbox_seq, partition, profile_id, effect_id, run, move, journey, node, channel, template, address, at;
