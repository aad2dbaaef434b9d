-- The tables of one workspace (one PostgreSQL schema, on the search_path). Equals the sum of migrations/ (tested).
--
-- Rules: `partition` leads every primary key of the hot path and every hot statement names one partition (storage.md).
-- Instants are bigint milliseconds since 1970 UTC. No sequences where order matters, no clock functions in UPDATE, no triggers.

-- Sequencing and log time, one row per partition (engine.md 1, 2, 23). Locked in ascending order.
create table head (
    partition int primary key,
    seq bigint not null default 0,
    at bigint not null default 0
) with (fillfactor = 10);

-- How far each partition has been applied. Claimed by compare-and-swap on epoch (engine.md 26).
create table cursor (
    partition int primary key,
    seq bigint not null default 0,        -- log rows up to here are applied
    at bigint not null default 0,         -- log time up to which rows and wakes are applied
    outbox_seq bigint not null default 0, -- position of the last outbox or relay row written
    plan int not null default 0,          -- number of the plan in force at seq
    epoch bigint not null default 0,
    owner text,
    lease bigint not null default 0,      -- instant at which another worker may claim it
    tries int not null default 0          -- attempts at the batch after seq, committed before the attempt
) with (fillfactor = 10);

-- Everything that became known, in the order it is applied. Created and dropped by day (range of `at`).
create table log (
    partition int not null,
    seq bigint not null,
    at bigint not null,                   -- log time, never backwards within a partition
    profile_id bigint not null,           -- 0: belongs to the partition (plan changes)
    kind text not null,
    message_hash bigint,                  -- of the message id; null: unique by construction
    payload json not null,
    primary key (partition, seq, at)
) partition by range (at);

-- A person. `state` is msgpack (wend.store.codec), kept under 2 KB and inline.
create table profile (
    partition int not null,
    id bigint not null,
    attributes jsonb not null default '{}',
    state bytea not null,
    wakes_at bigint,
    primary key (partition, id)
) with (fillfactor = 80, toast_tuple_target = 8160);
alter table profile alter column state set storage external;
create index profile_wakes on profile (partition, wakes_at) where wakes_at is not null;

-- Which person an identifier means. Keyed by the value (storage.md); namespace user_id, anonymous_id, or email (look-up only,
-- first come, never a reason to merge).
create table identifier (
    namespace text not null,
    value text not null,
    profile_id bigint not null,
    at bigint not null,
    primary key (namespace, value)
);
create index identifier_profile on identifier (profile_id);

-- absorbed → survivor, for history, why and erasure.
create table alias (
    absorbed bigint primary key,
    survivor bigint not null,
    at bigint not null
);
create index alias_survivor on alias (survivor);

-- Identifiers that were refused because two people with different user ids would have become one.
create table identity_conflict (
    id bigint generated always as identity primary key,
    at bigint not null,
    namespace text not null,
    value text not null,
    profile_id bigint not null,
    other_id bigint not null,             -- whom the identifier means; profile_id: with whom it was sent
    detail json,
    status text not null default 'open',  -- open kept_apart merged
    resolved_at bigint,
    resolved_by text
);
create unique index identity_conflict_case on identity_conflict (namespace, value, profile_id, other_id);

-- Message ids that were applied (engine.md 10); ranges of seven days, kept until the whole range is older than seven days.
create table seen (
    partition int not null,
    profile_id bigint not null,
    hash bigint not null,
    at bigint not null,
    primary key (partition, profile_id, hash, at)
) partition by range (at);

