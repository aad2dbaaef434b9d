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
