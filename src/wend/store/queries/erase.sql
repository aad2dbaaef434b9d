-- Forgetting a person (engine.md 15). Rare, so these may search.

-- name: erase_aliases
select absorbed from alias where survivor = %s;

-- name: erase_identifiers
select value from identifier where profile_id = %s;

-- name: erase_inbox
delete from inbox where effect_id in (select effect_id from outbox where partition = %(partition)s and profile_id = %(id)s)
    or recipient = any(%(addresses)s::text[]);

-- name: erase_outbox
delete from outbox where partition = %(partition)s and profile_id = %(id)s;

-- name: erase_relay
-- Not the erasures of those who were absorbed: they belong to other people.
delete from relay where partition = %(partition)s and profile_id = %(id)s;

-- name: erase_log
-- All of them: applied ones are raw data as much as those still to come. The erasure itself is in the batch at hand.
delete from log where partition = %(partition)s and profile_id = %(id)s;

-- name: erase_parked
delete from parked where partition = %(partition)s and profile_id = %(id)s;

-- name: erase_seen
delete from seen where partition = %(partition)s and profile_id = %(id)s;

-- name: erase_left_out
delete from left_out where partition = %(partition)s and profile_id = %(id)s;

-- name: erase_step
delete from step where partition = %(partition)s and profile_id = %(id)s;

-- name: erase_place
delete from place where partition = %(partition)s and profile_id = %(id)s;

-- name: erase_consent
delete from consent_log where partition = %(partition)s and profile_id = %(id)s;

-- name: erase_coupon
-- The code stays issued: nobody else may get it.
update coupon set profile_id = null, holder = null, effect_id = null where profile_id = %(id)s;

-- name: erase_alert
delete from alert where profile_id = %(id)s;

-- name: erase_audience
delete from audience_change where profile_id = %(id)s;

-- name: erase_identifier
delete from identifier where profile_id = %(id)s;

-- name: erase_alias
delete from alias where absorbed = %(id)s or survivor = %(id)s;

-- name: erase_conflict
delete from identity_conflict where profile_id = %(id)s or other_id = %(id)s;

-- name: erase_dead_letter
delete from dead_letter where exists (select from unnest(%(quoted)s::text[]) q where position(q in dead_letter.body) > 0);

-- name: erase_profile
update profile set attributes = '{}', wakes_at = null where partition = %(partition)s and id = %(id)s;

-- name: erase_membership
delete from membership where partition = %(partition)s and profile_id = %(id)s;

-- name: erase_staged
delete from backfill_row where partition = %(partition)s and profile_id = %(id)s;
