-- The sequences of the relations (as columns' owned sequences, identities or defaults) and the
-- stand-alone ones among %(alone)s, one row per sequence and column that it feeds.
with fed as (
  select d.objid as sequence, d.refobjid as relation, d.refobjsubid as attnum
    from pg_catalog.pg_depend d
   where d.classid = 'pg_catalog.pg_class'::regclass and d.deptype in ('a', 'i')
     and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjsubid > 0
     and d.refobjid = any (%(relations)s::oid[])
  union
  select d.refobjid, a.adrelid, a.adnum
    from pg_catalog.pg_attrdef a
    join pg_catalog.pg_depend d
      on d.classid = 'pg_catalog.pg_attrdef'::regclass and d.objid = a.oid
     and d.refclassid = 'pg_catalog.pg_class'::regclass
   where a.adrelid = any (%(relations)s::oid[])
  union
  select s.oid, null, null from unnest(%(alone)s::oid[]) s(oid)
)
select s.seqrelid::bigint, n.nspname, c.relname, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
       tn.nspname, t.relname, a.attname,
       -- a number that may be compared with the sequence's
       coalesce(a.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype,
                               'numeric'::regtype), false),
       exists (select from pg_catalog.pg_index i
                where i.indrelid = f.relation and i.indkey[0] = f.attnum and i.indisvalid
                  and i.indpred is null)
  from fed f
  join pg_catalog.pg_sequence s on s.seqrelid = f.sequence
  join pg_catalog.pg_class c on c.oid = s.seqrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_class t on t.oid = f.relation
  left join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
  left join pg_catalog.pg_attribute a on a.attrelid = f.relation and a.attnum = f.attnum
 order by 1, tn.nspname collate "C", t.relname collate "C", a.attnum
