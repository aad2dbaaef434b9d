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
