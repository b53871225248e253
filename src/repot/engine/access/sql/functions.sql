-- Functions of a schema that may be called by name, and which of the roles may. Trigger functions
-- cannot be called; those of extensions are not the user's.
select p.proname                                                      as name,
       pg_catalog.oidvectortypes(p.proargtypes)                        as arguments,
       pg_catalog.pg_get_userbyid(p.proowner)::text                   as owner,
       p.prosecdef                                                    as definer,
       coalesce((select pg_catalog.array_agg(w.name)
                   from unnest(%(roles)s::text[]) as w (name)
                   join pg_catalog.pg_roles r on r.rolname = w.name
                  where pg_catalog.has_function_privilege(r.oid, p.oid, 'EXECUTE')
                    and (%(usage)s or pg_catalog.has_schema_privilege(
                           r.oid, p.pronamespace, 'USAGE'))), '{}')   as roles
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
 where n.nspname = %(schema)s
   and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
   and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid
                      and d.deptype = 'e')
 order by p.proname collate "C", 2
