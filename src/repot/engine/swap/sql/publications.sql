-- Explicit members of publications among the tables, with column lists and row filters.
select p.pubname, pg_catalog.pg_get_userbyid(p.pubowner), r.prrelid::bigint, n.nspname, c.relname,
       (select jsonb_agg(a.attname order by k.position)
          from unnest(r.prattrs::int2[]) with ordinality k(attnum, position)
          join pg_catalog.pg_attribute a on a.attrelid = r.prrelid and a.attnum = k.attnum),
       pg_catalog.pg_get_expr(r.prqual, r.prrelid),
       (select jsonb_agg(distinct a.attname)
          from pg_catalog.pg_depend d
          join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
         where d.classid = 'pg_catalog.pg_publication_rel'::regclass and d.objid = r.oid
           and d.refobjid = r.prrelid and d.refobjsubid > 0)
  from pg_catalog.pg_publication_rel r
  join pg_catalog.pg_publication p on p.oid = r.prpubid
  join pg_catalog.pg_class c on c.oid = r.prrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where r.prrelid = any (%(oids)s::oid[])
   and p.pubname !~ '^repot_[0-9]+$'  -- Repot's own, by which it reads V1's changes
 order by p.pubname collate "C", n.nspname collate "C", c.relname collate "C"
