-- What each object needs of others: (object, object needed, column needed). A view needs what its
-- rule needs.
with asked as (
  select s.class, s.oid from unnest(%(classes)s::oid[], %(oids)s::oid[]) s(class, oid)
),
edge as (
  select a.class, a.oid, d.refclassid, d.refobjid, d.refobjsubid
    from asked a
    join pg_catalog.pg_depend d on d.classid = a.class and d.objid = a.oid
   where d.deptype in ('n', 'a', 'i')
  union
  select a.class, a.oid, d.refclassid, d.refobjid, d.refobjsubid
    from asked a
    join pg_catalog.pg_rewrite w
      on a.class = 'pg_catalog.pg_class'::regclass and w.ev_class = a.oid and w.ev_type = '1'
    join pg_catalog.pg_depend d
      on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = w.oid
   where d.deptype in ('n', 'a', 'i')
)
select e.class::bigint, e.oid::bigint,
       -- a row type, or an array of it, stands for its relation, a key for its table
       case when stands.relation is not null then 'pg_catalog.pg_class'::regclass::oid
            else e.refclassid end::bigint,
       coalesce(stands.relation, el.oid, e.refobjid)::bigint,
       a.attname::text
  from edge e
  left join pg_catalog.pg_type el
    on e.refclassid = 'pg_catalog.pg_type'::regclass and el.typarray = e.refobjid
  left join lateral (
         select c.oid as relation
           from pg_catalog.pg_type ty join pg_catalog.pg_class c on c.oid = ty.typrelid
          where e.refclassid = 'pg_catalog.pg_type'::regclass
            and ty.oid = coalesce(el.oid, e.refobjid) and c.relkind <> 'c'
          union all
         select k.conrelid from pg_catalog.pg_constraint k
          where e.refclassid = 'pg_catalog.pg_constraint'::regclass and k.oid = e.refobjid
            and k.conrelid <> 0) stands on true
  left join pg_catalog.pg_attribute a
    on e.refclassid = 'pg_catalog.pg_class'::regclass and a.attrelid = e.refobjid
   and a.attnum = e.refobjsubid and e.refobjsubid <> 0 and not a.attisdropped
 where (e.refclassid, e.refobjid) <> (e.class, e.oid)
 order by 1, 2, 3, 4, 5
