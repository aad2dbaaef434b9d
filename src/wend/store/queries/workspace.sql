-- Workspace rows, heads and cursors, days, settings, secrets, keys: nothing of this is hot.

-- name: workspace_fill
-- The number of partitions is fixed when the workspace is made: a person never changes partition.
insert into workspace (name, value) values
    ('partitions', to_json(%(partitions)s::int)), ('mode', '"live"'), ('created_at', to_json(%(now)s::bigint))
on conflict (name) do nothing;

-- name: head_fill
insert into head (partition) select generate_series(0, %(partitions)s::int - 1) on conflict do nothing;

-- name: cursor_fill
insert into cursor (partition) select generate_series(0, %(partitions)s::int - 1) on conflict do nothing;

-- name: days_existing
select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = current_schema() and c.relispartition and c.relname = any(%b::text[]);

-- name: days_of
select c.relname::text from pg_inherits i join pg_class c on c.oid = i.inhrelid
where i.inhparent = %s::text::regclass and c.relkind = 'r' order by 1;

-- name: log_needed_from
-- The oldest instant that some cursor or parked row still needs (engine.md 24). A partition that is up to date needs nothing.
select least((select min(c.at) from cursor c join head h using (partition) where c.seq < h.seq), (select min(at) from parked));

-- name: left_out_drop
delete from left_out where at < %s;

-- name: setting_get
select value from setting where name = %s;

-- name: setting_all
select name, value from setting order by name;

-- name: setting_put
insert into setting (name, value, updated_at) values (%s, %s::json, %s)
on conflict (name) do update set value = excluded.value, updated_at = excluded.updated_at;

-- name: secret_get
select value from secret where name = %s;

-- name: secret_put
insert into secret (name, value, updated_at) values (%s, %s, %s)
on conflict (name) do update set value = excluded.value, updated_at = excluded.updated_at;

-- name: secret_make
insert into secret (name, value, updated_at) values (%s, %s, %s) on conflict (name) do nothing;

-- name: key_create
insert into api_key (id, kind, name, hash, scopes, created_at) values (%s, %s, %s, %s, %s::text[], %s);

-- name: key_find
select id, kind, name, scopes from api_key where hash = %s and revoked_at is null;

-- name: key_list
select id, kind, name, scopes, created_at, revoked_at from api_key order by created_at, id;

-- name: key_revoke
update api_key set revoked_at = %s where id = %s and revoked_at is null;

-- name: mode_get
select value from workspace where name = 'mode';

-- name: mode_put
update workspace set value = to_json(%s::text) where name = 'mode';

-- name: partitions_get
select value::text::int from workspace where name = 'partitions';

-- name: erased_address_put
insert into erased_address (hash, at, reason) select h, %s, %s from unnest(%s::bytea[]) t(h) on conflict (hash) do nothing;

-- name: erased_address_find
select hash, reason from erased_address where hash = any(%s::bytea[]);

-- name: learned_claim
-- Whoever gets a row learns; nobody else does for a while.
insert into workspace as w (name, value) values (%(name)s, to_json(%(now)s::bigint))
on conflict (name) do update set value = excluded.value where (w.value::text)::bigint <= %(now)s::bigint - %(for)s::bigint
returning name;
