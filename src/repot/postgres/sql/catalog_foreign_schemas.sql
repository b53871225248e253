-- Schemas of this name that stand already and that this role does not own.
select n.nspname, pg_catalog.pg_get_userbyid(n.nspowner)::text as owner
  from pg_catalog.pg_namespace n
 where n.nspname = any (%(schemas)s)
   and not pg_catalog.pg_has_role(n.nspowner, 'USAGE')
 order by n.nspname