-- Messages to be handed over and what became of them (engine.md 8, 9, 11).
create table outbox (
    partition int not null,
    effect_id text not null,
    outbox_seq bigint not null,
    profile_id bigint not null,
    channel text not null,
    journey text not null,
    version int not null,
    node text not null,
    run text not null,
    move int not null,
    template text not null,
    topic text not null default '',
    transactional boolean not null default false,
    address text not null default '',
    status text not null default 'queued', -- queued sending accepted refused dropped withdrawn uncertain
    at bigint not null,                   -- log time of the decision
    not_before bigint not null default 0, -- real time before which it is not tried (retry back-off)
    expires_at bigint not null,           -- real time after which it is dropped
    tries int not null default 0,
    owner text,
    lease bigint not null default 0,
    provider_id text,
    why text,
    updated_at bigint not null,
    data json not null default '{}',
    primary key (partition, effect_id)
) with (fillfactor = 80);
-- What is asked of the outside lies here too; who takes messages must not wade through it, nor the other way round.
create index outbox_due on outbox (partition, not_before) where status in ('queued', 'sending')
    and channel not in ('api', 'coupon', 'audience', 'alert');
create index outbox_asked on outbox (partition, not_before) where status in ('queued', 'sending')
    and channel in ('api', 'coupon', 'audience', 'alert');
create index outbox_journey on outbox (journey, at desc, effect_id);
create index outbox_profile on outbox (partition, profile_id, at);
create index outbox_provider on outbox (provider_id) where provider_id is not null;

-- Inputs for other people's logs, or emitted events for one's own (engine.md 12). Deleted once appended.
create table relay (
    partition int not null,               -- source
    outbox_seq bigint not null,
    target int not null,
    profile_id bigint not null,
    kind text not null,
    payload json not null,
    primary key (partition, outbox_seq)
);

-- How far the relays of `source` have been appended to `partition`; advanced in the append's own transaction.
create table relayed (
    partition int not null,
    source int not null,
    outbox_seq bigint not null,
    primary key (partition, source)
);

-- Inputs set aside: of a person who waits for a merge ('merge'), or whose facts could not be applied ('error').
create table parked (
    partition int not null,
    profile_id bigint not null,
    seq bigint not null,
    at bigint not null,
    kind text not null,
    message_hash bigint,
    payload json not null,
    reason text not null,
    error text,
    tries int not null default 0,
    primary key (partition, profile_id, seq)
);

-- The trace of decisions (core.effects.Step). Created and dropped by day.
create table step (
    partition int not null,
    profile_id bigint not null,
    at bigint not null,
    ordinal bigint not null,              -- order of steps of one person at one instant: outbox_seq-like position within the batch
    kind text not null,
    journey text not null,
    version int not null,
    run text not null,
    move int not null,
    node text not null,
    branch text not null,
    why text not null,
    until bigint,
    detail json
) partition by range (at);
create index step_profile on step (partition, profile_id, at);

-- Counters, added up per batch. `what`: waiting-in, waiting-out, started, moved:<branch>, sent, accepted, …
create table tally (
    partition int not null,
    journey text not null,
    version int not null,
    node text not null,
    what text not null,
    day int not null,                     -- days since 1970 UTC
    n bigint not null,
    primary key (partition, journey, version, node, what, day)
);
create index tally_journey on tally (journey, node, what);

-- Where every run rests now (read model of the state, for counts and lists of people at a node).
create table place (
    partition int not null,
    profile_id bigint not null,
    run text not null,
    journey text not null,
    version int not null,
    node text not null,
    started bigint not null,
    entered bigint not null,
    until bigint,
    primary key (partition, profile_id, run)
);
create index place_node on place (journey, node, profile_id);

-- Everything that is published, in order; each row stands at one place in every partition's log (engine.md 17).
create table plan_change (
    number int primary key,
    at bigint not null,
    kind text not null,                   -- publish pause resume sunset stop settings
    journey text not null default '',
    version int not null default 0,
    policy text not null default 'keep',
    document json,                        -- the journey document (publish) or the settings (settings)
    reads json,                           -- what the templates of a published version read: {"entry": [...], ...}
    mapping json                          -- policy move: node of an older version -> node of this one
);

create table journey (
    id text primary key,
    name text not null,
    status text not null,                 -- draft live paused sunset stopped
    draft json,
    version int not null default 0,       -- latest published
    created_at bigint not null,
    updated_at bigint not null
);

