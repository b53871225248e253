-- Triggers that do not fire. Internal ones keep foreign keys.
select t.tgrelid::regclass::text as "table", t.tgname as name, t.tgisinternal as internal,
  t.tgenabled::text as enabled, t.tgfoid::regproc::text as function,
  (select k.conname from pg_catalog.pg_constraint k where k.oid = t.tgconstraint) as constraint_name
from pg_catalog.pg_trigger t
join pg_catalog.pg_class c on c.oid = t.tgrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where t.tgenabled in ('D', 'R') and n.nspname <> all (%(own)s)
  and (t.tgenabled = 'D' or not t.tgisinternal)
  and t.tgrelid <> all (%(aside)s::oid[])
order by 1, 2
