-- Templates: few, small, read by id.

-- name: template_add
-- Two who push the same template at once: one of them adds nothing and looks again.
insert into template (id, version, channel, document, created_at) values (%s, %s, %s, %s::json, %s)
on conflict (id, version) do nothing

-- name: template_get
select id, version, channel, document, created_at from template
where id = %(id)s and (%(version)s::int is null or version = %(version)s)
order by version desc limit 1

-- name: template_list
select distinct on (id) id, version, channel, document, created_at from template order by id, version desc

-- name: template_versions
-- One index probe each: asked for every batch of messages, so that a pushed template counts at once.
select wanted.id, (select max(version) from template where template.id = wanted.id) as version
from unnest(%b::text[]) as wanted(id)
where exists (select from template where template.id = wanted.id)
