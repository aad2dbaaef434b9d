-- The outbox as the sender sees it (engine.md 8, 9). Every statement names its partitions; the sender decides how many at
-- once (one per statement on Citus).
--
-- Locks: a row may be locked by the engine, which withdraws it, in an order we do not know. So what may still be withdrawn
-- (queued) is taken with `skip locked`; what is being sent belongs to us alone.

-- name: delivery_claim
-- Due rows of a set of partitions, some of each so that none starves, under a lease. A `sending` row comes here only when
-- the lease of who sent it is over: it died. A live sender leaves a replay's messages alone, and the other way round; in this
-- statement, because one that is asked before would miss a change of mode. What is asked of the outside has its own
-- (ask_claim) and its own index: the kinds stand there literally, or the index would not be used.
with due as materialized (
    select d.partition, d.effect_id
    from unnest(%(partitions)b::int[]) as p(partition)
    cross join lateral (
        select o.partition, o.effect_id from outbox o
        where o.partition = p.partition and o.status in ('queued', 'sending')
            and o.not_before <= %(now)s and o.lease <= %(now)s
            and o.channel not in ('api', 'coupon', 'audience', 'alert')
            and exists (select from workspace w where w.name = 'mode' and w.value::text = %(mode)s)
        order by o.not_before
        limit %(each)s
        for update skip locked
    ) d
    limit %(limit)s
)
update outbox o set owner = %(owner)s, lease = %(lease)s, updated_at = %(now)s
from due where o.partition = due.partition and o.effect_id = due.effect_id
returning o.partition, o.effect_id, o.profile_id, o.channel, o.journey, o.version, o.node, o.run, o.move, o.template,
    o.topic, o.transactional, o.address, o.status, o.at, o.expires_at, o.tries, o.why, o.data

-- name: delivery_sending
-- queued → sending, committed just before the first byte. What was withdrawn meanwhile does not come back.
with mine as materialized (
    select o.partition, o.effect_id from outbox o
    join unnest(%(partitions)b::int[], %(effects)b::text[]) as t(partition, effect_id)
        on o.partition = t.partition and o.effect_id = t.effect_id
    where o.owner = %(owner)s and o.status in ('queued', 'sending')
    for update of o skip locked
)
update outbox o set status = 'sending', tries = o.tries + 1, lease = %(lease)s, updated_at = %(now)s
from mine where o.partition = mine.partition and o.effect_id = mine.effect_id
returning o.effect_id

-- name: delivery_renew
update outbox o set lease = %(lease)s
from unnest(%(partitions)b::int[], %(effects)b::text[]) as t(partition, effect_id)
where o.partition = t.partition and o.effect_id = t.effect_id and o.owner = %(owner)s and o.status = 'sending'

-- name: delivery_settle_sent
-- What became of messages that were being sent.
update outbox o
set status = t.status, why = t.why, provider_id = t.provider_id, not_before = t.not_before, address = t.address,
    lease = 0, updated_at = %(now)s
from unnest(%(partitions)b::int[], %(effects)b::text[], %(states)b::text[], %(whys)b::text[], %(providers)b::text[],
    %(times)b::bigint[], %(addresses)b::text[]) as t(partition, effect_id, status, why, provider_id, not_before, address)
where o.partition = t.partition and o.effect_id = t.effect_id and o.owner = %(owner)s and o.status = 'sending'
returning o.effect_id

-- name: delivery_settle_queued
-- The same for messages that never left: put back, dropped or refused before sending.
with mine as materialized (
    select o.partition, o.effect_id, t.status, t.why, t.provider_id, t.not_before, t.address from outbox o
    join unnest(%(partitions)b::int[], %(effects)b::text[], %(states)b::text[], %(whys)b::text[], %(providers)b::text[],
        %(times)b::bigint[], %(addresses)b::text[]) as t(partition, effect_id, status, why, provider_id, not_before, address)
        on o.partition = t.partition and o.effect_id = t.effect_id
    where o.owner = %(owner)s and o.status in ('queued', 'sending')
    for update of o skip locked
)
update outbox o
set status = mine.status, why = mine.why, provider_id = mine.provider_id, not_before = mine.not_before,
    address = mine.address, lease = 0, updated_at = %(now)s
from mine where o.partition = mine.partition and o.effect_id = mine.effect_id
returning o.effect_id

-- name: delivery_people
select t.partition, t.id, p.state, p.attributes
from unnest(%b::int[], %b::bigint[]) as t(partition, id)
join profile p on p.partition = t.partition and p.id = t.id

-- name: delivery_settings
-- The settings in force: of each the latest that was published. A change names only those it changes.
select json_object_agg(s.key, s.value) from (
    select distinct on (e.key) e.key, e.value from plan_change c, json_each(c.document) e
    where c.kind = 'settings' order by e.key, c.number desc) s

-- name: delivery_message
-- What feedback needs to know about a message, while its row is there.
select journey, node, run, move, channel, template, address, topic from outbox where partition = %s and effect_id = %s

-- name: delivery_of_person
-- Messages to one person, to find the one whose digest a bounce address carries.
select effect_id from outbox where partition = %s and profile_id = %s order by at desc limit 1000

-- name: delivery_by_effect
-- A bounce that returned our headers but came to another address: one probe per partition, rare.
select o.profile_id from unnest(%b::int[]) as p(partition)
join outbox o on o.partition = p.partition and o.effect_id = %s
