-- Row security policies; role 0 is what GRANT calls public.
select p.polrelid::bigint                                    as oid,
       p.polname                                             as name,
       case p.polcmd when 'r' then 'SELECT' when 'a' then 'INSERT' when 'w' then 'UPDATE'
                     when 'd' then 'DELETE' else 'ALL' end   as command,
       p.polpermissive                                       as permissive,
       (select jsonb_agg(case when role = 0 then 'public'
                              else pg_catalog.pg_get_userbyid(role)::text end order by place)
          from unnest(p.polroles) with ordinality r (role, place)) as roles,
       pg_catalog.pg_get_expr(p.polqual, p.polrelid)         as "using",
       pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)    as "check"
  from pg_catalog.pg_policy p
  join pg_catalog.pg_class c on c.oid = p.polrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where n.nspname = any (%(schemas)s)
   and c.relkind in ('r', 'p') and c.relpersistence <> 't'
 order by p.polrelid, p.polname collate "C"
