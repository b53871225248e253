-- Functions of V1's schemas, and those elsewhere whose text names one of the schemas.
-- `body` is for looking up what a function mentions; it may hold secrets and is never kept.
select case when n.nspname = any (%(schemas)s) then 'function' else 'outside-function' end as kind,
       array[n.nspname, p.proname]::text[]                         as name,
       pg_catalog.pg_get_function_identity_arguments(p.oid)        as arguments,
       pg_catalog.pg_get_userbyid(p.proowner)::text                as owner,
       p.oid::bigint                                               as oid,
       p.prosrc                                                    as body,
       jsonb_build_object(
         'language', l.lanname,
         'type', case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate'
                                when 'w' then 'window' else 'function' end,
         'security_definer', p.prosecdef,
         'search_path', (select split_part(s, '=', 2) from unnest(p.proconfig) s
                          where s like 'search_path=%%' limit 1),
         'volatility', case p.provolatile when 'i' then 'immutable' when 's' then 'stable'
                                          else 'volatile' end,
         'trigger', p.prorettype in ('trigger'::regtype, 'event_trigger'::regtype)) as detail
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  join pg_catalog.pg_language l on l.oid = p.prolang
 where not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid
                      and d.deptype = 'e')
   and (n.nspname = any (%(schemas)s)
        or n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^(pg_|repot)'
           and l.lanname not in ('c', 'internal')
           and exists (select from unnest(%(schemas)s::text[]) s
                        where strpos(p.prosrc, pg_catalog.quote_ident(s) || '.') > 0
                           or strpos(p.prosrc, '"' || replace(s, '"', '""') || '".') > 0))
 order by n.nspname collate "C", p.proname collate "C", p.oid
