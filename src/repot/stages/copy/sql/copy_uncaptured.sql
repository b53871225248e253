-- Of the tables with these oids, those whose changes nobody writes down: not listed in repot.capture,
-- or without an enabled trigger that calls a function of Repot's.
select x.oid::bigint
  from pg_catalog.unnest(%(oids)s::bigint[]) as x(oid)
 where not exists (
         select from repot.capture c
          where c.run = %(run)s and c.direction = 'forward' and c.oid = x.oid::oid)
    or not exists (
         select from pg_catalog.pg_trigger t
           join pg_catalog.pg_proc p on p.oid = t.tgfoid
           join pg_catalog.pg_namespace n on n.oid = p.pronamespace
          where t.tgrelid = x.oid::oid and not t.tgisinternal and t.tgenabled in ('O', 'A')
            and n.nspname = 'repot')
