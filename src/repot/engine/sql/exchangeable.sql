-- The columns of a table, in order, if its rows can be deleted and inserted anew by one statement and
-- nobody notices: no foreign key to it does anything at the deletion but check at the statement's end
-- (confdeltype 'a'); none would have carried a changed value on (confupdtype) into rows that are not
-- %(derived)s themselves, unless it refers to the %(key)s, which stays; no trigger and no rule of
-- somebody else's looks on; it has no heirs, whose rows would move. Else NULL. A partition has keys of
-- its own.
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
          where k.contype = 'f' and k.confrelid in (select oid from family)
            and (k.confdeltype <> 'a'
                 or (k.confupdtype in ('c', 'n', 'd')
                     and k.conrelid <> all (%(derived)s::regclass[])
                     and exists (
                           select from pg_catalog.pg_attribute a
                            where a.attrelid = k.confrelid and a.attnum = any (k.confkey)
                              and a.attname <> all (%(key)s::text[])))))
   and not exists (
         select from pg_catalog.pg_inherits i
           join pg_catalog.pg_class c on c.oid = i.inhrelid
          where i.inhparent = %(table)s::regclass and not c.relispartition)
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
