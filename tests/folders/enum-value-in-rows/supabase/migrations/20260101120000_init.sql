create type state as enum ('draft', 'sent');
create table letters (id int primary key, state state not null);
