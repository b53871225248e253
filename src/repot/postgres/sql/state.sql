-- Repot's state. Created once per database; every statement may run again.
create schema if not exists repot;

create table if not exists repot.run (
  id           integer generated always as identity primary key,
  project      text not null,
  plan_digest  text not null,
  plan         jsonb not null,
  phase        text not null,
  epoch        integer not null default 0,  -- rises with each proof; see repot.work
  both_ways    text check (both_ways in ('last', 'v1', 'v2')),  -- both sides are written: the rule
  created_at   timestamptz not null default clock_timestamp(),
  updated_at   timestamptz not null default clock_timestamp()
);

-- What happened, for people; append-only.
create table if not exists repot.event (
  id     bigint generated always as identity primary key,
  run    integer references repot.run,
  at     timestamptz not null default clock_timestamp(),
  stage  text not null,
  what   text not null,
  detail jsonb not null default '{}'
);

-- What was asked of the database and what came back; append-only. The report prints nothing else.
create table if not exists repot.evidence (
  id          bigint generated always as identity primary key,
  run         integer references repot.run,
  at          timestamptz not null default clock_timestamp(),
  stage       text not null,
  kind        text not null,
  plan_digest text not null,
  snapshot    text,
  question    text not null,
  answer      jsonb not null
);

create or replace function repot.append_only() returns trigger
  language plpgsql set search_path = pg_catalog as $$
begin
  raise exception 'repot.% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;

create or replace trigger append_only before update or delete or truncate on repot.event
  for each statement execute function repot.append_only();
create or replace trigger append_only before update or delete or truncate on repot.evidence
  for each statement execute function repot.append_only();

-- Tables by identity: names change at the cutover, oids do not.
create table if not exists repot.relation (
  run  integer not null references repot.run,
  side text not null check (side in ('v1', 'v2', 'outside')),
  name text not null,  -- without schema, as in the plan
  schema text not null, -- the schema at plan time
  oid  oid not null,
  primary key (run, side, schema, name)
);

-- Parts of the copy; a row that is done was committed together with the rows it stands for.
create table if not exists repot.chunk (
  run     integer not null references repot.run,
  move    text not null,
  number  integer not null,
  "column" text,  -- of the view; lo and hi are values of it. null: one part, the whole view
  lo      text,  -- inclusive, as text of the column's type; null: from the start (NULLs too)
  hi      text,  -- exclusive; null: to the end
  rows    bigint,
  ms      integer,
  done_at timestamptz,
  primary key (run, move, number)
);

-- Definitions taken off V2 for the load and put back afterwards, in order of step, then number.
create table if not exists repot.deferred (
  run     integer not null references repot.run,
  number  integer not null,
  step    text not null check (step in ('key', 'index', 'foreign_key', 'validate', 'trigger')),
  side    text not null default 'v2',
  object  text not null,
  "table" text not null,
  ddl     text not null,
  done_at timestamptz,
  primary key (run, number)
);

-- Captured tables. `log` is a table of repot: one row per old or new key of a changed row.
create table if not exists repot.capture (
  id        integer generated always as identity primary key,
  run       integer not null references repot.run,
  direction text not null check (direction in ('forward', 'back')),
  oid       oid not null,
  source    text not null,  -- schema.table at plan time, quoted
  columns   text[] not null,
  log       text not null,  -- table name in schema repot
  wal       boolean not null default false,  -- the log is filled from the WAL, not by triggers
  unique (run, direction, oid)
);

-- What is to be derived anew, a table todo_<id> per derived table: scopes that changes touch. For the
-- moves there is also touched_<id>: scopes written since they were last proven, and in which epoch.
create table if not exists repot.work (
  id          integer generated always as identity primary key,
  run         integer not null references repot.run,
  direction   text not null check (direction in ('forward', 'back')),
  name        text not null,  -- of the derived table, as in the plan
  whole_epoch integer,        -- the epoch in which all of the table was last derived anew, unproven
  unique (run, direction, name)
);

-- Transactions of Repot's own appliers, while they run: capture tells their writes from others'.
create unlogged table if not exists repot.own_transaction (
  xid xid8 primary key
);

-- Scopes that could not be applied. They stop the cutover, not the stream.
create table if not exists repot.poison (
  run       integer not null references repot.run,
  direction text not null,
  name      text not null,
  scope     text[] not null,  -- empty: the whole table
  sqlstate  text,
  error     text not null,
  at        timestamptz not null default clock_timestamp(),
  primary key (run, direction, name, scope)
);

-- The same row changed on both sides before either change was carried over; append-only.
create table if not exists repot.conflict (
  id     bigint generated always as identity primary key,
  run    integer not null references repot.run,
  at     timestamptz not null default clock_timestamp(),
  name   text not null,   -- the V2 table
  key    jsonb not null,
  v1     jsonb,           -- the row as V1 gives it; null: V1 gives none
  v2     jsonb,           -- the row as it was in V2; null: there was none
  v2_at  timestamptz,     -- when V2's row was written
  rule   text not null,
  winner text not null check (winner in ('v1', 'v2'))
);
create or replace trigger append_only before update or delete or truncate on repot.conflict
  for each statement execute function repot.append_only();

-- Rows written on V2 that V1 has no place for, as they were last seen.
create table if not exists repot.uncarried (
  run      integer not null references repot.run,
  name     text not null,  -- the V2 table
  key      jsonb not null,
  kind     text not null,  -- changed, extra, missing
  foreseen boolean not null,  -- the plan said so
  at       timestamptz not null default clock_timestamp(),
  primary key (run, name, key)
);

-- How to put back what the cutover changed outside Repot's own objects, in reverse order of number.
create table if not exists repot.restore (
  run    integer not null references repot.run,
  number integer not null,
  what   text not null,
  ddl    text not null,
  done_at timestamptz,
  primary key (run, number)
);
