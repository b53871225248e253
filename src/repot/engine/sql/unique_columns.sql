-- For each unique index and exclusion constraint of a table: the columns that it, its expressions and
-- its condition look at.
select array(
         select a.attname::text from pg_catalog.pg_attribute a
          where a.attrelid = i.indrelid and a.attnum > 0
            and (a.attnum = any (i.indkey[: i.indnkeyatts - 1])
              or exists (
                select from pg_catalog.pg_depend d
                 where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = i.indexrelid
                   and d.refclassid = 'pg_catalog.pg_class'::regclass
                   and d.refobjid = i.indrelid and d.refobjsubid = a.attnum))
          order by a.attnum)
  from pg_catalog.pg_index i
 where i.indrelid = %(table)s::regclass and (i.indisunique or i.indisexclusion)
 order by i.indexrelid
