-- What the swap must remember beside repot.restore; every statement may run again.

-- Objects that a swap moved, by identity, and (class pg_trigger) how triggers were enabled.
create table if not exists repot.moved (
  run   integer not null references repot.run,
  side  text not null check (side in ('v1', 'v2')),
  class oid not null,
  oid   oid not null,
  mode  text,  -- triggers: tgenabled before it was disabled
  primary key (run, class, oid)
);

-- Keys that a rollback took off V2; the next cutover puts them on again, and validates them later.
create table if not exists repot.taken_off (
  run    integer not null references repot.run,
  number integer not null,
  what   text not null,
  ddl    text not null,
  late   text[] not null,
  primary key (run, number)
);

-- Work for after the commit, without the locks: validating constraints, refreshing views.
create table if not exists repot.afterwards (
  run     integer not null references repot.run,
  number  integer not null,
  what    text not null,
  ddl     text not null,
  done_at timestamptz,
  error   text,
  primary key (run, number)
);
