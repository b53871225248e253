-- Relations that are filled by logical replication.
select distinct n.nspname, c.relname
  from pg_catalog.pg_subscription_rel s
  join pg_catalog.pg_class c on c.oid = s.srrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where s.srrelid = any (%(oids)s::oid[])
 order by 1, 2
