create table users (
  id uuid primary key default gen_random_uuid(),
  email text not null
);
create table posts (id int primary key, author uuid references users (id));
