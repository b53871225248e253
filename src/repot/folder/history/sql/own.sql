-- What happened to migrations beyond what their tool's table says; append-only.
create table repot.migration_event (
  id            bigint generated always as identity primary key,
  at            timestamptz not null default clock_timestamp(),
  kind          text not null,
  layout        text not null,
  migration     text not null,
  attempt       text not null,      -- the id of the row in the history table
  who           text not null default session_user,
  client        text,               -- user and machine that Repot ran as
  pid           integer not null default pg_backend_pid(),
  backend_start timestamptz,        -- with pid: which session
  mode          text,               -- whole: one transaction; steps: statement by statement
  statement     integer,            -- from 1: the last one that is done, or the one reached
  duration_ms   double precision,
  checksum      text,               -- of the file
  prefix        text,               -- of the statements that are done
  fingerprint   text,               -- of the schema after it
  detail        jsonb not null default '{}'
);
create trigger append_only before update or delete or truncate on repot.migration_event
  for each statement execute function repot.append_only();
