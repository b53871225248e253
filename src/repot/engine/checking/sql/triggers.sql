-- The triggers of one table that people made.
select
  t.tgname as name,
  pn.nspname as function_schema,
  p.proname as function,
  t.tgenabled::text as enabled,
  case when t.tgtype & 64 <> 0 then 'instead of' when t.tgtype & 2 <> 0 then 'before' else 'after' end
    as timing,
  case when t.tgtype & 1 <> 0 then 'row' else 'statement' end as for_each,
  array_remove(array[
    case when t.tgtype & 4 <> 0 then 'insert' end,
    case when t.tgtype & 16 <> 0 then 'update' end,
    case when t.tgtype & 8 <> 0 then 'delete' end,
    case when t.tgtype & 32 <> 0 then 'truncate' end], null) as events,
  array(select a.attname::text from pg_catalog.pg_attribute a
    where a.attrelid = t.tgrelid and a.attnum = any (t.tgattr)) as columns
from pg_catalog.pg_trigger t
join pg_catalog.pg_class c on c.oid = t.tgrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_proc p on p.oid = t.tgfoid
join pg_catalog.pg_namespace pn on pn.oid = p.pronamespace
where n.nspname = %(schema)s and c.relname = %(table)s and not t.tgisinternal
order by t.tgname
