-- Back-filling a segment in two passes: the log is read once, then the people who may match are judged.
alter table backfill
    add column staged bigint not null default 0,
    add column oldest bigint not null default 0,
    add column ready boolean not null default false,
    add column again bigint[] not null default '{}';

-- The events of the log that a segment's condition remembers, by person, while it is being back-filled.
create table backfill_row (
    partition int not null,
    segment text not null,
    version int not null,
    profile_id bigint not null,
    seq bigint not null,
    at bigint not null,
    payload json not null,
    primary key (partition, segment, version, profile_id, seq)
);
