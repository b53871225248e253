"""The small world of the schedules: every kind of row that can go stale, in as few tables as do."""

from __future__ import annotations

V1 = """
create table category (
  id int primary key, name text not null, code text, unique (code) deferrable
);
create table product (
  id int primary key, category_id int references category (id) on update cascade,
  title text, price int, tags text[] not null default '{}'
);
create table bundle (id int primary key, title text not null, price int);
create table sale (
  id int primary key, product_id int references product (id) on delete cascade, amount int
);
create table journal (token int primary key);
insert into category values (1, 'one', 'a'), (2, 'two', 'b'), (3, 'three', null);
insert into product values
  (1, 1, 'x', 1, '{a,b}'), (2, 1, 'x', 2, '{}'), (3, 2, 'y', 3, '{b}'), (4, null, null, null, '{c}');
insert into bundle values (1, 'x', 1), (2, 'z', 2);
insert into sale values (1, 1, 3), (2, 1, 9), (3, 3, 9), (4, null, 1);
"""

SETTINGS = """
[registry.item_slug]
kind = "slug"
key = ["kind", "id"]
text = "title"
back = "select kind, id, slug as value from items"
"""

FILES = {
    "target.sql": """
create table categories (
  id int primary key, name text not null, code text unique, products bigint not null
);
create table items (
  kind text, id int, title text, slug text not null unique,
  category_id int references categories (id), category text, price int, sold boolean not null,
  primary key (kind, id)
);
create table item_tags (
  kind text, id int, tag text, primary key (kind, id, tag),
  foreign key (kind, id) references items (kind, id) on delete cascade
);
create table category_sales (
  category_id int primary key references categories (id), sales bigint not null, total bigint
);
create table journal (token int primary key);
""",
    # a count of another table's rows
    "moves/categories.sql": """
select c.id, c.name, c.code,
       (select count(*) from product p where p.category_id = c.id) as products
from category c""",
    # UNION ALL, a registry, a parent's column in the child's row, EXISTS
    "moves/items.sql": """
select 'product' as kind, p.id, p.title, s.value as slug, p.category_id, c.name as category, p.price,
       exists (select from sale x where x.product_id = p.id and x.amount > 5) as sold
from product p
join item_slug s on s.kind = 'product' and s.id = p.id
left join category c on c.id = p.category_id
union all
select 'bundle', b.id, b.title, s.value, null::int, null::text, b.price, false
from bundle b
join item_slug s on s.kind = 'bundle' and s.id = b.id""",
    # one row becomes several
    "moves/item_tags.sql": """
select distinct 'product' as kind, p.id, t.tag
from product p cross join lateral unnest(p.tags) t(tag) where t.tag is not null""",
    # many rows become one, by a column of another table
    "moves/category_sales.sql": """
select p.category_id, count(*) as sales, sum(s.amount) as total
from sale s join product p on p.id = s.product_id
where p.category_id is not null group by p.category_id""",
    "moves/journal.sql": "select token from journal",
    "registry/item_slug.sql": """
select 'product' as kind, id, title from product union all select 'bundle', id, title from bundle""",
    "back/product.sql": """
select i.id, i.category_id, i.title, i.price,
       coalesce((select array_agg(t.tag order by t.tag) from item_tags t
                 where t.kind = i.kind and t.id = i.id), '{}') as tags
from items i where i.kind = 'product'""",
    "back/bundle.sql": "select i.id, i.title, i.price from items i where i.kind = 'bundle'",
    "leave.toml": """
[[column]]
table = "sale"
column = "id"
reason = "sales are added up"
[[rows]]
table = "sale"
where = "not exists (select from product p where p.id = product_id and p.category_id is not null)"
reason = "sales of nothing"
""",
}

# Parts of the copy, laid out beforehand: tables as small as these would be copied in one.
PARTS = """
insert into repot.chunk (run, move, number, "column", lo, hi) values
  ({run}, 'categories', 1, 'id', null, '2'), ({run}, 'categories', 2, 'id', '2', null),
  ({run}, 'items', 1, 'id', null, '2'), ({run}, 'items', 2, 'id', '2', '4'),
  ({run}, 'items', 3, 'id', '4', null),
  ({run}, 'item_tags', 1, 'id', null, '3'), ({run}, 'item_tags', 2, 'id', '3', null),
  ({run}, 'category_sales', 1, 'category_id', null, '2'),
  ({run}, 'category_sales', 2, 'category_id', '2', null)
"""
