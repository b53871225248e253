-- Sequences and the columns that they feed: owned, identity, or named by a default.
with fed as (
  select d.objid as sequence, d.refobjid as relation, d.refobjsubid as attnum
  from pg_catalog.pg_depend d
  where d.classid = 'pg_catalog.pg_class'::regclass and d.deptype in ('a', 'i')
    and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjsubid > 0
  union
  select d.refobjid, a.adrelid, a.adnum
  from pg_catalog.pg_attrdef a
  join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_attrdef'::regclass and d.objid = a.oid
    and d.refclassid = 'pg_catalog.pg_class'::regclass
)
select n.nspname as schema, t.relname as "table", a.attname as "column",
  sn.nspname as sequence_schema, c.relname as sequence, s.seqincrement::bigint as step,
  pg_catalog.has_table_privilege(t.oid, 'SELECT') and pg_catalog.has_sequence_privilege(c.oid, 'SELECT')
    as readable
from fed f
join pg_catalog.pg_sequence s on s.seqrelid = f.sequence
join pg_catalog.pg_class c on c.oid = f.sequence
join pg_catalog.pg_namespace sn on sn.oid = c.relnamespace
join pg_catalog.pg_class t on t.oid = f.relation and t.relkind in ('r', 'p')
join pg_catalog.pg_namespace n on n.oid = t.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = f.relation and a.attnum = f.attnum
where a.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
  and n.nspname <> all (%(own)s) and t.oid <> all (%(aside)s::oid[])
  and not s.seqcycle
  -- only where a value that comes twice does harm
  and exists (select from pg_catalog.pg_index i
    where i.indrelid = t.oid and i.indisunique and i.indkey[0] = f.attnum and i.indnkeyatts = 1)
order by 1, 2, 3
