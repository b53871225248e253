-- Publications that hold one of the tables and that this role could not change.
select p.pubname, pg_catalog.pg_get_userbyid(p.pubowner)::text as owner
  from pg_catalog.pg_publication p
  join pg_catalog.pg_publication_rel pr on pr.prpubid = p.oid
  join pg_catalog.pg_class c on c.oid = pr.prrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join unnest(%(schemas)s::text[], %(names)s::text[]) w (schema, name)
    on w.schema = n.nspname and w.name = c.relname
 where not pg_catalog.pg_has_role(p.pubowner, 'USAGE')
 group by p.pubname, p.pubowner
 order by p.pubname
