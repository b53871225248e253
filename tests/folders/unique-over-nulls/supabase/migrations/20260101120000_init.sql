create table products (
  id int primary key,
  brand int,
  slug text not null
);
create unique index products_slug on products (brand, slug);
