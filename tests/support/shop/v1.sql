-- A small shop: two kinds of goods, labels in an array, orders to add up.
create table category (id integer primary key, name text not null unique);
create table product (
  id integer primary key, name text, price double precision not null default 0,
  category_id integer references category, status text not null default 'ACTIVE',
  labels text[] not null default '{}', created_at timestamptz not null default now()
);
create table bundle (id integer primary key, label text not null, price numeric(10,2) not null);
create table customer (id integer primary key, email text, old_code text);
create table purchase (
  id bigserial primary key, customer_id integer not null references customer on delete cascade,
  product_id integer references product, amount numeric not null
);
create table scratch (note text);

insert into category select n, 'Category ' || n from generate_series(1, 5) n;
insert into product
select n, case n % 4 when 0 then 'Café ' || n / 8 when 1 then null else 'Pack ' || n % 10 end,
       n + 0.1, case when n % 7 = 0 then null else 1 + n % 5 end,
       case n % 3 when 0 then 'ACTIVE' when 1 then 'DRAFT' else 'odd' end,
       case n % 5 when 0 then '{}'::text[] else array['l' || n % 3, 'm'] end,
       timestamptz '2024-01-01' + n * interval '1 minute'
  from generate_series(1, 400) n;
insert into bundle select n, 'Pack ' || n % 10, n from generate_series(1, 60) n;
insert into customer select n, case n % 9 when 0 then null else 'c' || n || '@x.test' end, 'old' || n
  from generate_series(1, 100) n;
insert into purchase (customer_id, product_id, amount)
select 1 + n % 90, case n % 11 when 0 then null else 1 + n % 400 end, (n % 13)::numeric / 10
  from generate_series(1, 900) n;
insert into scratch values ('left behind');
