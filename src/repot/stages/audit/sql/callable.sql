-- Functions that everybody or PostgREST's roles may call; `checks`: its text asks who calls.
-- Triggers' functions cannot be called.
select p.oid::bigint                                              as oid,
       array[n.nspname, p.proname]::text[]                        as name,
       pg_catalog.pg_get_function_identity_arguments(p.oid)       as arguments,
       p.prosecdef                                                as definer,
       o.rolsuper or o.rolbypassrls
         or exists (select from pg_catalog.pg_class c
                     where c.relowner = p.proowner and c.relrowsecurity
                       and not c.relforcerowsecurity)             as bypasses,
       pg_catalog.concat(p.prosrc, pg_catalog.pg_get_function_sqlbody(p.oid))
         ~* '\m(auth\.(uid|jwt|role|email)\s*\(|request\.jwt|session_user|current_setting\s*\()'
                                                                  as checks,
       pg_catalog.concat(p.prosrc, pg_catalog.pg_get_function_sqlbody(p.oid))
         ~* '\m(raw_user_meta_data|user_metadata)\M'              as metadata,
       coalesce((select pg_catalog.array_agg(distinct g.name)
                   from (select 'public' as name
                           from pg_catalog.aclexplode(coalesce(p.proacl,
                                  pg_catalog.acldefault('f', p.proowner))) x
                          where x.grantee = 0 and x.privilege_type = 'EXECUTE'
                         union all
                         select r.rolname::text
                           from pg_catalog.aclexplode(p.proacl) x
                           join pg_catalog.pg_roles r on r.oid = x.grantee
                          where r.rolname in ('anon', 'authenticated')
                            and x.privilege_type = 'EXECUTE') g), '{}') as open,
       -- the names of other functions in its text are looked up by the caller
       pg_catalog.concat(p.prosrc, pg_catalog.pg_get_function_sqlbody(p.oid)) as body
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  join pg_catalog.pg_roles o on o.oid = p.proowner
 where n.nspname = any (%(schemas)s)
   and p.prokind in ('f', 'p')
   and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
   and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid
                      and d.deptype = 'e')
 order by n.nspname collate "C", p.proname collate "C", p.oid
