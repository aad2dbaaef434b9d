-- Appending to the log (engine.md 1, 23).

-- name: heads_lock
-- One ordered lock: an unordered set UPDATE of several heads deadlocks under load.
select partition, seq, at, (extract(epoch from clock_timestamp()) * 1000)::bigint
from head where partition = any(%b::int[]) order by partition for update;

-- name: heads_lock_all
select partition, seq, at, (extract(epoch from clock_timestamp()) * 1000)::bigint from head order by partition for update;

-- name: heads_advance
update head h set seq = t.seq, at = t.at
from unnest(%b::int[], %b::bigint[], %b::bigint[]) t(partition, seq, at) where h.partition = t.partition;

-- name: log_copy
copy log (partition, seq, at, profile_id, kind, message_hash, payload) from stdin (format binary);
