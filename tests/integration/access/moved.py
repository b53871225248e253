"""A small Supabase project that is moved: V1 lets everybody read everything, V2 does not."""

from __future__ import annotations

V1 = """
set search_path = public;
create table members (id uuid primary key, mail text not null, boss boolean not null default false);
create table "Posts" (id int primary key, author uuid not null, body text, "open" boolean not null);
create table likes (post int, member uuid, primary key (post, member));
insert into members select ('00000000-0000-0000-0000-00000000000' || n)::uuid, 'm' || n, n = 1
  from generate_series(1, 4) n;
insert into "Posts" select row_number() over (), id, 'body', row_number() over () % 2 = 0
  from members, generate_series(1, 3);
insert into likes select p.id, m.id from "Posts" p, members m;
insert into auth.users (id) select id from members;
alter table members enable row level security;
create policy all_of_them on members using (true);
grant all on members, "Posts" to anon, authenticated, service_role;
grant select on likes to authenticated, service_role;
"""

FILES = {
    "target.sql": """
create table members (id uuid primary key, mail text not null,
  role text not null default 'user' check (role in ('user', 'boss')));
create table posts (id int primary key, user_id uuid not null references members (id),
  body text, is_open boolean not null);
create table likes (post_id int references posts (id), user_id uuid references members (id),
  primary key (post_id, user_id));
create view open_posts with (security_invoker = true) as select id, body from posts where is_open;

create function is_boss() returns boolean language sql stable security definer set search_path = ''
begin atomic
  select exists (select from members m where m.id = auth.uid() and m.role = 'boss');
end;
create function watched() returns trigger language plpgsql as $$
begin raise exception 'a trigger of V2 fired'; end $$;
create trigger watched after insert or update or delete on posts
  for each row execute function watched();

alter table members enable row level security;
alter table posts enable row level security;
alter table likes enable row level security;
create policy own on members for select to authenticated using (id = (select auth.uid()));
create policy bosses on members for all to authenticated
  using ((select is_boss())) with check ((select is_boss()));
create policy seen on posts for select using (is_open or user_id = (select auth.uid()));
create policy own on posts for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy own on likes for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
revoke all on members, posts, likes, open_posts from public, anon, authenticated, service_role;
grant select on posts, open_posts to anon;
grant select, insert, update, delete on posts, likes to authenticated;
grant select, update (mail) on members to authenticated;
grant select on open_posts to authenticated;
grant select, insert, update, delete on members, posts, likes, open_posts to service_role;
revoke all on function is_boss() from public;
grant execute on function is_boss() to authenticated;
""",
    "moves/members.sql": (
        "select id, mail, case when boss then 'boss' else 'user' end as role from members"
    ),
    "moves/posts.sql": ('select id, author as user_id, body, "open" as is_open from "Posts"'),
    "moves/likes.sql": "select post as post_id, member as user_id from likes",
    "access.toml": """
[identity.anon]
role = "anon"
[identity.user]
role = "authenticated"
sub = "select id from members where role = 'user' order by id"
[identity.boss]
role = "authenticated"
sub = "select id from members where role = 'boss'"
[identity.service]
role = "service_role"

[default]
anon = "none"
service = "all"

[table.members]
owner = "id"
user = { select = "own" }
boss = { select = "all", update = "all", columns = ["mail"] }
[table.posts]
owner = "user_id"
anon = { select = "is_open" }
user = { select = "is_open or user_id = auth.uid()", write = "own" }
boss = { select = "is_open or user_id = auth.uid()", write = "own" }
[table.likes]
owner = "user_id"
user = "own"
boss = "own"
[table.open_posts]
anon = { select = "all" }
user = { select = "all" }
boss = { select = "all" }

[old.members]
owner = "id"
[old.Posts]
owner = "author"
[old.likes]
owner = "member"

[functions]
user = ["is_boss"]
boss = ["is_boss"]
""",
}
SETTINGS = """
[target.x]
"""
