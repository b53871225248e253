-- Triggers on the relations, those of partitioned tables before their partitions': with %(ours)s
-- Repot's own, which bear its name, else the users'.
select t.oid::bigint, n.nspname, c.relname, t.tgname, t.tgenabled::text,
       nullif(t.tgparentid, 0)::bigint
  from pg_catalog.pg_trigger t
  join pg_catalog.pg_class c on c.oid = t.tgrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where t.tgrelid = any (%(oids)s::oid[])
   and not t.tgisinternal
   and (t.tgname ~ '^repot_') = %(ours)s
 order by t.tgparentid <> 0, n.nspname collate "C", c.relname collate "C", t.tgname collate "C"
