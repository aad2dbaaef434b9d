-- What is done outside besides messages: services, coupons, alerts, audiences.

-- name: ask_claim
-- As delivery_claim, for what is asked. `busy`: services that work on as much as they may.
with due as materialized (
    select d.partition, d.effect_id
    from unnest(%(partitions)b::int[]) as p(partition)
    cross join lateral (
        select o.partition, o.effect_id from outbox o
        where o.partition = p.partition and o.status in ('queued', 'sending')
            and o.not_before <= %(now)s and o.lease <= %(now)s
            and o.channel in ('api', 'coupon', 'audience', 'alert')
            and (o.channel <> 'api' or o.template <> all(%(busy)b::text[]))
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

-- name: service_all
select id, base_url, headers, secret_names, rate, at_once, internal, idempotent, updated_at from service order by id

-- name: service_put
insert into service (id, base_url, headers, secret_names, rate, at_once, internal, idempotent, updated_at)
values (%(id)s, %(base_url)s, %(headers)s::json, %(secret_names)s, %(rate)s, %(at_once)s, %(internal)s, %(idempotent)s, %(now)s)
on conflict (id) do update set base_url = excluded.base_url, headers = excluded.headers, secret_names = excluded.secret_names,
    rate = excluded.rate, at_once = excluded.at_once, internal = excluded.internal, idempotent = excluded.idempotent,
    updated_at = excluded.updated_at

-- name: service_delete
with gone as (delete from service where id = %(id)s returning id)
delete from secret where name in (select 'service:' || id from gone)

-- name: pool_all
select p.id, p.pattern, p.lasting, p.expires_at, p.created_at,
    count(c.code) filter (where c.issued_at is not null), count(c.code) filter (where c.issued_at is null)
from coupon_pool p left join coupon c on c.pool = p.id group by p.id order by p.id

-- name: pool_put
insert into coupon_pool (id, pattern, lasting, expires_at, created_at)
values (%(id)s, %(pattern)s, %(lasting)s, %(expires_at)s, %(now)s)
on conflict (id) do update set pattern = excluded.pattern, lasting = excluded.lasting, expires_at = excluded.expires_at

-- name: pool_for_node
-- The pool of a node that makes codes by a pattern of its own appears with its first code.
insert into coupon_pool (id, pattern, created_at) values (%(id)s, %(pattern)s, %(now)s)
on conflict (id) do update set pattern = excluded.pattern

-- name: coupon_upload
insert into coupon (pool, code) select %(pool)s, t.code from unnest(%(codes)b::text[]) as t(code)
on conflict (pool, code) do nothing returning code

-- name: coupon_pool
select pattern, lasting, expires_at from coupon_pool where id = %s

-- name: coupon_of_effect
select pool, code, expires_at from coupon where effect_id = %s

-- name: coupon_of_person
-- Theirs already, also when they got it as somebody who turned out to be them.
select pool, code, expires_at from coupon
where pool = %(pool)s and holder in (select %(profile)s::bigint union all select absorbed from alias where survivor = %(profile)s)
limit 1

-- name: coupon_take
-- One that is free; of two executors each takes its own.
with free as materialized (
    select pool, code from coupon where pool = %(pool)s and issued_at is null limit 1 for update skip locked
)
update coupon c set profile_id = %(profile)s, holder = %(holder)s, effect_id = %(effect)s, issued_at = %(now)s,
    expires_at = %(expires_at)s
from free where c.pool = free.pool and c.code = free.code returning c.code

-- name: coupon_any_free
-- Whether a free one is there that somebody else has his hand on.
select exists (select from coupon where pool = %s and issued_at is null)

-- name: coupon_make
insert into coupon (pool, code, profile_id, holder, effect_id, issued_at, expires_at)
values (%(pool)s, %(code)s, %(profile)s, %(holder)s, %(effect)s, %(now)s, %(expires_at)s)
on conflict (pool, code) do nothing returning code

-- name: audience_note
insert into audience_change (effect_id, at, audience, profile_id, action)
values (%(effect)s, %(now)s, %(audience)s, %(profile)s, %(action)s) on conflict (effect_id) do nothing

-- name: alert_note
insert into alert (effect_id, at, channel, target, digest, text, profile_id, journey, node, status, due_at, why)
select %(effect)s, %(at)s, t.channel, t.target, %(digest)s, %(text)s, %(profile)s, %(journey)s, %(node)s, t.status, t.due_at, t.why
from unnest(%(channels)b::text[], %(targets)b::text[], %(states)b::text[], %(times)b::bigint[], %(whys)b::text[])
    as t(channel, target, status, due_at, why)
on conflict (effect_id, channel, target) do nothing

-- name: alert_claim
-- Due alerts under a lease, marked as being sent before the first byte. Whose sender died stays out: it may have been sent.
with due as materialized (
    select id from alert where status = 'queued' and due_at <= %(now)s
    order by due_at, id limit %(limit)s for update skip locked
)
update alert a set status = 'sending', tries = a.tries + 1, lease = %(lease)s
from due where a.id = due.id
returning a.id, a.effect_id, a.at, a.channel, a.target, a.digest, a.text, a.profile_id, a.journey, a.node, a.tries, a.due_at

-- name: alert_settle
update alert set status = %(status)s, why = %(why)s, due_at = %(due_at)s, settled_at = %(now)s, lease = 0
where id = any(%(ids)b::bigint[]) and status = 'sending'

-- name: alert_died
update alert set status = 'uncertain', why = 'its sender died while handing it over', settled_at = %(now)s, lease = 0
where status = 'sending' and lease <= %(now)s

-- name: alert_list
select id, at, text, target, profile_id, journey, node, status from alert
where channel = 'in_product' and id < %(before)s and (status = 'shown' or not %(unread)s)
order by id desc limit %(limit)s

-- name: alert_read
update alert set status = 'read', settled_at = %(now)s
where channel = 'in_product' and status = 'shown' and (id = any(%(ids)b::bigint[]) or %(everything)s)

-- name: alert_unread
select count(*) from (select from alert where channel = 'in_product' and status = 'shown' limit 1000) as unread
