create table shop.orders (id int primary key);
