-- What a migration may leave unfinished: invalid indexes, constraints that were never validated,
-- triggers that do not fire.
select 'index', n.nspname::text, t.relname::text, c.relname::text
  from pg_catalog.pg_index i
  join pg_catalog.pg_class c on c.oid = i.indexrelid
  join pg_catalog.pg_class t on t.oid = i.indrelid
  join pg_catalog.pg_namespace n on n.oid = t.relnamespace
 where not i.indisvalid
union all
select 'constraint', n.nspname::text, t.relname::text, k.conname::text
  from pg_catalog.pg_constraint k
  join pg_catalog.pg_class t on t.oid = k.conrelid
  join pg_catalog.pg_namespace n on n.oid = t.relnamespace
 where not k.convalidated
union all
select 'trigger', n.nspname::text, t.relname::text, g.tgname::text
  from pg_catalog.pg_trigger g
  join pg_catalog.pg_class t on t.oid = g.tgrelid
  join pg_catalog.pg_namespace n on n.oid = t.relnamespace
 where g.tgenabled = 'D' and not g.tgisinternal
 order by 1, 2, 3, 4
