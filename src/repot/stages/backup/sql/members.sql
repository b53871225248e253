-- What belongs to some extensions, as the table of contents of a dump names it.
select case when d.classid = 'pg_catalog.pg_namespace'::regclass then '-'
            else (pg_catalog.pg_identify_object(d.classid, d.objid, d.objsubid)).schema end as schema,
       coalesce((pg_catalog.pg_identify_object(d.classid, d.objid, d.objsubid)).name,
                p.proname::text)                                  as name,
       d.objid::bigint                                            as oid
  from pg_catalog.pg_depend d
  left join pg_catalog.pg_proc p
    on d.classid = 'pg_catalog.pg_proc'::regclass and p.oid = d.objid
 where d.refclassid = 'pg_catalog.pg_extension'::regclass and d.deptype = 'e'
   and d.refobjid = any (%(extensions)s::oid[])
