-- What upkeep keeps in the database. Every statement may run again; the owner of the schema is the
-- role that tasks run as.
create schema if not exists repot_upkeep;

-- The tasks as declared when they were last registered, so that the database can run them alone.
create table if not exists repot_upkeep.task (
  name        text primary key,
  project     text not null,
  kind        text not null check (kind in ('sql', 'care', 'command')),
  what        text not null,           -- the file, the built-in or the program, for people
  schedule    text not null,           -- as written
  spec        jsonb not null,          -- the schedule taken apart; see repot_upkeep.dues
  time_zone   text not null,
  schema      text not null,           -- where bare names of `sql` are
  sql         text,
  care        text,
  settings    jsonb not null default '{}',
  in_database boolean not null,        -- repot_upkeep.run can run it
  timeout     double precision,        -- seconds
  catch_up    text not null check (catch_up in ('once', 'no')),
  enabled     boolean not null,
  again       boolean not null,        -- a run that was broken off is repeated
  since       timestamptz not null,    -- due times before this are nobody's
  updated_at  timestamptz not null default clock_timestamp()
);

-- One row for each due time of a task, whoever ran it: what two runners cannot both have.
create table if not exists repot_upkeep.history (
  id       bigint generated always as identity primary key,
  task     text not null,
  due      timestamptz not null,
  state    text not null check (state in ('started', 'done', 'failed', 'broken off')),
  ok       boolean generated always as
             (case state when 'started' then null else state = 'done' end) stored,
  started  timestamptz not null default clock_timestamp(),
  finished timestamptz,
  runner   text not null,
  asked    boolean not null default false,  -- by a person, not by the schedule
  missed   integer not null default 0,      -- earlier due times that it stands for, too
  attempt  integer not null default 1,
  summary  text,
  figures  jsonb not null default '{}',
  findings jsonb not null default '[]',
  error    text,
  pid      integer not null,                -- of the session that holds the task's lock
  earlier  jsonb not null default '[]',     -- attempts for this due time that were broken off
  unique (task, due)
);
create index if not exists history_unfinished on repot_upkeep.history (task)
  where state = 'started';

-- Which version of these files made what is here.
create table if not exists repot_upkeep.version (
  one    boolean primary key default true check (one),
  digest text not null,
  at     timestamptz not null default clock_timestamp()
);
