-- Capture from the WAL; every statement may run again.
create table if not exists repot.wal (
  run         integer primary key references repot.run,
  slot        text not null,
  publication text not null,
  token       text not null,  -- Repot's own transactions tell it: nobody else's count as such
  confirmed   pg_lsn,         -- what was committed before it is in the logs; null: no slot yet
  beyond      pg_lsn[] not null default '{}',  -- commits behind it that are in the logs, too
  made_at     timestamptz not null default pg_catalog.clock_timestamp()
);
-- An application that can read the token could hide its writes.
revoke all on repot.wal from public;

-- The captured tables (oid = root) and the partitions and children that were seen of them.
create table if not exists repot.wal_table (
  run    integer not null references repot.wal on delete cascade,
  root   oid not null,
  oid    oid not null,
  listed boolean not null,  -- the publication names it
  primary key (run, root, oid)
);

-- Replica identities that were changed, as they were.
create table if not exists repot.wal_identity (
  run      integer not null references repot.wal on delete cascade,
  oid      oid not null,
  identity "char" not null,  -- pg_class.relreplident
  index    oid,              -- identity i: the index
  primary key (run, oid)
);
