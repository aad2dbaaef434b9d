-- Refused identifiers are resolved by somebody: kept apart, or the two people merged. Which types properties have been seen with.

alter table identity_conflict add column status text not null default 'open';
alter table identity_conflict add column resolved_at bigint;
alter table identity_conflict add column resolved_by text;
delete from identity_conflict later using identity_conflict first
where later.namespace = first.namespace and later.value = first.value and later.profile_id = first.profile_id
  and later.other_id = first.other_id and later.id > first.id;
create unique index identity_conflict_case on identity_conflict (namespace, value, profile_id, other_id);

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
