-- Extensions, and whether anything that is not theirs depends on them: tables, types, functions bound
-- by identity. What only a function's text names does not count: it is looked up when it is called.
select e.oid::bigint                                              as oid,
       e.extname                                                  as name,
       n.nspname                                                  as schema,
       exists (
         select from pg_catalog.pg_depend m
           join pg_catalog.pg_depend d
             on d.refclassid = m.classid and d.refobjid = m.objid and d.deptype in ('n', 'a')
          where m.refclassid = 'pg_catalog.pg_extension'::regclass and m.refobjid = e.oid
            and m.deptype = 'e'
            and not (m.classid = 'pg_catalog.pg_namespace'::regclass)
            and not exists (select from pg_catalog.pg_depend o
                             where o.classid = d.classid and o.objid = d.objid and o.deptype = 'e')
            -- parts of the extension's own objects: row types, arrays, indexes, rules, constraints
            and not exists (select from pg_catalog.pg_depend o
                             join pg_catalog.pg_depend p
                               on p.classid = o.refclassid and p.objid = o.refobjid
                              and p.deptype = 'e'
                             where o.classid = d.classid and o.objid = d.objid
                               and o.deptype in ('i', 'a')))              as needed
  from pg_catalog.pg_extension e
  join pg_catalog.pg_namespace n on n.oid = e.extnamespace
 where e.extname <> 'plpgsql'
 order by e.extname collate "C"
