-- Log rows that changed nobody: repeats of a message id, what a tombstone passed on (it stands in the survivor's log again), what an
-- operator skipped. Written by the engine, so that history counts what states count; as long as the log's day.
create table left_out (
    partition int not null,
    profile_id bigint not null,
    seq bigint not null,
    at bigint not null,                   -- log time
    primary key (partition, profile_id, seq)
);
