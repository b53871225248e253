-- Functions that look like sign-up and that nothing calls; and whether anything happens at a sign-up.
select p.oid::regprocedure::text as function,
  exists (select from pg_catalog.pg_trigger t
    where t.tgrelid = pg_catalog.to_regclass('auth.users') and not t.tgisinternal
      and t.tgtype & 4 <> 0 and t.tgenabled in ('O', 'A')
      -- Repot's own, which log what changes while a move is under way, do nothing for a new user
      and not exists (select from pg_catalog.pg_proc f join pg_catalog.pg_namespace s on s.oid = f.pronamespace
        where f.oid = t.tgfoid and s.nspname = any (%(own)s))) as handled
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where pg_catalog.to_regclass('auth.users') is not null
  and p.prorettype = 'trigger'::regtype
  and n.nspname <> all (%(managed)s) and n.nspname not in ('pg_catalog', 'information_schema')
  and p.proname ~* '(new_?user|sign_?up|user_created|create_profile|on_auth)'
  and not exists (select from pg_catalog.pg_trigger t where t.tgfoid = p.oid)
  -- what stands beside tables that do not serve is not to be attached now
  and n.oid not in (select relnamespace from pg_catalog.pg_class where oid = any (%(aside)s::oid[]))
order by 1
