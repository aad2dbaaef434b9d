-- Products, courses, articles. Small tables beside the hot path: read in bulk, kept for a moment by whoever renders.

-- name: product_get
select id, kind, title, category, price, currency, image, url, available, replenish, extra, added_at
from product where id = any(%b::text[]);

-- name: product_lock
-- In order, so that two who put the same products wait for each other instead of for ever.
select id, kind, title, category, price, currency, image, url, available, replenish, extra, added_at
from product where id = any(%b::text[]) order by id for update;

-- name: product_put
insert into product (id, kind, title, category, price, currency, image, url, available, replenish, extra, added_at, changed_at)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::json, %s, %s)
on conflict (id) do update set kind = excluded.kind, title = excluded.title, category = excluded.category, price = excluded.price,
    currency = excluded.currency, image = excluded.image, url = excluded.url, available = excluded.available,
    replenish = excluded.replenish, extra = excluded.extra, changed_at = excluded.changed_at;

-- name: product_list
select id, kind, title, category, price, currency, image, url, available, replenish, extra, added_at
from product
where id > %(after)s and (%(category)s::text is null or category = %(category)s::text)
    and (%(kind)s::text is null or kind = %(kind)s::text)
order by id limit %(limit)s;

-- name: product_delete
delete from product where id = %s returning id;

-- name: product_shelves
-- The newest that can be had, of each category.
select p.id, p.kind, p.title, p.category, p.price, p.currency, p.image, p.url, p.available, p.replenish, p.extra, p.added_at
from unnest(%b::text[]) as wanted (category)
cross join lateral (
    select * from product where category = wanted.category and available order by added_at desc, id limit %s) p;

-- name: product_newest
select id, kind, title, category, price, currency, image, url, available, replenish, extra, added_at
from product where available order by added_at desc, id limit %s;

-- name: product_intervals
select id, replenish from product where replenish > 0;

-- name: product_changed
select coalesce((select (value::text)::bigint from workspace where name = 'catalogue'), 0);

-- name: product_touch
insert into workspace as w (name, value) values ('catalogue', to_json(%s::bigint))
on conflict (name) do update set value = excluded.value;
