-- Tables that were below a captured table and are not any more: they still have its triggers. Their
-- rows have left it without firing one.
with recursive below as (
  select c.id, c.oid from repot.capture c where c.run = %(run)s
  union
  select b.id, i.inhrelid from below b join pg_catalog.pg_inherits i on i.inhparent = b.oid
)
select distinct k.oid::bigint as oid, c.oid::bigint as parent, n.nspname as schema,
       k.relname as name, pn.nspname as parent_schema, p.relname as parent_name
  from repot.capture c
  join pg_catalog.pg_proc f
    on f.proname = 'capture_' || c.run || '_' || c.direction || '_' || c.oid
   and f.pronamespace = 'repot'::pg_catalog.regnamespace
  join pg_catalog.pg_trigger t on t.tgfoid = f.oid
  join pg_catalog.pg_class k on k.oid = t.tgrelid
  join pg_catalog.pg_namespace n on n.oid = k.relnamespace
  join pg_catalog.pg_class p on p.oid = c.oid
  join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
 where c.run = %(run)s
   and not exists (select from below b where b.id = c.id and b.oid = t.tgrelid)
 order by 3, 4