create table template (
    id text not null,
    version int not null,
    channel text not null,
    document json not null,
    created_at bigint not null,
    primary key (id, version)
);

-- Keys are stored as SHA-256; the key itself is shown once.
create table api_key (
    id text primary key,
    kind text not null,                   -- write api
    name text not null default '',
    hash bytea not null unique,
    scopes text[] not null default '{}',
    created_at bigint not null,
    revoked_at bigint
);

create table setting (
    name text primary key,
    value json not null,
    updated_at bigint not null
);

-- Secrets (link-signing key, SMTP password …), encrypted with the workspace's master key file.
create table secret (
    name text primary key,
    value bytea not null,
    updated_at bigint not null
);

-- Input that was refused, with its reason; an operator sees it.
create table dead_letter (
    id bigint generated always as identity primary key,
    at bigint not null,
    source text not null,                 -- path or file:row
    code text not null,
    message text not null,
    body text not null
);
create index dead_letter_at on dead_letter (at);

-- What the built-in inbox caught, on every channel; de-duplicated by effect id where it carries one.
create table inbox (
    id bigint generated always as identity primary key,
    effect_id text unique,
    channel text not null,
    at bigint not null,
    sender text not null default '',
    recipient text not null,
    subject text not null default '',
    body_text text not null default '',
    body_html text not null default '',
    headers json not null default '{}',
    raw bytea
);
create index inbox_recipient on inbox (recipient, id desc);

-- Proof of consent: every change, with source, time, text version and address.
create table consent_log (
    partition int not null,
    profile_id bigint not null,
    at bigint not null,
    ordinal bigint not null,
    channel text not null,
    topic text not null,
    state text not null,
    source text not null,
    text text not null,
    ip text not null,
    primary key (partition, profile_id, at, ordinal)
);

-- HMACs of addresses that must stay suppressed after their person was erased.
create table erased_address (
    hash bytea primary key,
    at bigint not null,
    reason text not null
);

create table import_job (
    id text primary key,                  -- digest of file and options
    source text not null,
    position bigint not null default 0,   -- rows done
    accepted bigint not null default 0,
    rejected bigint not null default 0,
    done boolean not null default false,
    updated_at bigint not null
);

create table audit (
    id bigint generated always as identity primary key,
    at bigint not null,
    who text not null,
    what text not null,
    detail json
);

-- Workspace-wide facts: partitions (P), replay mode, created_at.
create table workspace (
    name text primary key,
    value json not null
);

-- Answers of unsafe API calls that carried an Idempotency-Key, kept for a day. `id`: hash of API key and that key.
create table idempotency (
    id bytea primary key,
    asked bytea not null,                 -- hash of method, path and body
    at bigint not null,
    status int,                           -- null: still worked on
    media_type text,
    body bytea
);
create index idempotency_at on idempotency (at);

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
    staged bigint not null default 0,     -- log rows up to here have been looked at
    oldest bigint not null default 0,     -- log time of the oldest row there was; 0: none was ever dropped
    ready boolean not null default false, -- the log up to the publishing has been looked at
    again bigint[] not null default '{}', -- people to be judged once more when everybody else is done (merges)
    primary key (segment, version, partition)
);

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

-- Services that journeys may call. Secret headers and a secret path lie in `secret`, under `service:<id>`.
create table service (
    id text primary key,
    base_url text not null,
    headers json not null default '{}',
    secret_names text[] not null default '{}', -- names only, to be shown
    rate double precision not null default 0,  -- calls a second; 0: no limit
    at_once int not null default 8,
    internal boolean not null default false,   -- an operator allows private addresses
    idempotent boolean not null default false, -- obeys Idempotency-Key: any call may be repeated
    updated_at bigint not null
);

create table coupon_pool (
    id text primary key,
    pattern text,                              -- codes are made by it; null: codes are uploaded
    lasting bigint,                            -- ms that a code is good from when it is issued
    expires_at bigint,                         -- no code is good after this
    created_at bigint not null
);

