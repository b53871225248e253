-- What undoing migrations took away, kept. Nothing here is changed again: a restore is a note of its
-- own. `what` is rollback, or restore where a restore put archived rows in the place of others.
create schema repot_archive;

create function repot_archive.append_only() returns trigger
  language plpgsql set search_path = pg_catalog as $$
begin
  raise exception 'repot_archive.% is append-only', tg_table_name
    using errcode = 'insufficient_privilege';
end $$;

create table repot_archive.rollback (
  id      bigint generated always as identity primary key,
  at      timestamptz not null default clock_timestamp(),
  what    text not null,
  who     text not null default session_user,
  client  text,
  layout  text not null
);

-- One for each table that lost something. columns: name, type and kept type of each, in order;
-- key: the columns that name a row, empty where there was none; n, marks, afters: what the columns of
-- the archive table are called that are not the table's own (the order; which values of the row are
-- lost; what stood there afterwards).
create table repot_archive.kept (
  id        bigint generated always as identity primary key,
  rollback  bigint not null references repot_archive.rollback,
  migration text not null,
  schema    text not null,
  name      text not null,
  kind      text not null,
  why       text not null,
  archive   text not null,
  columns   jsonb not null,
  key       jsonb not null,
  n         text not null,
  marks     text,
  afters    text,
  count     bigint not null,
  rows      bigint not null
);

create table repot_archive.restored (
  id        bigint generated always as identity primary key,
  kept      bigint not null references repot_archive.kept,
  at        timestamptz not null default clock_timestamp(),
  who       text not null default session_user,
  restored  bigint not null,
  already   bigint not null,
  refused   bigint not null,
  displaced bigint references repot_archive.rollback
);

create trigger append_only before update or delete or truncate on repot_archive.rollback
  for each statement execute function repot_archive.append_only();
create trigger append_only before update or delete or truncate on repot_archive.kept
  for each statement execute function repot_archive.append_only();
create trigger append_only before update or delete or truncate on repot_archive.restored
  for each statement execute function repot_archive.append_only();
