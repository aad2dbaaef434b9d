-- One input for many people, schedules, and places.

-- One input on its way to many people (engine.md 21).
create table broadcast (
    id bigint generated always as identity primary key,
    what text not null,                   -- for people who look
    journey text not null default '',
    segment text,                         -- whoever is in it
    linked json,                          -- whoever fulfils one of these conditions; neither nor, and no ids: everybody
    kind text not null,                   -- of the input
    payload json not null,
    created_at bigint not null,
    ended_at bigint                       -- everybody has been told
);
create index broadcast_open on broadcast (id) where ended_at is null;

-- How far a broadcast has come in each partition.
create table broadcast_part (
    broadcast bigint not null references broadcast on delete cascade,
    partition int not null,
    ids bigint[],                         -- who is meant, where they were named
    upto bigint not null default -1,      -- profile ids up to here have been looked at
    told bigint not null default 0,       -- of those, how many the input was appended for
    seq bigint not null default 0,        -- of its last row in the log
    done boolean not null default false,
    primary key (broadcast, partition)
);
create index broadcast_part_open on broadcast_part (partition, broadcast) where not done;

-- Triggers by the calendar: when each falls due. `since`: dues after it have not been fired (null: it stands still).
create table schedule (
    journey text not null,
    mark text not null,                   -- of the trigger
    since bigint,
    due bigint,
    fired bigint,                         -- the due instant that was fired last
    primary key (journey, mark)
);
create index schedule_due on schedule (due) where due is not null;

-- Geofences: {circle: {lat, lon, radius}} or {polygon: GeoJSON}, metres.
create table geofence (
    id text primary key,
    name text not null,
    shape json not null,
    margin double precision not null,     -- who is outside by less than this has not left yet
    created_at bigint not null,
    updated_at bigint not null
);
