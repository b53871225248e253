-- Who owns most of the tables of the schema %(source)s; no row: it has none.
select pg_catalog.pg_get_userbyid(c.relowner)::text
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where n.nspname = %(source)s and c.relkind in ('r', 'p')
 group by c.relowner order by pg_catalog.count(*) desc, c.relowner limit 1
