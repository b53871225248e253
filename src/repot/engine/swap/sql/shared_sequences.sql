-- Which of the sequences the columns of the relations take their defaults from.
select distinct d.refobjid::bigint
  from pg_catalog.pg_attrdef a
  join pg_catalog.pg_depend d
    on d.classid = 'pg_catalog.pg_attrdef'::regclass and d.objid = a.oid
   and d.refclassid = 'pg_catalog.pg_class'::regclass
 where a.adrelid = any (%(relations)s::oid[])
   and d.refobjid = any (%(sequences)s::oid[])
