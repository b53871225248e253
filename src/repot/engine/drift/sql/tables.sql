-- Changes of the schema while a run is alive; every statement may run again.

-- Who changed what, where event triggers may be created. The statement's text is not kept: it may
-- hold a secret. No foreign key to repot.run: somebody's DDL must not wait for a lock on the run.
create table if not exists repot.ddl (
  id          bigint generated always as identity primary key,
  run         integer not null,
  at          timestamptz not null default pg_catalog.clock_timestamp(),
  role        text not null,
  application text not null,
  tag         text not null,   -- ALTER TABLE
  kind        text not null,   -- table, trigger, view …
  object      text not null,   -- its identity as PostgreSQL prints it
  oids        oid[] not null   -- the object, and the table that it belongs to
);
create index if not exists ddl_oids on repot.ddl using gin (oids);
create or replace trigger append_only before update or delete or truncate on repot.ddl
  for each statement execute function repot.append_only();

-- What the views of a run stand on, by identity, when they were made.
create table if not exists repot.ground (
  run     integer not null references repot.run,
  kind    text not null check (kind in ('table', 'column', 'rule', 'function', 'label')),
  oid     oid not null,
  number  smallint not null,  -- columns: attnum
  name    text not null,
  version text not null,
  primary key (run, kind, oid, number)
);