-- Codes: uploaded and free (issued_at null), or somebody's.
create table coupon (
    pool text not null,
    code text not null,
    profile_id bigint,
    holder bigint,                             -- the profile, where everybody gets one code only
    effect_id text,
    issued_at bigint,
    expires_at bigint,
    primary key (pool, code)
);
create index coupon_free on coupon (pool, code) where issued_at is null;
create unique index coupon_effect on coupon (effect_id) where effect_id is not null;
create unique index coupon_holder on coupon (pool, holder) where holder is not null;
create index coupon_profile on coupon (profile_id) where profile_id is not null;

-- One row for each alert, way and address. In-product alerts are shown; the others are sent once, alone or in a digest.
create table alert (
    id bigint generated always as identity primary key,
    effect_id text not null,
    at bigint not null,
    channel text not null,                     -- in_product email webhook
    target text not null,                      -- whom: team or address; webhook: the service
    digest text not null default '',           -- '' daily weekly
    text text not null,
    profile_id bigint not null,
    journey text not null,
    node text not null,
    status text not null,                      -- shown read queued sending sent failed uncertain
    due_at bigint not null default 0,
    tries int not null default 0,
    lease bigint not null default 0,
    why text not null default '',
    settled_at bigint,
    unique (effect_id, channel, target)
);
create index alert_due on alert (due_at) where status in ('queued', 'sending');
create index alert_shown on alert (id desc) where channel = 'in_product';
create index alert_profile on alert (profile_id);

-- Changes of advertising audiences that the provider of the network takes from here.
create table audience_change (
    id bigint generated always as identity primary key,
    effect_id text not null unique,
    at bigint not null,
    audience text not null,
    profile_id bigint not null,
    action text not null,                      -- add remove
    status text not null default 'queued'
);
create index audience_change_due on audience_change (audience, id) where status = 'queued';
create index audience_change_profile on audience_change (profile_id);

-- Publications that are to happen at an instant.
create table scheduled (
    id bigint generated always as identity primary key,
    journey text not null,
    at bigint not null,                   -- real time from which on it is published
    document json not null,
    policy text not null default 'keep',
    mapping json,
    status text not null default 'waiting', -- waiting published failed cancelled
    why text not null default '',         -- of failed: everything that is in the way
    version int not null default 0,       -- of published
    who text not null,
    created_at bigint not null,
    updated_at bigint not null
);
create index scheduled_due on scheduled (at, id) where status = 'waiting';
create index scheduled_journey on scheduled (journey, id);

-- Names and types of properties and attributes, from samples of the log taken by maintenance; bounded by engine/observe.py.
create table schema_seen (
    kind text not null,                   -- event attribute company
    name text not null,                   -- the event's; '' for attributes and companies
    property text not null,
    type text not null,                   -- string number boolean array object
    n bigint not null,                    -- times in samples, not in all
    at bigint not null,                   -- log time of the latest
    primary key (kind, name, property, type)
);
create index schema_seen_at on schema_seen (at);

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

-- Log rows that changed nobody: repeats of a message id, what a tombstone passed on (it stands in the survivor's log again), what an
-- operator skipped. Written by the engine, so that history counts what states count; as long as the log's day.
create table left_out (
    partition int not null,
    profile_id bigint not null,
    seq bigint not null,
    at bigint not null,                   -- log time
    primary key (partition, profile_id, seq)
);

-- Products, courses, articles: what messages may show, and how soon they are used up.
create table product (
    id text primary key,
    kind text not null default 'product', -- product, course, article
    title text not null,
    category text not null default '',
    price double precision,
    currency text not null default '',
    image text not null default '',
    url text not null default '',
    available boolean not null default true,
    replenish bigint not null default 0,  -- ms until it is used up; 0: not known
    extra json not null default '{}',
    added_at bigint not null,
    changed_at bigint not null
);
create index product_newest on product (added_at desc, id) where available;
create index product_category on product (category, added_at desc, id) where available;
create index product_replenish on product (id) where replenish > 0;
