-- Whether PostgreSQL turns values of one type into another by itself when it assigns them.
select f.oid = t.oid
       or exists (select from pg_catalog.pg_cast c
                   where c.castsource = f.base and c.casttarget = t.base
                     and c.castcontext in ('a', 'i'))
       or f.base = t.base
       or t.category = 'S'
       or exists (select from pg_catalog.pg_cast c
                   where c.castsource = f.base and c.casttarget = t.base and c.castmethod = 'b')
  from (select y.oid, coalesce(nullif(y.typbasetype, 0), y.oid) as base, y.typcategory as category
          from pg_catalog.pg_type y where y.oid = %(source)s::regtype) f,
       (select y.oid, coalesce(nullif(y.typbasetype, 0), y.oid) as base, y.typcategory as category
          from pg_catalog.pg_type y where y.oid = %(target)s::regtype) t
