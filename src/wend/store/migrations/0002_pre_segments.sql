-- Segments, lists, who is in them, and their back-fill; publishing with a mapping of nodes.

-- Segments (with a condition, kept exact per person) and lists.
create table segment (
    id text primary key,
    name text not null,
    kind text not null,                   -- live list
    status text not null,                 -- warming live
    document json not null,               -- as published last
    version int not null,                 -- published last
    live_version int not null default 0,  -- in force; 0: none yet
    created_at bigint not null,
    updated_at bigint not null
);

-- Who is in which segment now (read model of the state). A version that is being back-filled stands beside the one in force as
-- `id@version`.
create table membership (
    partition int not null,
    segment text not null,
    profile_id bigint not null,
    since bigint not null,
    primary key (partition, segment, profile_id)
);
create index membership_segment on membership (segment, profile_id);

-- How far a new version of a segment has been back-filled (engine.md 19).
create table backfill (
    segment text not null,
    version int not null,
    partition int not null,
    upto bigint not null default -1,      -- profile ids up to here are done
    people bigint not null default 0,     -- looked at
    matched bigint not null default 0,    -- found to be in it
    done boolean not null default false,
    updated_at bigint not null,
    primary key (segment, version, partition)
);

-- People who are to be moved from one version of a journey to another: old node -> new node.
alter table plan_change add column mapping json;
