create table products (
  id int primary key,
  brand int not null,
  slug text not null
);
create index products_brand on products (brand);
