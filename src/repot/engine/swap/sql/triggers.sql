-- Triggers on the relations, those of partitioned tables before their partitions': with %(ours)s
-- Repot's own, which bear its name, else the users'. PostgreSQL 14 calls the partitions' internal.
with recursive own as (
  select t.oid, 0 as level, t.tgname as name
    from pg_catalog.pg_trigger t
   where not t.tgisinternal and t.tgparentid = 0
     and t.tgrelid = any (%(oids)s::oid[])
  union all
  select t.oid, o.level + 1, o.name
    from own o join pg_catalog.pg_trigger t on t.tgparentid = o.oid
   where t.tgrelid = any (%(oids)s::oid[])
)
select t.oid::bigint, n.nspname, c.relname, t.tgname, t.tgenabled::text,
       nullif(t.tgparentid, 0)::bigint
  from own o
  join pg_catalog.pg_trigger t on t.oid = o.oid
  join pg_catalog.pg_class c on c.oid = t.tgrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where (o.name ~ '^repot_') = %(ours)s
 order by o.level, n.nspname collate "C", c.relname collate "C", t.tgname collate "C"
