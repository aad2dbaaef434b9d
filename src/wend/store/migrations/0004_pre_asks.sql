-- What journeys have done outside: services, coupons, alerts, changes of audiences.
-- What is asked of the outside lies in the outbox too; who takes messages must not wade through it, nor the other way round.
drop index outbox_due;
create index outbox_due on outbox (partition, not_before) where status in ('queued', 'sending')
    and channel not in ('api', 'coupon', 'audience', 'alert');
create index outbox_asked on outbox (partition, not_before) where status in ('queued', 'sending')
    and channel in ('api', 'coupon', 'audience', 'alert');

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
