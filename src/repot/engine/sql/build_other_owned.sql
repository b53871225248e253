-- Functions and types that target.sql made in the schema %(target)s, with the words for ALTER … OWNER.
select case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end,
       p.oid::pg_catalog.regprocedure::text
  from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
 where n.nspname = %(target)s and pg_catalog.pg_get_userbyid(p.proowner) = current_user
union all
select 'type', pg_catalog.format_type(t.oid, null)
  from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
  left join pg_catalog.pg_class c on c.oid = t.typrelid
 where n.nspname = %(target)s and pg_catalog.pg_get_userbyid(t.typowner) = current_user
   and (t.typtype in ('e', 'd', 'r') or t.typtype = 'c' and c.relkind = 'c')
