-- The same for PostgreSQL 14, which knows neither column lists nor row filters.
select p.pubname, pg_catalog.pg_get_userbyid(p.pubowner), r.prrelid::bigint, n.nspname, c.relname,
       null::jsonb, null::text, null::jsonb
  from pg_catalog.pg_publication_rel r
  join pg_catalog.pg_publication p on p.oid = r.prpubid
  join pg_catalog.pg_class c on c.oid = r.prrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where r.prrelid = any (%(oids)s::oid[])
   and p.pubname !~ '^repot_[0-9]+$'  -- Repot's own, by which it reads V1's changes
 order by p.pubname collate "C", n.nspname collate "C", c.relname collate "C"
