-- Geofences (content/geofences.py).

-- name: geofence_list
select id, name, shape, margin from geofence order by id;

-- name: geofence_ids
select id from geofence order by id;

-- name: geofence_state
-- Changes whenever any of them does.
select count(*), coalesce(max(updated_at), 0)::bigint from geofence;

-- name: geofence_put
insert into geofence (id, name, shape, margin, created_at, updated_at) values (%s, %s, %s::json, %s, %s, %s)
on conflict (id) do update set name = excluded.name, shape = excluded.shape, margin = excluded.margin,
    updated_at = greatest(geofence.updated_at + 1, excluded.updated_at);

-- name: geofence_delete
delete from geofence where id = %s;
