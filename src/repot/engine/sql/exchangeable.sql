-- The columns of a table, in order, if its rows can be deleted and inserted anew by one statement and
-- nobody notices: no foreign key to it does anything but check at the statement's end (confdeltype
-- 'a'), no trigger and no rule of somebody else's looks on. Else NULL. A partition has keys of its own.
with family as (
  select %(table)s::regclass::oid as oid
   union
  select relid::oid from pg_catalog.pg_partition_tree(%(table)s::regclass)
)
select array(
         select a.attname::text from pg_catalog.pg_attribute a
          where a.attrelid = %(table)s::regclass and a.attnum > 0 and not a.attisdropped
            and a.attgenerated = ''
          order by a.attnum)
 where not exists (
         select from pg_catalog.pg_constraint k
          where k.contype = 'f' and k.confdeltype <> 'a'
            and k.confrelid in (select oid from family))
   and not exists (
         select from pg_catalog.pg_trigger t
           join pg_catalog.pg_proc f on f.oid = t.tgfoid
          where t.tgrelid in (select oid from family) and not t.tgisinternal
            and t.tgenabled in ('O', 'A')
            and t.tgtype & 12 <> 0  -- INSERT, DELETE
            and f.pronamespace <> coalesce(pg_catalog.to_regnamespace('repot')::oid, 0))
   and not exists (
         select from pg_catalog.pg_class c
          where c.relhasrules and c.oid in (select oid from family))
